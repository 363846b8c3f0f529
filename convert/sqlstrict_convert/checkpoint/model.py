"""A checkpoint folder -> everything of a model but its weights' values, checked.

Called first by the main line, `checkpoint_conversion`: what cannot be converted is refused here,
before any long work.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlstrict_convert.checkpoint.checkpoint import Checkpoint, FindBase, open_checkpoint
from sqlstrict_convert.checkpoint.config import ModelConfig, parse_config
from sqlstrict_convert.checkpoint.tensors import TensorPlan, match_tensors, plan_tensors
from sqlstrict_convert.checkpoint.vocab import Vocabulary, parse_vocabulary
from sqlstrict_convert.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class SourceModel:
    """A checkpoint that can be converted, and what its files mean."""

    checkpoint: Checkpoint
    config: ModelConfig
    vocabulary: Vocabulary
    plans: tuple[TensorPlan, ...]


def read_model(
    source: Path, *, find_base: FindBase | None = None, assumes_word_pattern: bool = False
) -> SourceModel:
    """Read and check all of a checkpoint but its weights' values.

    Raises:
        UnsupportedCheckpoint, CheckpointError: it cannot be converted; the message says why.
    """
    try:
        checkpoint = open_checkpoint(source, find_base=find_base)
    except OSError as error:
        raise CheckpointError(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        config = parse_config(checkpoint.config)
        vocabulary = parse_vocabulary(
            checkpoint.tokenizer,
            checkpoint.tokenizer_config,
            checkpoint.chat_template,
            config,
            assumes_word_pattern=assumes_word_pattern,
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        # The parsers check meanings; a list where an object belongs ends up here.
        raise CheckpointError(
            "config.json, tokenizer.json or tokenizer_config.json is not of the form that Hugging "
            f"Face writes: {type(error).__name__}: {error}"
        ) from error
    plans = plan_tensors(config)
    match_tensors(plans, checkpoint.shapes(), config.is_tied)
    return SourceModel(checkpoint, config, vocabulary, plans)
