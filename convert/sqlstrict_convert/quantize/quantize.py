"""An F16 or F32 GGUF file -> the same model with quantized matrices, by llama.cpp itself.

Called by `checkpoint_conversion` and by tools. Runs `quantize_child` and reads its log for
progress; writes exactly the target it is given, so temporary names are the caller's concern.
"""

import os
import re
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path

from sqlstrict_convert.errors import QuantizeError

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
LOG_LINES_KEPT = 20
_PROGRESS = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]")


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
    command = [
        sys.executable,
        "-P",
        "-m",
        "sqlstrict_convert.quantize.quantize_child",
        str(source),
        str(target),
        str(QUANTIZATIONS[quantization]),
        str(n_threads or os.cpu_count() or 1),
        *([] if importance is None else [str(importance)]),
    ]
    last_lines: deque[str] = deque(maxlen=LOG_LINES_KEPT)
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells the child that this process is gone
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        assert child.stderr is not None
        try:
            for line in child.stderr:
                progress = _PROGRESS.match(line)
                if progress:
                    on_progress(int(progress[1]), int(progress[2]))
                elif line.strip():
                    last_lines.append(line.rstrip())
        except BaseException:
            child.kill()  # else leaving the block would wait for its end
            raise
    if child.returncode != 0 or not target.is_file():
        log = "\n".join(last_lines)
        raise QuantizeError(
            f"llama.cpp did not quantize to {quantization} (exit {child.returncode}); "
            f"its last words:\n{log}"
        )
    with target.open("rb") as file:
        os.fsync(file.fileno())
