"""Offline: a Hugging Face LFM2 checkpoint folder to a quantized GGUF file.

Used as `python -m sqlstrict_convert CHECKPOINT_DIR --out FILE.gguf` or through `convert`. Imports
no other package of this project, and neither torch nor the checkpoint's own code.
"""

from sqlstrict_convert.convert import Conversion, Progress, convert
from sqlstrict_convert.errors import (
    CheckError,
    CheckpointError,
    ConvertError,
    OutputError,
    QuantizeError,
    TensorError,
    UnsupportedCheckpoint,
    VocabularyError,
)

__all__ = [
    "CheckError",
    "CheckpointError",
    "Conversion",
    "ConvertError",
    "OutputError",
    "Progress",
    "QuantizeError",
    "TensorError",
    "UnsupportedCheckpoint",
    "VocabularyError",
    "convert",
]
