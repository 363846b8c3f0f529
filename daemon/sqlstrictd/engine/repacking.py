"""Which of a model file's weights ggml lays out anew for its faster products; never those of AMX.

ggml has several such layouts, and llama.cpp has one switch for all. The products of the AMX layout
end the process (a protection fault at ldtilecfg), at least in virtual machines. Where ggml has it,
the switch is off, and the weights for its CPU_REPACK layout are named to llama.cpp instead: those
that llama.cpp itself lays out so where there is no AMX. `llama.py` calls this before it loads a
model. Where something is not as expected here, weights stay as they are in the file, which is
slower and no less right.
"""

from __future__ import annotations

import ctypes
import itertools
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlstrict_convert.gguf_format.header import GgufError, TensorEntry, read_header

from sqlstrictd.engine import binding

_AMX, _REPACKED = b"AMX", b"CPU_REPACK"  # as ggml calls the layouts
_CPU = 0  # GGML_BACKEND_DEVICE_TYPE_CPU

# Weights that every architecture of llama.cpp has for products alone. Source: LLM_TENSOR_INFOS in
# llama-arch.cpp. A repacked weight in another operation would end the process: that is why a
# token_embd.weight, whose rows are looked up, is not among them, even where it is the output too.
_MULTIPLIED = re.compile(
    r"(?P<head>output)\.weight|blk\.(?P<layer>[0-9]+)\.(?P<kind>attn_(?:q|k|v|qkv|output|gate)"
    r"|ffn_(?:gate|up|down)(?:_shexp)?|shortconv\.(?:in|out)_proj|ssm_(?:in|out))\.weight"
)


class _Override(ctypes.Structure):
    """Struct llama_model_tensor_buft_override, which the binding leaves out. Source: llama.h."""

    _fields_ = [("pattern", ctypes.c_char_p), ("layout", ctypes.c_void_p)]


class _InitParams(ctypes.Structure):
    """Struct ggml_init_params. Source: ggml.h."""

    _fields_ = [
        ("mem_size", ctypes.c_size_t),
        ("mem_buffer", ctypes.c_void_p),
        ("no_alloc", ctypes.c_bool),
    ]


def set_layouts(library: Any, params: Any, path: Path) -> object:
    """Set in a llama_model_params how the weights of the model file are laid out.

    What is returned must live until the model is loaded.
    """
    try:
        device, layouts = _device_and_layouts(library)
    except binding.BindingError:
        binding.set_field(params, "use_extra_bufts", not binding.has_amx())
        return None
    binding.set_field(params, "use_extra_bufts", _AMX not in layouts)
    # Weights that are named here would not go to a graphics card.
    if _AMX not in layouts or _REPACKED not in layouts or library.llama_supports_gpu_offload():
        return None
    try:
        weights = [one for one in read_header(path).tensors if _MULTIPLIED.fullmatch(one.name)]
        repacked = repackable(library, weights, device, layouts[_REPACKED])
    except (GgufError, OSError, binding.BindingError):
        return None  # llama.cpp says why it refuses the file, where it does
    pattern = names_pattern(weights, repacked)
    if not pattern:
        return None
    overrides = (_Override * 2)()  # the second, without a pattern, ends it
    binding.set_field(overrides[0], "pattern", pattern.encode())
    binding.set_field(overrides[0], "layout", layouts[_REPACKED])
    binding.set_field(params, "tensor_buft_overrides", ctypes.addressof(overrides))
    return overrides


def _device_and_layouts(library: Any) -> tuple[int, dict[bytes, int]]:
    """Return ggml's processor and its layouts by name. Raises BindingError."""
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    device_of = binding.function(library, "ggml_backend_dev_by_type", pointer, ctypes.c_int)
    registry_of = binding.function(library, "ggml_backend_dev_backend_reg", pointer, pointer)
    address_of = binding.function(
        library, "ggml_backend_reg_get_proc_address", pointer, pointer, text
    )
    name = binding.function(library, "ggml_backend_buft_name", text, pointer)
    device = device_of(_CPU)
    registry = registry_of(device) if device else None
    address = address_of(registry, b"ggml_backend_dev_get_extra_bufts") if registry else None
    if not address:
        raise binding.BindingError("ggml does not tell which layouts of weights it has")
    layouts = ctypes.CFUNCTYPE(ctypes.POINTER(pointer), pointer)(address)(device)
    # A null pointer ends the list.
    found = itertools.takewhile(bool, (layouts[index] for index in itertools.count()))
    return device, {name(layout): layout for layout in found} if layouts else {}


