"""How GGUF files store rows of numbers, and ggml's own functions that widen them to F32.

`head.py` asks. ggml's table of types is read through ctypes; where it is laid out otherwise than
this was written for, which its names and sizes show, no type is known.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Traits(ctypes.Structure):
    """Struct ggml_type_traits. Source: ggml.h of ggml 0.25, as llama-cpp-python 0.3.36 has it."""

    _fields_ = [
        ("type_name", ctypes.c_char_p),
        ("block_values", ctypes.c_int64),
        ("block_values_interleaved", ctypes.c_int64),
        ("block_bytes", ctypes.c_size_t),
        ("is_quantized", ctypes.c_bool),
        ("to_float", ctypes.c_void_p),
        ("from_float_ref", ctypes.c_void_p),
    ]


_ToFloat = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
# Of a number that is not in its table, ggml ends the process.
_F32, _NUMBERS = 0, range(1, 42)


class RowType:
    """One way of storing rows."""

    def __init__(self, to_float: Callable[..., None] | None) -> None:
        """`to_float` is ggml's function; None for rows that are F32 already."""
        self._to_float = to_float

    def widen(self, raw: bytearray, rows: NDArray[np.float32]) -> None:
        """Write stored rows, one after the other, as F32 into (n, row length)."""
        if self._to_float is None:
            rows[:] = np.frombuffer(raw, dtype=np.float32).reshape(rows.shape)
            return
        source = (ctypes.c_char * len(raw)).from_buffer(raw)
        self._to_float(ctypes.addressof(source), rows.ctypes.data, rows.size)


def row_type(library: Any, name: str) -> RowType | None:
    """Return the type that GGUF calls by this name, None where ggml cannot widen it."""
    get_traits = library._lib.ggml_get_type_traits
    get_traits.restype, get_traits.argtypes = ctypes.POINTER(_Traits), [ctypes.c_int]
    plain = get_traits(_F32).contents
    if (plain.type_name, plain.block_values, plain.block_bytes) != (b"f32", 1, 4):
        return None
    if name == "F32":
        return RowType(None)
    for number in _NUMBERS:
        traits = get_traits(number).contents
        if traits.type_name == name.lower().replace("_k", "_K").encode() and traits.to_float:
            return RowType(_ToFloat(traits.to_float))
    return None
