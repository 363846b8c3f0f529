"""Offline: a published LFM2 model, of this disk or of a hub, to a quantized and compared GGUF file.

Used as `python -m sqlstrict_convert SOURCE --out FILE.gguf` or through `convert`. Imports
no other package of this project, and neither torch nor the checkpoint's own code. What it needs is
loaded when a name of this package is first used, so that the command can say what is missing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlstrict_convert.checkpoint_conversion import Conversion
    from sqlstrict_convert.conversion import convert
    from sqlstrict_convert.errors import (
        CheckError,
        CheckpointError,
        ConvertError,
        HubError,
        HubUnreachable,
        OutputError,
        QualityError,
        QuantizeError,
        SourceError,
        TensorError,
        UnsupportedCheckpoint,
        VocabularyError,
    )
    from sqlstrict_convert.progress import Progress
    from sqlstrict_convert.quality.verification import Verification, verify_gguf

__all__ = [
    "CheckError",
    "CheckpointError",
    "Conversion",
    "ConvertError",
    "HubError",
    "HubUnreachable",
    "OutputError",
    "Progress",
    "QualityError",
    "QuantizeError",
    "SourceError",
    "TensorError",
    "UnsupportedCheckpoint",
    "Verification",
    "VocabularyError",
    "convert",
    "verify_gguf",
]

# Where public names are defined; those not listed are errors.
_MODULES = {
    "Conversion": "checkpoint_conversion",
    "Progress": "progress",
    "Verification": "quality.verification",
    "convert": "conversion",
    "verify_gguf": "quality.verification",
}


def __getattr__(name: str) -> Any:
    """Load the module that defines a public name when it is first asked for (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'sqlstrict_convert' has no attribute {name!r}")
    module = importlib.import_module(f"sqlstrict_convert.{_MODULES.get(name, 'errors')}")
    globals()[name] = getattr(module, name)
    return globals()[name]