def repackable(
    library: Any, weights: Iterable[TensorEntry], device: int, layout: int
) -> list[TensorEntry]:
    """Return the weights whose products ggml can compute in a layout; the others stay as they are.

    ggml itself is asked, once for each type and shape. Raises BindingError.
    """
    supports = _product_support(library, device, layout)
    known: dict[tuple[str, tuple[int, ...]], bool] = {}
    found = []
    for weight in weights:
        key = weight.type, weight.shape
        if key not in known:
            number: Any = getattr(library, f"GGML_TYPE_{weight.type}", None)
            can_be = number is not None and len(weight.shape) == 2
            known[key] = can_be and supports(number, *weight.shape)
        if known[key]:
            found.append(weight)
    return found


def _product_support(library: Any, device: int, layout: int) -> Callable[[int, int, int], bool]:
    """Return a function that says of a type, a row's length and a count of rows: supported."""
    pointer, size, side = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int64

    def ggml(name: str, result: Any, *arguments: Any) -> Any:
        return binding.function(library, f"ggml_{name}", result, *arguments)

    overhead = ggml("tensor_overhead", size)
    init, free = ggml("init", pointer, _InitParams), ggml("free", None, pointer)
    tensor = ggml("new_tensor_2d", pointer, pointer, ctypes.c_int, side, side)
    product = ggml("mul_mat", pointer, pointer, pointer, pointer)
    buffer_size = ggml("backend_buft_get_alloc_size", size, pointer, pointer)
    new_buffer = ggml("backend_buft_alloc_buffer", pointer, pointer, size)
    free_buffer = ggml("backend_buffer_free", None, pointer)
    base = ggml("backend_buffer_get_base", pointer, pointer)
    place = ggml("backend_tensor_alloc", ctypes.c_int, pointer, pointer, pointer)
    supports = ggml("backend_dev_supports_op", ctypes.c_bool, pointer, pointer)

    def is_supported(number: int, row_length: int, n_rows: int) -> bool:
        """Make a weight without a value, which takes addresses and no memory, and ask."""
        context = init(_InitParams(8 * overhead(), None, True))
        if not context:
            return False
        try:
            weight = tensor(context, number, row_length, n_rows)
            column = tensor(context, library.GGML_TYPE_F32, row_length, 1)
            operation = product(context, weight, column)
            buffer = new_buffer(layout, buffer_size(layout, weight))
            if not buffer:
                return False
            try:
                is_placed = place(buffer, weight, base(buffer)) == 0
                return is_placed and bool(supports(device, operation))
            finally:
                free_buffer(buffer)
        finally:
            free(context)

    return is_supported


def names_pattern(weights: Iterable[TensorEntry], repacked: Iterable[TensorEntry]) -> str:
    """Return a regular expression for the names of the repacked weights and no others'; "" if none.

    `weights` are all candidates. Short where all layers' are repacked: llama.cpp compiles it again
    for every tensor.
    """
    wanted = {weight.name for weight in repacked}
    layers: dict[str, list[str]] = {}  # by kind, those that are repacked
    mixed = set()
    names = []
    for weight in weights:
        match = _MULTIPLIED.fullmatch(weight.name)
        if match is None:
            raise ValueError(f"{weight.name} is not known to be for products alone")
        if match["head"]:
            names += ["output"] * (weight.name in wanted)
        elif weight.name in wanted:
            layers.setdefault(match["kind"], []).append(match["layer"])
        else:
            mixed.add(match["kind"])
    kinds: dict[str, list[str]] = {}  # by the expression for their layers
    for kind, numbers in layers.items():
        which = f"({'|'.join(numbers)})" if kind in mixed else "[0-9]+"
        kinds.setdefault(which, []).append(kind.replace(".", r"\."))
    names += [rf"blk\.{which}\.({'|'.join(some)})" for which, some in kinds.items()]
    return rf"^({'|'.join(names)})\.weight$" if names else ""
