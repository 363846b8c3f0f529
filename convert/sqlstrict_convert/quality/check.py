"""A finished GGUF file -> proof that it is whole, holds what was planned, loads and computes.

Called by `checkpoint_conversion` before the file gets its name. First the file's own tables are
read, then llama.cpp loads it and decodes a few tokens in a child process. Judges no quality.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.checkpoint.tensors import TensorPlan
from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.gguf_format.metadata import ARCHITECTURE
from sqlstrict_convert.llama.child import watch_child

CHILD_LIMIT_S = 600


def check_gguf(path: Path, config: ModelConfig, plans: Iterable[TensorPlan]) -> None:
    """Check the file against the plan, then load it in llama.cpp and decode once.

    Raises:
        CheckError: anything is not as planned, or llama.cpp does not compute finite logits.
    """
    _check_tables(path, {plan.name: plan.shape for plan in plans})
    seen = load_gguf(path)
    if seen.get("n_vocab") != config.vocab_size:
        raise CheckError(
            f"{path.name}: llama.cpp sees {seen.get('n_vocab')} tokens, "
            f"the model has {config.vocab_size}"
        )


def _check_tables(path: Path, expected: dict[str, tuple[int, ...]]) -> None:
    import gguf  # half a second to import: only when a file was written

    try:
        reader = gguf.GGUFReader(path)
    except (ValueError, IndexError, OSError) as error:
        raise CheckError(f"{path.name}: the GGUF tables cannot be read again: {error}") from error
    architecture = reader.get_field("general.architecture")
    if architecture is None or architecture.contents() != ARCHITECTURE:
        raise CheckError(f"{path.name}: general.architecture is not {ARCHITECTURE}")
    found = {
        tensor.name: tuple(int(n) for n in reversed(tensor.shape)) for tensor in reader.tensors
    }
    if found != expected:
        wrong = sorted(found.items() ^ expected.items())[0][0]
        raise CheckError(f"{path.name}: tensor {wrong} is not as planned")
    last = max(tensor.data_offset + tensor.n_bytes for tensor in reader.tensors)
    if path.stat().st_size < last:
        raise CheckError(f"{path.name} ends before its last tensor does")


def load_gguf(path: Path, memory_bytes: int | None = None) -> dict[str, Any]:
    """Load a file in llama.cpp, in a child process, and return what was seen of one decode.

    Raises:
        CheckError: it does not load, takes more memory than `memory_bytes` (by default, than the
            machine has free), or computes no finite logits.
    """
    try:
        return watch_child(
            "quality.check_child", (path,), limit_s=CHILD_LIMIT_S, memory_bytes=memory_bytes
        )
    except CheckError as error:
        raise CheckError(f"{path.name}: {error}") from error
