"""One sequence's state as bytes, out of llama.cpp and into it, and what the bytes depend on.

`llama.py` calls it with its own library and pointers. llama.cpp checks little of what it is given:
one wrong bit is silently another state, and a wrong length may end the process. So only bytes that
`read` returned may be given to `put`, under the same `parameters_of` and `library_of`; to keep it
so while they lie in a file is `prefix_file.py`'s work.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

State = NDArray[np.uint8]

# Fields of llama_context_params that neither a state's layout nor its numbers depend on.
_WITHOUT_EFFECT = frozenset(
    ("n_ctx", "n_seq_max", "n_outputs_max", "n_threads", "n_threads_batch", "no_perf", "embeddings")
)
_LIBRARY_SUFFIXES = (".so", ".dylib", ".dll")


def read(llama: Any, context: Any, seq_id: int) -> State | None:
    """Return a copy of a sequence's whole state, None where llama.cpp does not hand it out."""
    size = int(llama.llama_state_seq_get_size(context, seq_id))
    state = np.empty(size, dtype=np.uint8)
    n_written = int(llama.llama_state_seq_get_data(context, _pointer(state), size, seq_id))
    return state if n_written == size and size else None


def put(llama: Any, context: Any, seq_id: int, state: State) -> bool:
    """Give an empty sequence a state; return whether llama.cpp took all of it."""
    n_read = llama.llama_state_seq_set_data(context, _pointer(state), state.size, seq_id)
    return int(n_read) == state.size


def parameters_of(params: Any) -> str:
    """Return the context's parameters that decide what a state looks like, as one line."""
    values = {name: getattr(params, name) for name, *_ in params._fields_}
    return ", ".join(
        f"{name}={value}"
        for name, value in sorted(values.items())
        if isinstance(value, bool | int | float) and name not in _WITHOUT_EFFECT
    )


def library_of(llama: Any) -> str:
    """Return what computes: the digest of llama.cpp's files, and what they use of the processor."""
    folder = Path(os.fsdecode(llama._lib._name)).parent
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in _LIBRARY_SUFFIXES:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return f"{digest.hexdigest()} {llama.llama_print_system_info().decode()}"


def _pointer(state: State) -> Any:
    return ctypes.cast(state.ctypes.data, ctypes.POINTER(ctypes.c_uint8))
