"""A config that says the head is the embedding, and a head in the weights -> which of them holds.

Called by `checkpoint` when everything else is read. Tools save a tied head a second time, which
changes nothing; but a head that was trained apart from the embedding stays apart, as transformers 5
loads it, whatever the config says.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sqlstrict_convert.checkpoint.weight import Weight

EMBEDDING, HEAD = "model.embed_tokens.weight", "lm_head.weight"


def is_tied(config: Mapping[str, Any]) -> bool:
    """Return whether config.json says that the head is the embedding."""
    return bool(config.get("tie_embedding", config.get("tie_word_embeddings", True)))


def untied(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of the same model with a head of its own."""
    return {
        **{key: value for key, value in config.items() if key != "tie_embedding"},
        "tie_word_embeddings": False,
    }


def settle_head(
    config: Mapping[str, Any], tensors: Mapping[str, Weight]
) -> tuple[dict[str, Any], dict[str, Weight]]:
    """Return config and tensors that agree on whether there is a head of its own.

    Raises:
        CheckpointError: the values cannot be read.
    """
    kept = dict(tensors)
    head, embedding = kept.get(HEAD), kept.get(EMBEDDING)
    if head is None or embedding is None or not is_tied(config):
        return dict(config), kept
    if not _is_same(head, embedding):
        return untied(config), kept
    del kept[HEAD]
    return dict(config), kept


def _is_same(head: Weight, embedding: Weight) -> bool:
    if head is embedding:
        return True
    if head.shape != embedding.shape:
        return False
    pairs = zip(head.blocks(), embedding.blocks(), strict=True)  # same shape, same blocks
    return all(np.array_equal(left, right) for left, right in pairs)
