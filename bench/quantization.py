"""What each quantization costs, with and without importance matrix, on held-back prompts.

Quantizes one model in every way and lets each result read the prompts that the converter compares
with, against the unquantized model: KL divergence, the likeliest token, perplexity, own statements.
Prints a table and, as the last line, the same as JSON.

    python bench/quantization.py                                   # the bundled model
    python bench/quantization.py --checkpoint DIR                  # another one
    python bench/quantization.py --random 350m --prompts 16        # the real shape, random weights
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from make_model import make_model
from sqlstrict_convert import ConvertError, convert
from sqlstrict_convert.quality.bounds import find_problems
from sqlstrict_convert.quality.comparison import PROMPTS, Figures, read_prompts, sum_up
from sqlstrict_convert.quantize.importance import measure_importance
from sqlstrict_convert.quantize.quantize import QUANTIZATIONS, quantize_gguf

BUNDLED = Path(__file__).parents[1] / "daemon" / "sqlstrictd" / "bundled"
HEAD = (
    f"{'':8} {'imatrix':7} {'MB':>7} {'KL mean':>9} {'KL 90 %':>9} {'KL 99 %':>9} {'same top':>8} "
    f"{'perplexity':>10} {'same SQL':>8} {'bounds':>7}"
)


@dataclass(frozen=True)
class Row:
    """One quantized form and its figures."""

    quantization: str
    has_importance_matrix: bool
    size_bytes: int
    figures: Figures

    def __str__(self) -> str:
        found = self.figures
        is_within = not find_problems(found, self.quantization)
        return (
            f"{self.quantization:8} {'yes' if self.has_importance_matrix else 'no':7} "
            f"{self.size_bytes / 1e6:7.1f} {found.divergence_mean:9.5f} "
            f"{found.divergence_p90:9.5f} {found.divergence_p99:9.4f} {found.agreement:8.2%} "
            f"{found.perplexity:10.4f} "
            f"{found.same_statements:8.1%} {'within' if is_within else 'OUTSIDE':>7}"
        )


def measure(
    f16: Path, folder: Path, quantizations: list[str], n_prompts: int, n_threads: int | None
) -> Iterator[Row]:
    """Yield a row for each quantization, without and with importance matrix."""
    logits, importance = folder / "logits.f32", folder / "importance.npz"
    reference = read_prompts(f16, logits, n_prompts=n_prompts, n_threads=n_threads)
    measure_importance(f16, importance, n_threads=n_threads)
    for quantization in quantizations:
        for weights in (None, importance):
            made = folder / "quantized.gguf"
            quantize_gguf(f16, made, quantization, importance=weights, n_threads=n_threads)
            measured = read_prompts(made, logits, n_prompts=n_prompts, n_threads=n_threads)
            yield Row(
                quantization,
                weights is not None,
                made.stat().st_size,
                sum_up(reference, measured),
            )


def main() -> int:
    """Read the arguments, print the table, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--checkpoint", type=Path, default=BUNDLED, metavar="DIR")
    source.add_argument("--random", choices=("tiny", "350m"), help="random weights of this shape")
    source.add_argument("--f16", type=Path, metavar="FILE", help="an unquantized GGUF file")
    parser.add_argument("--prompts", type=int, default=PROMPTS, metavar="N")
    parser.add_argument("--threads", type=int, metavar="N")
    parser.add_argument(
        "--quantizations", nargs="+", choices=list(QUANTIZATIONS), default=list(QUANTIZATIONS)
    )
    arguments = parser.parse_args()
    name = arguments.random or (arguments.f16 or arguments.checkpoint).name
    start_s = time.monotonic()
    rows: list[Row] = []
    try:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            f16 = arguments.f16 or folder / "f16.gguf"
            if arguments.random:
                make_model(arguments.random, f16, quantize="F16")
            elif not arguments.f16:
                convert(arguments.checkpoint, f16, "F16")
            print(f"{name}, {arguments.prompts} held-back prompts")
            print(HEAD)
            for row in measure(
                f16, folder, arguments.quantizations, arguments.prompts, arguments.threads
            ):
                rows.append(row)
                print(row, flush=True)
    except (ConvertError, OSError) as error:
        print(f"quantization: {error}", file=sys.stderr)
        return 1
    print(f"F16 perplexity {rows[0].figures.unquantized_perplexity:.4f}")
    found: dict[str, Any] = {
        "model": name,
        "seconds": round(time.monotonic() - start_s, 1),
        "rows": [asdict(row) for row in rows],
    }
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
