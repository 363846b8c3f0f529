"""config.json's quantization_config -> what bitsandbytes did, or a refusal by the tool's name.

Called by `config` and `checkpoint`, and before a download, when config.json is all there is. Looks
at no tensor.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

METHODS = ("bitsandbytes", "bitsandbytes_4bit", "bitsandbytes_8bit")
KINDS = ("nf4", "fp4")


@dataclass(frozen=True, slots=True)
class Quantization:
    """How bitsandbytes stored the matrices."""

    bits: int  # 4 or 8
    kind: str | None  # nf4 or fp4; None for 8 bits, or where config.json is silent

    def __str__(self) -> str:
        return f"{self.bits}-bit {self.kind or ('LLM.int8' if self.bits == 8 else '')}".rstrip()


def parse_quantization(config: Mapping[str, Any]) -> Quantization | None:
    """Return what config.json says of quantization, None when it says nothing.

    Raises:
        UnsupportedCheckpoint: another tool than bitsandbytes quantized the weights.
        CheckpointError: the entry contradicts itself.
    """
    said = config.get("quantization_config")
    if said is None:
        return None
    if not isinstance(said, Mapping):
        raise CheckpointError("config.json: quantization_config is not an object")
    is_4bit = bool(said.get("load_in_4bit") or said.get("_load_in_4bit"))
    is_8bit = bool(said.get("load_in_8bit") or said.get("_load_in_8bit"))
    method = said.get("quant_method", "bitsandbytes" if is_4bit or is_8bit else None)
    if method not in METHODS:
        raise UnsupportedCheckpoint(
            f"config.json: the weights are quantized already (quantization_config, method "
            f"{method or 'unknown'!r}); only bitsandbytes is read, so take the merged 16-bit "
            "weights and convert those"
        )
    if is_4bit == is_8bit:
        raise CheckpointError(
            "config.json: quantization_config says neither load_in_4bit nor load_in_8bit, or both"
        )
    kind = said.get("bnb_4bit_quant_type") if is_4bit else None
    if kind is not None and kind not in KINDS:
        raise UnsupportedCheckpoint(
            f"config.json: bnb_4bit_quant_type {kind!r} is not known, {' and '.join(KINDS)} are"
        )
    return Quantization(4 if is_4bit else 8, kind)
