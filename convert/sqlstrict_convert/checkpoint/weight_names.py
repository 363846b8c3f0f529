"""The names under which tools save tensors -> the names that LFM2 has.

Called by `checkpoint` and `adapter`. Wrappers put their own words before or into a name (PEFT,
torch.compile, data parallel training); a model saved without its head lacks the first word. Names
of what is no plain LFM2 are refused here, each with its kind.
"""

import re
from collections.abc import Mapping
from typing import TypeVar

from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint

_WRAPPERS = ("base_model.model.", "_orig_mod.", "module.")
_BARE = ("layers.", "embed_tokens.", "embedding_norm.")
_ADAPTER = re.compile(r"\.lora_|\.(modules_to_save|original_module|token_adapter)\.")
_MULTI_MODAL = re.compile(
    r"^(model\.)?(language_model|vision_tower|vision_model|visual|multi_modal_projector|"
    r"audio_tower|audio_encoder|conformer)\."
)
_T = TypeVar("_T")


def plain_name(name: str) -> str:
    """Return a name without what wrappers put before it."""
    while True:
        shorter = name
        for wrapper in _WRAPPERS:
            shorter = shorter.removeprefix(wrapper)
        if shorter == name:
            break
        name = shorter
    return f"model.{name}" if name.startswith(_BARE) else name


def rename_tensors(tensors: Mapping[str, _T]) -> dict[str, _T]:
    """Return the tensors of a merged checkpoint by the names that LFM2 has.

    Raises:
        UnsupportedCheckpoint: an adapter lies unmerged in it, or it is of text and images or sound.
        CheckpointError: two tensors come to the same name.
    """
    renamed: dict[str, _T] = {}
    for found, tensor in tensors.items():
        if _ADAPTER.search(found):
            raise UnsupportedCheckpoint(
                f"tensor {found}: the weights hold an adapter that is not merged; save the merged "
                "model (PEFT's merge_and_unload, Unsloth's save_pretrained_merged) or the adapter "
                "alone (save_pretrained)"
            )
        name = plain_name(found).replace(".base_layer.", ".")
        if _MULTI_MODAL.match(name):
            raise UnsupportedCheckpoint(
                f"tensor {found}: a model of text and images or sound; only plain text models are "
                "converted"
            )
        if name in renamed:
            raise CheckpointError(f"the checkpoint holds {name} twice, once as {found}")
        renamed[name] = tensor
    return renamed
