"""The child process that calls llama_model_quantize: `python -m sqlstrict_convert.quantize_child`.

Started by `quantize` alone. A call into llama.cpp cannot be interrupted from Python and ends the
process where it asserts; as a process of its own it can be killed, and takes nobody with it.
Arguments: source, target, ftype number, threads. Standard error is llama.cpp's log; the end of
standard input means that the parent is gone, and ends this process too.
"""

import os
import sys
import threading
from typing import Any

from sqlstrict_convert.errors import ConvertError
from sqlstrict_convert.llama_library import load_bindings, set_fields, set_log


def _write_log(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()


def _end_with_parent() -> None:
    os.read(sys.stdin.fileno(), 1)  # nothing is ever sent: this returns at the end of the pipe
    os._exit(1)


def quantize_file(bindings: Any, source: str, target: str, ftype: int, n_threads: int) -> int:
    """Call llama_model_quantize and return its status, 0 for success."""
    params = bindings.llama_model_quantize_default_params()
    set_fields(params, ftype=ftype, nthread=n_threads)
    return int(
        bindings.llama_model_quantize(
            source.encode(), target.encode(), bindings.ctypes.byref(params)
        )
    )


def main(arguments: list[str]) -> int:
    """Quantize as the arguments say and return the exit code."""
    source, target, ftype, n_threads = arguments
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        bindings = load_bindings()
        set_log(bindings, _write_log)
        return 1 if quantize_file(bindings, source, target, int(ftype), int(n_threads)) else 0
    except ConvertError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
