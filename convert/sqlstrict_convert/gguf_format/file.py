"""Model shape, vocabulary and a source of arrays -> one unquantized GGUF file, tensor by tensor.

Called by `checkpoint_conversion` and by tools that make random models. Holds one tensor in memory
at a time. Knows nothing of checkpoints, temporary names or quantization.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.checkpoint.tensors import TensorPlan
from sqlstrict_convert.checkpoint.vocab import Vocabulary
from sqlstrict_convert.errors import TensorError
from sqlstrict_convert.gguf_format.metadata import (
    ARCHITECTURE,
    Origin,
    add_model_keys,
    add_origin_keys,
    add_vocabulary_keys,
)

F16_MAX = 65504.0


def write_gguf(
    path: Path,
    config: ModelConfig,
    vocabulary: Vocabulary,
    origin: Origin,
    plans: Iterable[TensorPlan],
    read: Callable[[TensorPlan], Iterable[NDArray[np.float32]]],
    *,
    is_f16: bool,
    on_tensor: Callable[[TensorPlan], None] = lambda plan: None,
) -> None:
    """Write the file and force it to the disk.

    `read` gives a tensor's values in order, in flat pieces of any size; `on_tensor` hears of each
    tensor written. Matrices are stored in F16 or F32, all else in F32.

    Raises:
        TensorError: a value is not finite, or too large for F16.
        OSError: the file cannot be written.
    """
    import gguf  # half a second to import: only when a file is written

    plans = tuple(plans)
    writer = gguf.GGUFWriter(None, ARCHITECTURE)
    add_origin_keys(writer, origin)
    file_type = gguf.LlamaFileType.MOSTLY_F16 if is_f16 else gguf.LlamaFileType.ALL_F32
    writer.add_file_type(int(file_type))
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    add_model_keys(writer, config)
    add_vocabulary_keys(writer, vocabulary)
    for plan in plans:
        dtype = stored_type(plan, is_f16)
        writer.add_tensor_info(plan.name, plan.shape, dtype, plan.n_values * dtype.itemsize)
    try:
        writer.write_header_to_file(path)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        assert writer.fout is not None  # opened with the header
        file = writer.fout[0]
        writer.write_padding(file, file.tell())
        for plan in plans:
            n_bytes = _write_values(file, plan, read(plan), stored_type(plan, is_f16))
            writer.write_padding(file, n_bytes)
            on_tensor(plan)
        writer.flush()
        os.fsync(file.fileno())
    finally:
        writer.close()


def stored_type(plan: TensorPlan, is_f16: bool) -> np.dtype[Any]:
    """Return the type in which a tensor is stored."""
    return np.dtype(np.float16 if is_f16 and plan.is_matrix else np.float32)


def _write_values(
    file: Any, plan: TensorPlan, pieces: Iterable[NDArray[np.float32]], dtype: np.dtype[Any]
) -> int:
    n_values = 0
    for piece in pieces:
        largest = float(np.max(np.abs(piece), initial=0.0))
        if not np.isfinite(largest):
            raise TensorError(
                f"tensor {plan.source_name} holds a value that is not finite; "
                "the checkpoint is damaged"
            )
        if dtype == np.float16 and largest > F16_MAX:
            raise TensorError(
                f"tensor {plan.source_name} holds {largest:g}, F16 ends at {F16_MAX:g}; "
                "ask for F32 instead"
            )
        file.write(piece.astype(dtype, copy=False).data)
        n_values += piece.size
    if n_values != plan.n_values:
        raise TensorError(
            f"tensor {plan.source_name} gave {n_values} values, {plan.n_values} are needed"
        )
    return n_values * dtype.itemsize
