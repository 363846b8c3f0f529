"""Float weights -> the tensors that bitsandbytes saves for them, made with numpy alone.

Called by `checkpoint_forms`. The layouts are those of bitsandbytes' Linear4bit and Linear8bitLt as
transformers saves them; what bitsandbytes itself makes of them is in the committed references.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

NF4 = np.array(
    [
        -1.0,
        -0.6961928009986877,
        -0.5250730514526367,
        -0.39491748809814453,
        -0.28444138169288635,
        -0.18477343022823334,
        -0.09105003625154495,
        0.0,
        0.07958029955625534,
        0.16093020141124725,
        0.24611230194568634,
        0.33791524171829224,
        0.44070982933044434,
        0.5626170039176941,
        0.7229568362236023,
        1.0,
    ],
    np.float32,
)
_FP4 = np.array([0, 0.0625, 8, 12, 4, 6, 2, 3], np.float32) / 12
FP4 = np.concatenate([_FP4, -_FP4]).astype(np.float32)
# Fine near zero, coarse at the ends, as the map that bitsandbytes uses; any table of 256 will do.
NESTED_MAP = (np.linspace(-1, 1, 256) ** 3).astype(np.float32)
NESTED_BLOCK = 256
VALUE_BYTES = {"U8": 1, "I8": 1, "F16": 2, "BF16": 2, "F32": 4, "I64": 8}


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor to be written; `read` makes its bytes."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    read: Callable[[], bytes]

    @property
    def n_bytes(self) -> int:
        return prod(self.shape) * VALUE_BYTES[self.dtype]


class Readable(Protocol):
    """A float tensor of the source."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def read(self) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Quantization:
    """One way of bitsandbytes to store a matrix."""

    kind: str  # nf4, fp4 or int8
    is_nested: bool = False
    storage: str = "U8"
    dtype: str = "bfloat16"  # of the matrix before quantizing
    block: int = 64

    @property
    def config(self) -> dict[str, Any]:
        """The quantization_config of config.json."""
        is_4bit = self.kind != "int8"
        storage = {"U8": "uint8", "BF16": "bfloat16", "F32": "float32"}[self.storage]
        return {
            "quant_method": "bitsandbytes",
            "load_in_4bit": is_4bit,
            "load_in_8bit": not is_4bit,
            "_load_in_4bit": is_4bit,
            "_load_in_8bit": not is_4bit,
            "bnb_4bit_quant_type": self.kind if is_4bit else "fp4",
            "bnb_4bit_use_double_quant": self.is_nested,
            "bnb_4bit_compute_dtype": "bfloat16" if is_4bit else "float32",
            "bnb_4bit_quant_storage": storage,
            "llm_int8_skip_modules": ["lm_head"],
            "llm_int8_threshold": 6.0,
        }


QUANTIZED = {
    "nf4": Quantization("nf4"),
    "nf4_double": Quantization("nf4", is_nested=True),
    "nf4_bf16_storage": Quantization("nf4", storage="BF16", dtype="float32"),
    "fp4": Quantization("fp4", dtype="float16"),
    "fp4_double": Quantization("fp4", is_nested=True, dtype="float16", block=128),
    "int8": Quantization("int8"),
}


def quantized_parts(how: Quantization, tensors: Mapping[str, Readable]) -> Iterator[Part]:
    """Yield the tensors of a checkpoint whose linear layers are quantized, its head apart."""
    for name, tensor in tensors.items():
        is_linear = len(tensor.shape) == 2 and not name.startswith(("model.embed", "lm_head"))
        if not is_linear:
            yield Part(name, "BF16", tensor.shape, lambda tensor=tensor: _as_bf16(tensor.read()))
        elif how.kind == "int8":
            yield from _int8_parts(name, tensor)
        else:
            yield from _four_bit_parts(name, tensor, how)


def _four_bit_parts(name: str, tensor: Readable, how: Quantization) -> Iterator[Part]:
    n_values = prod(tensor.shape)
    n_blocks = -(-n_values // how.block)
    state: dict[str, Any] = {
        "quant_type": how.kind,
        "blocksize": how.block,
        "dtype": how.dtype,
        "shape": list(tensor.shape),
    }
    code = NF4 if how.kind == "nf4" else FP4
    packed, absmax = quantize_blocks(tensor.read(), code, how.block)
    width = VALUE_BYTES[how.storage]
    yield _part(name, how.storage, (len(packed) // width, 1), packed)
    if how.is_nested:
        offset = float(absmax.mean())
        nested, nested_absmax = _quantize_nested(absmax - np.float32(offset))
        state |= {
            "nested_blocksize": NESTED_BLOCK,
            "nested_dtype": "float32",
            "nested_offset": offset,
        }
        yield _part(f"{name}.absmax", "U8", (n_blocks,), nested)
        yield _part(f"{name}.nested_absmax", "F32", nested_absmax.shape, nested_absmax)
        yield _part(f"{name}.nested_quant_map", "F32", (256,), NESTED_MAP)
    else:
        yield _part(f"{name}.absmax", "F32", (n_blocks,), absmax)
    yield _part(f"{name}.quant_map", "F32", (16,), code)
    text = np.frombuffer(json.dumps(state).encode(), np.uint8)
    yield _part(f"{name}.quant_state.bitsandbytes__{how.kind}", "U8", text.shape, text)


def quantize_blocks(
    values: NDArray[np.float32], code: NDArray[np.float32], block: int
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Return the packed halves (the first value in the high bits) and each block's maximum."""
    flat = values.ravel()
    padded = np.zeros(-(-flat.size // block) * block, np.float32)
    padded[: flat.size] = flat
    rows = padded.reshape(-1, block)
    absmax = np.abs(rows).max(axis=1)
    scaled = rows / np.where(absmax, absmax, 1)[:, None]
    order = np.argsort(code, kind="stable")
    ranks = np.searchsorted((code[order][1:] + code[order][:-1]) / 2, scaled)
    indices = order[ranks].astype(np.uint8).ravel()[: flat.size + flat.size % 2]
    return indices[0::2] << 4 | indices[1::2], absmax


def _quantize_nested(values: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    n_blocks = -(-values.size // NESTED_BLOCK)
    padded = np.zeros(n_blocks * NESTED_BLOCK, np.float32)
    padded[: values.size] = values
    rows = padded.reshape(n_blocks, NESTED_BLOCK)
    absmax = np.abs(rows).max(axis=1)
    scaled = rows / np.where(absmax, absmax, 1)[:, None]
    indices = np.searchsorted((NESTED_MAP[1:] + NESTED_MAP[:-1]) / 2, scaled)
    return indices.astype(np.uint8).ravel()[: values.size], absmax


def _int8_parts(name: str, tensor: Readable) -> Iterator[Part]:
    values = tensor.read()
    scale = np.abs(values).max(axis=1)
    whole = np.round(values * 127 / np.where(scale, scale, 1)[:, None]).astype(np.int8)
    module = name.removesuffix(".weight")
    yield _part(name, "I8", tensor.shape, whole)
    yield _part(f"{module}.SCB", "F32", scale.shape, scale)
    yield _part(f"{module}.weight_format", "U8", (), np.zeros((), np.uint8))


def _part(name: str, dtype: str, shape: tuple[int, ...], values: NDArray[Any]) -> Part:
    raw = values.tobytes()
    return Part(name, dtype, shape, lambda: raw)


def _as_bf16(values: NDArray[np.float32]) -> bytes:
    bits = values.view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
