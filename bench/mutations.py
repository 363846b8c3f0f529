"""Damage model files thousands of times: does every one end in a typed error or a sound result?

GGUF heads go through the reader that every file of strangers passes first; a part of them goes on
into llama.cpp, in the child process that `model pull` and `model verify` load a file in. Checkpoint
files (safetensors headers, config.json, tokenizer.json, tokenizer_config.json) go through all that
is read before a conversion writes. Any other exception than the package's own counts as untyped,
and the mutant is kept in --keep. The last line is the figures as JSON.

    python bench/mutations.py --gguf 5000 --loaded 300 --checkpoints 2000
"""

import argparse
import collections
import json
import random
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "reference"), str(Path(__file__).parent)]

from convert_mutations import mutate_file, mutate_gguf  # noqa: E402
from make_model import make_model, train_tokenizer  # noqa: E402
from random_checkpoint import write_checkpoint  # noqa: E402
from sqlstrict_convert.checkpoint.model import read_model  # noqa: E402
from sqlstrict_convert.errors import CheckError, ConvertError  # noqa: E402
from sqlstrict_convert.gguf_format.header import GgufError, read_header  # noqa: E402
from sqlstrict_convert.quality.check import load_gguf  # noqa: E402

FILES = ("model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")


class Outcomes:
    """Counts how attempts end, and keeps what ended in no typed way."""

    def __init__(self, keep: Path) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.longest_s = 0.0
        self._keep = keep

    def attempt(self, act: Callable[[], object], mutant: Path) -> str:
        """Run one attempt and return its outcome."""
        start_s = time.monotonic()
        try:
            act()
            outcome = "taken"
        except (GgufError, ConvertError) as error:
            outcome = type(error).__name__
            if isinstance(error, CheckError) and "ended with status -" in str(error):
                outcome = "CheckError: llama.cpp ended the child"
        except Exception as error:
            outcome = f"UNTYPED {type(error).__name__}"
            traceback.print_exc()
            self._keep.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(mutant, self._keep / f"{sum(self.counts.values())}-{mutant.name}")
        self.longest_s = max(self.longest_s, time.monotonic() - start_s)
        self.counts[outcome] += 1
        return outcome

    def figures(self) -> dict[str, object]:
        """Return the counts, how many were untyped, and the longest attempt."""
        untyped = sum(count for name, count in self.counts.items() if name.startswith("UNTYPED"))
        return {
            "mutants": sum(self.counts.values()),
            "outcomes": dict(sorted(self.counts.items())),
            "untyped": untyped,
            "longest_s": round(self.longest_s, 3),
        }


def main() -> int:
    """Damage, read, count."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gguf", type=int, default=5000, metavar="N")
    parser.add_argument("--loaded", type=int, default=300, metavar="N", help="of these, by llama")
    parser.add_argument("--checkpoints", type=int, default=2000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("mutants"), metavar="FOLDER")
    arguments = parser.parse_args()
    stream = random.Random(arguments.seed)
    heads, loads, checkpoints = (Outcomes(arguments.keep) for _ in range(3))
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        whole = make_model("tiny", root / "tiny.gguf", quantize="F16")
        raw, head_bytes = whole.read_bytes(), read_header(whole).data_offset
        mutant = root / "mutant.gguf"
        for _ in range(arguments.gguf):
            mutant.write_bytes(mutate_gguf(raw, head_bytes, stream))
            outcome = heads.attempt(lambda: read_header(mutant), mutant)
            # Those that the reader takes are llama.cpp's to judge; a few others see how it fares
            # without the reader before it.
            wanted = outcome == "taken" or stream.random() < 0.02
            if wanted and sum(loads.counts.values()) < arguments.loaded:
                loads.attempt(lambda: load_gguf(mutant), mutant)
        reader_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        pristine = write_checkpoint(root / "pristine", "untied", train_tokenizer(320, 300_000))
        folder = root / "checkpoint"
        shutil.copytree(pristine, folder)
        for _ in range(arguments.checkpoints):
            name = stream.choice(FILES)
            mutate_file(folder / name, stream)
            checkpoints.attempt(
                lambda: read_model(folder, find_base=None, assumes_word_pattern=False),
                folder / name,
            )
            shutil.copyfile(pristine / name, folder / name)
    figures = {
        "gguf_heads": heads.figures() | {"peak_memory_mb": round(reader_kb / 1e3)},
        "loaded": loads.figures(),
        "checkpoints": checkpoints.figures(),
    }
    print(json.dumps(figures))
    return 1 if any(part["untyped"] for part in figures.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
