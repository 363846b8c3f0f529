"""Write a random-weights LFM2 model as GGUF: the worst model there is, for tests and figures.

`tiny` (about 1 MB, a second) is for tests: a model that writes noise finds holes in a grammar
faster than a good one. `350m` has the shape and vocabulary size of the real LFM2.5-350M and costs
what the real one costs. The vocabulary is a real byte-level BPE, trained here on the sources of
Python's standard library, which every machine has; its tokenizer.json is kept beside the output and
used again. The weights come from a seed, so the same seed and tokenizer give the same file.

    python bench/make_model.py --size tiny --out tiny.gguf
    python bench/make_model.py --size 350m --out 350m.gguf --quantize Q4_K_M
"""

import argparse
import json
import os
import sys
import sysconfig
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlstrict_convert.checkpoint.config import parse_config
from sqlstrict_convert.checkpoint.tensors import TensorPlan, plan_tensors
from sqlstrict_convert.checkpoint.vocab import WORD_PATTERN, parse_vocabulary
from sqlstrict_convert.errors import ConvertError
from sqlstrict_convert.gguf_format.file import write_gguf
from sqlstrict_convert.gguf_format.metadata import Origin
from sqlstrict_convert.quantize.quantize import QUANTIZATIONS, quantize_gguf

SPECIAL_TOKENS = ("<|pad|>", "<|startoftext|>", "<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' "
    "+ message['content'] + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
Values = Callable[[TensorPlan], Iterator[NDArray[np.float32]]]

PIECE_VALUES = 1 << 20
WEIGHT_SCALE = 0.02  # the spread of LFM2's own initialisation


@dataclass(frozen=True, slots=True)
class Size:
    """One size of model: its config.json and how much text its tokenizer reads."""

    config: dict[str, Any]
    corpus_bytes: int


_TOKEN_IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 4}
SIZES = {
    "tiny": Size(
        {
            "model_type": "lfm2",
            "architectures": ["Lfm2ForCausalLM"],
            "vocab_size": 1024,
            "hidden_size": 64,
            "intermediate_size": 128,
            "block_auto_adjust_ff_dim": False,
            "num_hidden_layers": 4,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "layer_types": ["conv", "full_attention", "conv", "full_attention"],
            "conv_L_cache": 3,
            "max_position_embeddings": 8192,
            "sqlstrict": {"schema_rendering": "compact"},
            **_TOKEN_IDS,
        },
        corpus_bytes=400_000,
    ),
    "350m": Size(
        {
            "model_type": "lfm2",
            "architectures": ["Lfm2ForCausalLM"],
            "vocab_size": 65_536,
            "hidden_size": 1024,
            "intermediate_size": 6656,
            "block_auto_adjust_ff_dim": True,
            "block_ffn_dim_multiplier": 1.0,
            "block_multiple_of": 256,
            "num_hidden_layers": 16,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "full_attn_idxs": [2, 5, 8, 10, 12, 14],
            "conv_L_cache": 3,
            "max_position_embeddings": 32_768,
            **_TOKEN_IDS,
        },
        corpus_bytes=40_000_000,
    ),
}


def make_model(
    size: str,
    out: str | os.PathLike[str],
    seed: int = 0,
    quantize: str | None = None,
    *,
    values: Values | None = None,
    is_quiet: bool = True,
) -> Path:
    """Write a random model of one of SIZES to `out` and return its path.

    `quantize` is F32, F16 or a name of QUANTIZATIONS; by default F32 for tiny, Q4_K_M for 350m.
    `values` gives each tensor's values in flat pieces, where they are not to be random.
    """
    target = Path(out)
    chosen = SIZES[size]
    kind = quantize or ("F32" if size == "tiny" else "Q4_K_M")
    config = parse_config(chosen.config)
    say = _silent if is_quiet else _say
    tokenizer_file = tokenizer_of(size, target.parent, is_quiet=is_quiet)
    vocabulary = parse_vocabulary(
        json.loads(tokenizer_file.read_text(encoding="utf-8")),
        {"bos_token": "<|startoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"},
        CHAT_TEMPLATE,
        config,
    )
    plans = plan_tensors(config)
    say(f"writing {sum(plan.n_values for plan in plans):,} random weights")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".make_model-") as folder:
        written = Path(folder, "model.gguf")
        write_gguf(
            written,
            config,
            vocabulary,
            Origin(name=f"random-{size}-{seed}"),
            plans,
            values or (lambda plan: random_values(plan, seed)),
            is_f16=kind != "F32",
        )
        if kind in QUANTIZATIONS:
            say(f"quantizing to {kind}")
            quantized = Path(folder, "quantized.gguf")
            quantize_gguf(written, quantized, kind)
            written = quantized
        os.replace(written, target)
    say(f"{target}: {target.stat().st_size:,} bytes")
    return target


