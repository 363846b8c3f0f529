"""An F16 or F32 GGUF file -> the same model with quantized matrices, by llama.cpp itself.

Called by `checkpoint_conversion` and by tools. Runs `quantize_child`; writes exactly the target it
is given, so temporary names are the caller's concern.
"""

import os
from collections.abc import Callable
from pathlib import Path

from sqlstrict_convert.errors import CheckError, QuantizeError
from sqlstrict_convert.llama.child import watch_child

# Source: enum llama_ftype in llama.h.
QUANTIZATIONS = {
    "Q4_0": 2,
    "Q8_0": 7,
    "Q4_K_S": 14,
    "Q4_K_M": 15,
    "Q5_K_M": 17,
    "Q6_K": 18,
}
FLOATS = ("F16", "F32")
# Few bits leave most to gain from knowing what matters.
WITH_IMPORTANCE = frozenset({"Q4_0", "Q4_K_S", "Q4_K_M"})
BITS_PER_WEIGHT = {  # rounded up, for the check of the disk
    "Q4_0": 5,
    "Q8_0": 9,
    "Q4_K_S": 5,
    "Q4_K_M": 6,
    "Q5_K_M": 6,
    "Q6_K": 7,
    "F16": 16,
    "F32": 32,
}


def quantize_gguf(
    source: Path,
    target: Path,
    quantization: str,
    *,
    importance: Path | None = None,
    n_threads: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Write `source` quantized to `target` and force it to the disk.

    `importance` is a file of `measure_importance`: what it weighs most is rounded best.
    `on_progress` gets the count of tensors done and their total. Ends the child when interrupted.

    Raises:
        QuantizeError: llama.cpp failed; the message ends with the last lines of its log.
    """
    arguments: list[object] = [source, target, QUANTIZATIONS[quantization]]
    arguments += [n_threads or os.cpu_count() or 1, *([] if importance is None else [importance])]
    try:
        watch_child("quantize.quantize_child", arguments, on_progress)
    except CheckError as error:
        raise QuantizeError(f"llama.cpp did not quantize to {quantization}: {error}") from error
    with target.open("rb") as file:
        os.fsync(file.fileno())
