"""The child process that calls llama_model_quantize.

`python -m sqlstrict_convert.quantize.quantize_child`, started by `quantize` alone. A call into
llama.cpp cannot be interrupted from Python and ends the process where it asserts; as a process of
its own it can be killed, and takes nobody with it. Arguments: source, target, ftype number, threads
and, where there is one, the file of the importance matrix. llama.cpp tells of its progress in its
log alone, a line for each tensor.
"""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import QuantizeError
from sqlstrict_convert.llama.child import run_child, say, write_log
from sqlstrict_convert.llama.library import set_fields
from sqlstrict_convert.quantize.importance import read_importance

_PROGRESS = re.compile(r"^\[\s*(\d+)/\s*(\d+)\]")
BUFFER_BYTES = 64 << 20  # of rows in memory at a time; llama.cpp's own default is 8 GiB


def quantize_file(
    bindings: Any,
    source: str,
    target: str,
    ftype: int,
    n_threads: int,
    importance: Mapping[str, NDArray[np.float32]] | None = None,
) -> int:
    """Call llama_model_quantize and return its status, 0 for success."""
    params = bindings.llama_model_quantize_default_params()
    set_fields(params, ftype=ftype, nthread=n_threads, max_buf_size=BUFFER_BYTES)
    if importance is not None:
        set_fields(params, imatrix=_as_c_array(bindings, importance))
    return int(
        bindings.llama_model_quantize(
            os.fsencode(source), os.fsencode(target), bindings.ctypes.byref(params)
        )
    )


def _as_c_array(bindings: Any, importance: Mapping[str, NDArray[np.float32]]) -> Any:
    """Return llama.cpp's array, ended by an entry without a name.

    The entries point into `importance`, which must outlive the call.
    """
    entries = (bindings.llama_model_imatrix_data * (len(importance) + 1))()
    pointer = bindings.ctypes.POINTER(bindings.ctypes.c_float)
    for entry, (name, values) in zip(entries, importance.items(), strict=False):
        data = values.ctypes.data_as(pointer)
        set_fields(entry, name=name.encode(), data=data, size=values.size)
    return entries


class Log:
    """Passes llama.cpp's log on, and says what of it is progress."""

    def __init__(self) -> None:
        self._line = ""

    def __call__(self, text: str) -> None:
        """Take a piece of the log, which need not be a whole line."""
        write_log(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            found = _PROGRESS.match(line)
            if found:
                say(done=int(found[1]), total=int(found[2]))


def main(bindings: Any, arguments: list[str]) -> None:
    """Quantize as the arguments say."""
    source, target, ftype, n_threads, *rest = arguments
    importance = dict(read_importance(Path(rest[0]))) if rest else None
    status = quantize_file(bindings, source, target, int(ftype), int(n_threads), importance)
    if status:
        raise QuantizeError(f"it returned status {status}")
    say(status=status)


if __name__ == "__main__":
    sys.exit(run_child(main, Log()))