def tokenizer_of(size: str, folder: Path, *, is_quiet: bool = True) -> Path:
    """Return a size's tokenizer.json in a folder, trained first where it is not there yet."""
    chosen = SIZES[size]
    n_tokens = chosen.config["vocab_size"]
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"random-{size}-{n_tokens}.tokenizer.json"
    if not file.is_file():
        if not is_quiet:
            _say(f"training a tokenizer of {n_tokens} tokens on the standard library")
        _write_whole(file, train_tokenizer(n_tokens, chosen.corpus_bytes, is_quiet=is_quiet))
    return file


def random_values(plan: TensorPlan, seed: int) -> Iterator[NDArray[np.float32]]:
    """Yield a tensor's values, in flat pieces: normal for weights, near one for norms.

    Each tensor has a stream of its own, so its values do not hang on what was written before.
    """
    stream = np.random.default_rng([seed, zlib.crc32(plan.source_name.encode())])
    is_norm = len(plan.shape) == 1
    left = plan.n_values
    while left:
        n_values = min(left, PIECE_VALUES)
        piece = stream.standard_normal(n_values, dtype=np.float32)
        piece *= WEIGHT_SCALE if plan.is_matrix or is_norm else 0.3
        yield 1 + piece if is_norm else piece
        left -= n_values


def train_tokenizer(vocab_size: int, corpus_bytes: int, *, is_quiet: bool = True) -> str:
    """Train a byte-level BPE cut as LFM2's on the standard library; return its tokenizer.json."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORD_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A", special_tokens=[("<|startoftext|>", 1)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=not is_quiet,
    )
    tokenizer.train_from_iterator(standard_library_texts(corpus_bytes), trainer)
    text: str = tokenizer.to_str()
    return text


def standard_library_texts(n_bytes: int) -> Iterator[str]:
    """Yield up to `n_bytes` of the standard library's source, in the order of file names.

    `tiny` reads the files about databases and text first, whose words stand in questions too.
    """
    root = Path(sysconfig.get_path("stdlib"))
    first = [*sorted(root.glob("sqlite3/*.py")), root / "argparse.py", root / "csv.py"]
    rest = (path for path in sorted(root.rglob("*.py")) if path not in first)
    left = n_bytes
    for path in (*(path for path in first if path.is_file()), *rest):
        try:
            text = path.read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue  # a few test files are in other encodings on purpose
        yield text[:left]
        left -= len(text)
        if left <= 0:
            return


def _write_whole(path: Path, text: str) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=path.absolute().parent, prefix=".tokenizer-", delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    os.replace(file.name, path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _silent(text: str) -> None:
    pass


def main() -> int:
    """Read the arguments, write the model, return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", choices=sorted(SIZES), default="tiny")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quantize",
        choices=["F32", "F16", *QUANTIZATIONS],
        help="default: F32 for tiny, Q4_K_M for 350m",
    )
    arguments = parser.parse_args()
    try:
        make_model(
            arguments.size, arguments.out, arguments.seed, arguments.quantize, is_quiet=False
        )
    except (ConvertError, OSError) as error:
        print(f"make_model: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
