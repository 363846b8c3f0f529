"""Which tokens go into the next batch: those being written first, then prompts, in fair shares."""

from __future__ import annotations

from collections.abc import Sequence as Items
from dataclasses import dataclass

from sqlstrictd.engine.llama import BATCH_TOKENS, SCORED_TOKENS, Part
from sqlstrictd.engine.sequence import Sequence

# Prompt tokens a step. Small beside statements in flight, which wait for the whole step: at 200
# tokens a second, 32 cost 0.16 s. No larger when alone, so that a cancel is heard soon.
PROMPT_TOKENS_BESIDE = 32
PROMPT_TOKENS_ALONE = 128


@dataclass(frozen=True, slots=True)
class Planned:
    """One sequence's share of a batch, or one of several that follow each other."""

    sequence: Sequence
    part: Part


def plan(writing: Items[Sequence], prompts: Items[Sequence]) -> list[Planned]:
    """Return the next batch: sequences being written in full, drafts and prompts in chunks.

    A writing sequence has its last token and those that it forced, or the tokens of its draft.
    Logits come with the last pending token of each sequence, and with each token of a draft.
    """
    planned = []
    room = BATCH_TOKENS
    room_for_drafts = SCORED_TOKENS
    for sequence in writing:
        n_tokens = min(len(sequence.pending), room)
        if sequence.wants_every_row:
            n_tokens = min(n_tokens, room_for_drafts)
            planned += [Planned(sequence, part) for part in sequence.single_parts(n_tokens)]
            room_for_drafts -= n_tokens
        elif n_tokens:
            planned.append(Planned(sequence, sequence.part(n_tokens, wants_logits=True)))
        room -= n_tokens
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
