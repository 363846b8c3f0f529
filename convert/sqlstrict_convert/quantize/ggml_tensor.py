"""ggml's tensors as the evaluation callback gets them: a pointer -> names, shapes, values.

Used by `importance_child`. llama-cpp-python has no such struct, so its layout stands here, and is
held against what ggml's own functions say before anything is read through it.
"""

from __future__ import annotations

import ctypes
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import ConvertError

F32 = 0  # GGML_TYPE_F32
MUL_MAT = b"MUL_MAT"


class Tensor(ctypes.Structure):
    """Struct ggml_tensor. Source: ggml.h of ggml 0.25, as llama-cpp-python 0.3.36 is built on."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("buffer", ctypes.c_void_p),
        ("ne", ctypes.c_int64 * 4),
        ("nb", ctypes.c_size_t * 4),
        ("op", ctypes.c_int),
        ("op_params", ctypes.c_int32 * 16),
        ("flags", ctypes.c_int32),
        ("src", ctypes.c_void_p * 10),
        ("view_src", ctypes.c_void_p),
        ("view_offs", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("name", ctypes.c_char * 64),
        ("extra", ctypes.c_void_p),
        ("padding", ctypes.c_char * 8),
    ]


class TensorReader:
    """Reads tensors of a graph that is being computed; `bindings` has loaded the library."""

    def __init__(self, bindings: Any) -> None:
        # The loaded llama.cpp links to ggml, so the process knows its symbols by that handle.
        library = bindings._lib
        self._name = library.ggml_get_name
        self._name.restype, self._name.argtypes = ctypes.c_char_p, [ctypes.c_void_p]
        self._size = library.ggml_nbytes
        self._size.restype, self._size.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
        self._get = library.ggml_backend_tensor_get
        self._get.restype = None
        self._get.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
        self._op_name = library.ggml_op_name
        self._op_name.restype, self._op_name.argtypes = ctypes.c_char_p, [ctypes.c_int]
        self._is_checked = False

    @cached_property
    def _product(self) -> int:
        """The number of the operation that multiplies matrices."""
        return next(number for number in range(256) if self._op_name(number) == MUL_MAT)

    def product_sources(self, pointer: int) -> tuple[Tensor, int] | None:
        """Return weights and the pointer of what they are multiplied with; None for another op.

        Raises:
            ConvertError: ggml's tensors are laid out otherwise in this build.
        """
        tensor = Tensor.from_address(pointer)
        if not self._is_checked:
            self._check(pointer, tensor)
        if tensor.op != self._product:
            return None
        return Tensor.from_address(tensor.src[0]), int(tensor.src[1])

    def values(self, pointer: int) -> NDArray[np.float32]:
        """Return a copy of an F32 tensor's values, one row a line: (n_rows, n_columns)."""
        tensor = Tensor.from_address(pointer)
        size = self._size(pointer)
        data = np.empty(size, np.uint8)
        self._get(pointer, data.ctypes.data, 0, size)
        shape, strides = tuple(reversed(tensor.ne)), tuple(reversed(tensor.nb))
        values: NDArray[np.float32] = np.ndarray(shape, np.float32, data, strides=strides)
        return values.reshape(-1, shape[-1])

    def _check(self, pointer: int, tensor: Tensor) -> None:
        # The name is nearly last in the struct: where it is right, all before it is.
        if tensor.name != self._name(pointer):
            raise ConvertError(
                "ggml's tensors are laid out otherwise in this build; install the version of "
                "llama-cpp-python that the package asks for"
            )
        self._is_checked = True
