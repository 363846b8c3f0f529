"""A finished GGUF file -> proof that it is whole, holds what was planned, loads and computes.

Called by `checkpoint_conversion` before the file gets its name. First the file's own tables are
read, then llama.cpp loads it and decodes a few tokens in a child process. Judges no quality.
"""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.checkpoint.tensors import TensorPlan
from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.gguf_format.metadata import ARCHITECTURE

LOG_LINES_KEPT = 15
CHILD_TIMEOUT_S = 600


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


def load_gguf(path: Path) -> dict[str, object]:
    """Load a file in llama.cpp, in a child process, and return what was seen of one decode.

    Raises:
        CheckError: it does not load, or computes no finite logits.
    """
    command = [sys.executable, "-P", "-m", "sqlstrict_convert.quality.check_child", str(path)]
    try:
        child = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=CHILD_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as error:
        raise CheckError(
            f"{path.name}: llama.cpp did not finish within {CHILD_TIMEOUT_S} s"
        ) from error
    log = "\n".join(child.stderr.splitlines()[-LOG_LINES_KEPT:])
    try:
        seen = json.loads(child.stdout)
    except json.JSONDecodeError as error:
        raise CheckError(
            f"{path.name}: llama.cpp ended with status {child.returncode}; its last words:\n{log}"
        ) from error
    if "error" in seen:
        raise CheckError(f"{seen['error']}; llama.cpp's last words:\n{log}")
    return dict(seen)
