"""Tensors that bitsandbytes quantized -> weights, as bitsandbytes itself reads them back.

Called by `checkpoint` with every stored tensor. Four bits: two numbers of a 16-entry map in a byte,
the first in the high bits, each block of the flattened matrix times its largest value; that value
may be quantized again, in 8 bits. Eight bits: one scale for each row. Whatever is not quantized
passes through as it is. Other tools' formats are refused by name in `quantization`.

Source: bitsandbytes 0.50, QuantState, dequantize_blockwise, int8_vectorwise_dequant. (Its AVX-512
kernel reads other scales where a row is no multiple of the block; its kernels for graphics cards,
which models are trained with, and its plain one do as here.)
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.checkpoint.json_file import parse_json
from sqlstrict_convert.checkpoint.quantization import Quantization
from sqlstrict_convert.checkpoint.safetensors_file import StoredTensor
from sqlstrict_convert.checkpoint.weight import FLOATS, Weight, as_float32, plain_weight, row_ranges
from sqlstrict_convert.errors import CheckpointError, TensorError, UnsupportedCheckpoint

NF4 = (
    *(-1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0.0),
    *(0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0),
)
_FP4 = (0.0, 0.0052083335, 0.6666667, 1.0, 0.33333334, 0.5, 0.16666667, 0.25)
MAPS = {"nf4": NF4, "fp4": (*_FP4, *(-value for value in _FP4))}
STATE_MAX_BYTES = 1 << 16
DTYPES = {"float32": "F32", "float16": "F16", "bfloat16": "BF16"}
ROW_FORMAT = 0  # the others are layouts of graphics cards' tiles
INT8_STEP = np.float32(1 / 127)

_STATE = ".quant_state.bitsandbytes__"
_BESIDE_4BIT = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map")
_BESIDE_8BIT = (".SCB", ".weight_format")


@dataclass(frozen=True, slots=True)
class FourBitWeight:
    """A matrix in 4-bit blocks."""

    name: str
    packed: StoredTensor
    absmax: StoredTensor
    code: tuple[float, ...]
    shape: tuple[int, ...]
    block: int
    dtype: str  # one of FLOATS: bitsandbytes rounds what it computes to it
    nested: "NestedScale | None"

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the values in order, as Weight says."""
        scales = self._scales()
        raw = np.frombuffer(self.packed.read(), np.uint8)  # half a byte for each value
        code, row_values = np.array(self.code, np.float32), prod(self.shape[1:])
        for first, stop in row_ranges(self.shape):
            start, end = first * row_values, stop * row_values
            halves = raw[start // 2 : -(-end // 2)]
            indices = np.stack([halves >> 4, halves & 15], axis=1).ravel()
            values = code[indices[start % 2 : start % 2 + end - start]]
            low, high = start // self.block, -(-end // self.block)
            repeated = np.repeat(scales[low:high], self.block)
            values *= repeated[start - low * self.block :][: end - start]  # at most 1 times finite
            yield _rounded(values, self.dtype).reshape(stop - first, *self.shape[1:])

    def _scales(self) -> NDArray[np.float32]:
        data = self.absmax.read()
        if self.nested is None:
            scales = as_float32(data, self.absmax.dtype)
        else:
            scales = self.nested.dequantize(np.frombuffer(data, np.uint8))
        if not np.isfinite(scales).all():
            raise TensorError(f"tensor {self.name}: the scale of a block is not finite")
        return scales


@dataclass(frozen=True, slots=True)
class NestedScale:
    """How the scales of the blocks are quantized in their turn."""

    absmax: StoredTensor
    code: StoredTensor
    block: int
    offset: float

    def dequantize(self, scales: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the scales as numbers."""
        code = as_float32(self.code.read(), self.code.dtype)
        absmax = np.repeat(as_float32(self.absmax.read(), self.absmax.dtype), self.block)
        with np.errstate(over="ignore", invalid="ignore"):  # whoever asks looks for it
            return code[scales] * absmax[: scales.size] + np.float32(self.offset)


@dataclass(frozen=True, slots=True)
class EightBitWeight:
    """A matrix in whole numbers of 8 bits with a scale for each row."""

    name: str
    packed: StoredTensor
    scale: StoredTensor

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows first."""
        return self.packed.shape

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield the values in order, as Weight says."""
        scales = as_float32(self.scale.read(), self.scale.dtype)
        row_values = prod(self.shape[1:])
        for first, stop in row_ranges(self.shape):
            raw = np.frombuffer(self.packed.read(first * row_values, stop * row_values), np.int8)
            values = raw.reshape(stop - first, row_values).astype(np.float32)
            with np.errstate(over="ignore", invalid="ignore"):  # found when they are written
                values *= scales[first:stop, None]
                values *= INT8_STEP
            yield values


def read_weights(
    tensors: Mapping[str, StoredTensor], quantization: Quantization | None
) -> dict[str, Weight]:
    """Return every weight by name, quantized or not.

    `quantization` is what config.json says; a checkpoint whose weights are plain all the same is
    whole, since that says only how to load it.

    Raises:
        CheckpointError: what belongs to a quantized tensor is missing, or contradicts config.json.
        UnsupportedCheckpoint: numbers that neither bitsandbytes nor a plain checkpoint has.
    """
    weights: dict[str, Weight] = {}
    for name, tensor in tensors.items():
        if _owner(name, tensors) is not None:
            continue
        kinds = [kind for kind in MAPS if f"{name}{_STATE}{kind}" in tensors]
        scale = f"{name.removesuffix('.weight')}.SCB"
        if len(kinds) > 1:
            raise CheckpointError(f"tensor {name} is said to be both nf4 and fp4")
        if kinds:
            _check_said(name, Quantization(4, kinds[0]), quantization)
            weights[name] = _four_bit(name, kinds[0], tensors)
        elif tensor.dtype == "I8" and scale in tensors:
            _check_said(name, Quantization(8, None), quantization)
            weights[name] = _eight_bit(name, scale, tensors)
        else:
            weights[name] = plain_weight(name, tensor)
    return weights


def _owner(name: str, tensors: Mapping[str, StoredTensor]) -> str | None:
    """Return the weight that a tensor of bitsandbytes belongs to."""
    weight, separator, kind = name.partition(_STATE)
    if separator and kind in MAPS and weight in tensors:
        return weight
    for suffix in _BESIDE_4BIT:
        weight = name.removesuffix(suffix)
        if weight != name and any(f"{weight}{_STATE}{kind}" in tensors for kind in MAPS):
            return weight
    for suffix in _BESIDE_8BIT:
        weight = f"{name.removesuffix(suffix)}.weight"
        if name.endswith(suffix) and weight in tensors and tensors[weight].dtype == "I8":
            return weight
    return None


def _check_said(name: str, found: Quantization, said: Quantization | None) -> None:
    if said is None:
        raise CheckpointError(
            f"tensor {name} is quantized by bitsandbytes ({found}), but config.json has no "
            "quantization_config; the files do not belong together"
        )
    if found.bits != said.bits or (said.kind is not None and found.kind != said.kind):
        raise CheckpointError(
            f"tensor {name} is quantized as {found}, config.json's quantization_config says {said}"
        )


def _four_bit(name: str, kind: str, tensors: Mapping[str, StoredTensor]) -> FourBitWeight:
    def beside(suffix: str) -> StoredTensor:
        try:
            return tensors[name + suffix]
        except KeyError as error:
            raise CheckpointError(
                f"the checkpoint lacks {name}{suffix}, which its quantized weight needs"
            ) from error

    packed, absmax, code = tensors[name], beside(".absmax"), beside(".quant_map")
    state = _state(name, beside(_STATE + kind))
    shape, block, dtype = _parse_state(name, kind, state)
    n_values = prod(shape)
    n_blocks = -(-n_values // block)
    if packed.n_values * packed.value_bytes != -(-n_values // 2) or packed.dtype == "BOOL":
        raise CheckpointError(
            f"tensor {name} has {packed.n_values * packed.value_bytes} bytes, its shape "
            f"{list(shape)} in 4 bits needs {-(-n_values // 2)}"
        )
    _check_floats(f"{name}.quant_map", code, 16)
    wanted = np.array(MAPS[kind], np.float32)
    if not np.allclose(as_float32(code.read(), code.dtype), wanted, rtol=0, atol=1e-6):
        raise CheckpointError(f"tensor {name}.quant_map is not the map of {kind}")
    nested = None
    if f"{name}.nested_absmax" in tensors or absmax.dtype == "U8":
        nested = _nested(name, state, n_blocks, beside)
        _check_count(f"{name}.absmax", absmax, n_blocks, ("U8",))
    else:
        _check_floats(f"{name}.absmax", absmax, n_blocks)
    return FourBitWeight(
        name, packed, absmax, tuple(map(float, wanted)), shape, block, dtype, nested
    )


def _state(name: str, tensor: StoredTensor) -> dict[str, Any]:
    if tensor.dtype != "U8" or tensor.n_values > STATE_MAX_BYTES:
        raise CheckpointError(f"tensor {name}: its quant_state is no short text")
    try:
        text = tensor.read().decode("utf-8")
    except UnicodeDecodeError as error:
        raise CheckpointError(f"tensor {name}: its quant_state is not UTF-8") from error
    return parse_json(text, f"tensor {name}: its quant_state")


def _parse_state(
    name: str, kind: str, state: Mapping[str, Any]
) -> tuple[tuple[int, ...], int, str]:
    shape, block, dtype = state.get("shape"), state.get("blocksize"), state.get("dtype")
    if state.get("quant_type") != kind:
        raise CheckpointError(f"tensor {name}: its quant_state is not of {kind}")
    if (
        not isinstance(shape, list)
        or len(shape) != 2
        or any(isinstance(n, bool) or not isinstance(n, int) or not 0 < n < 2**31 for n in shape)
    ):
        raise CheckpointError(f"tensor {name}: its quant_state has the shape {shape!r}")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise CheckpointError(f"tensor {name}: its quant_state has the dtype {dtype!r}")
    return (shape[0], shape[1]), _block_size(name, block), DTYPES[dtype]


def _block_size(name: str, block: object) -> int:
    is_count = isinstance(block, int) and not isinstance(block, bool)
    if not isinstance(block, int) or not is_count or not 2 <= block <= 4096 or block & (block - 1):
        raise CheckpointError(f"tensor {name}: its quant_state has blocks of {block!r} values")
    return block


def _nested(name: str, state: Mapping[str, Any], n_scales: int, beside: Any) -> NestedScale:
    absmax, code = beside(".nested_absmax"), beside(".nested_quant_map")
    block = _block_size(name, state.get("nested_blocksize"))
    offset = state.get("nested_offset")
    is_number = isinstance(offset, int | float) and not isinstance(offset, bool)
    if not isinstance(offset, int | float) or not is_number or not isfinite(offset):
        raise CheckpointError(f"tensor {name}: its quant_state has the offset {offset!r}")
    _check_floats(f"{name}.nested_absmax", absmax, -(-n_scales // block))
    _check_floats(f"{name}.nested_quant_map", code, 256)
    return NestedScale(absmax, code, block, float(offset))


def _eight_bit(name: str, scale: str, tensors: Mapping[str, StoredTensor]) -> EightBitWeight:
    packed = tensors[name]
    if len(packed.shape) != 2:
        raise CheckpointError(f"tensor {name} is in 8 bits and no matrix")
    _check_floats(scale, tensors[scale], packed.shape[0])
    layout = tensors.get(f"{name.removesuffix('.weight')}.weight_format")
    if layout is not None:
        _check_count(f"{name}'s weight_format", layout, 1, ("U8",))
        if layout.read()[0] != ROW_FORMAT:
            raise UnsupportedCheckpoint(
                f"tensor {name} lies in a layout of a graphics card (weight_format "
                f"{layout.read()[0]}); save it again with bitsandbytes 0.45 or later"
            )
    return EightBitWeight(name, packed, tensors[scale])


def _check_floats(name: str, tensor: StoredTensor, n_values: int) -> None:
    _check_count(name, tensor, n_values, FLOATS)


def _check_count(name: str, tensor: StoredTensor, n_values: int, dtypes: tuple[str, ...]) -> None:
    if tensor.n_values != n_values or tensor.dtype not in dtypes:
        raise CheckpointError(
            f"tensor {name} has {tensor.n_values} values in {tensor.dtype}, {n_values} in "
            f"{' or '.join(dtypes)} are needed"
        )


def _rounded(values: NDArray[np.float32], dtype: str) -> NDArray[np.float32]:
    if dtype == "F16":
        with np.errstate(over="ignore"):  # what is not finite is found when it is written
            return values.astype(np.float16).astype(np.float32)
    if dtype == "BF16":  # to the nearest, ties to even
        bits = values.view(np.uint32)
        bits += 0x7FFF + ((bits >> 16) & 1)
        bits &= np.uint32(0xFFFF0000)
    return values
