"""The child process that calls llama_model_quantize.

`python -m sqlstrict_convert.quantize.quantize_child`, started by `quantize` alone. A call into
llama.cpp cannot be interrupted from Python and ends the process where it asserts; as a process of
its own it can be killed, and takes nobody with it. Arguments: source, target, ftype number, threads
and, where there is one, the file of the importance matrix. Standard error is llama.cpp's log; the
end of standard input means that the parent is gone, and ends this process too.
"""

import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import ConvertError
from sqlstrict_convert.llama.child import end_with_parent
from sqlstrict_convert.llama.library import load_bindings, set_fields, set_log
from sqlstrict_convert.quantize.importance import read_importance

BUFFER_BYTES = 64 << 20  # of rows in memory at a time; llama.cpp's own default is 8 GiB


def _write_log(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


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


def main(arguments: list[str]) -> int:
    """Quantize as the arguments say and return the exit code."""
    source, target, ftype, n_threads, *rest = arguments
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        importance = dict(read_importance(Path(rest[0]))) if rest else None
        bindings = load_bindings()
        set_log(bindings, _write_log)
        status = quantize_file(bindings, source, target, int(ftype), int(n_threads), importance)
        return 1 if status else 0
    except ConvertError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
