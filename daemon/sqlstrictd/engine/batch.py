"""Which tokens go into the next batch: those being written first, then prompts, in fair shares."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

from sqlstrictd.engine.mask import Mask
from sqlstrictd.engine.sequence import Sequence
from sqlstrictd.engine.token_batch import BATCH_TOKENS, SCORED_TOKENS, Part

# Prompt tokens a step. Small beside statements in flight, which wait for the whole step: at 200
# tokens a second, 32 cost 0.16 s. No larger when alone, so that a cancel is heard soon.
PROMPT_TOKENS_BESIDE = 32
PROMPT_TOKENS_ALONE = 128


@dataclass(frozen=True, slots=True)
class Planned:
    """One sequence's share of a batch, or one of several that follow each other.

    `mask` is that of the choice that is made after it, where one is.
    """

    sequence: Sequence
    part: Part
    mask: Mask | None = None


def plan(writing: Items[Sequence], prompts: Items[Sequence]) -> list[Planned]:
    """Return the next batch: sequences being written in full, drafts and prompts in chunks.

    A writing sequence has its last token and those that it forced, or the tokens of its draft.
    Logits come with the last pending token of each prompt, and wherever a statement has a choice.
    """
    planned = []
    room = BATCH_TOKENS
    room_for_drafts = SCORED_TOKENS
    for sequence in writing:
        parts = sequence.scored_parts(room, 1 + room_for_drafts)
        planned += [Planned(sequence, part, mask) for part, mask in parts]
        room_for_drafts -= max(0, sum(mask is not None for _, mask in parts) - 1)
        room -= sum(len(part.tokens) for part, _ in parts)
    budget = min(room, PROMPT_TOKENS_BESIDE if planned else PROMPT_TOKENS_ALONE)
    # Short prompts need less than their share, and leave the rest to the long ones; so nobody
    # waits for a long schema, and the long schema goes on in every step.
    by_length = sorted(prompts, key=lambda sequence: len(sequence.pending))
    for index, sequence in enumerate(by_length):
        n_tokens = min(len(sequence.pending), -(-budget // (len(by_length) - index)))
        if n_tokens:
            planned.append(Planned(sequence, sequence.part(n_tokens, wants_logits=True)))
            budget -= n_tokens
    return planned
