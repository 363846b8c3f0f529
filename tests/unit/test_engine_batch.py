"""How a batch is shared out among statements being written and prompts being read."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from sqlstrictd.engine.batch import PROMPT_TOKENS_ALONE, PROMPT_TOKENS_BESIDE, plan
from sqlstrictd.engine.mask import Mask
from sqlstrictd.engine.sequence import Sequence
from sqlstrictd.engine.token_batch import BATCH_TOKENS, SCORED_TOKENS

MASK = Mask(np.ones(2, dtype=np.uint32))


class NoContext:
    """A Sequence touches its context and pool only when it is dropped."""


def sequences(lengths: list[int], first_id: int = 0, are_written: bool = False) -> list[Sequence]:
    made = []
    for seq_id, length in enumerate(lengths, start=first_id):
        sequence = Sequence(NoContext(), NoContext(), seq_id, 0)  # type: ignore[arg-type]
        masks = [None] * (length - 1) + [MASK] if are_written else None
        sequence.push(range(length), masks)
        made.append(sequence)
    return made


def sizes(writing: list[int], prompts: list[int]) -> dict[int, int]:
    """Tokens planned, by sequence number; prompts are numbered from 100."""
    planned = plan(sequences(writing, are_written=True), sequences(prompts, first_id=100))
    return {one.part.seq_id: len(one.part.tokens) for one in planned}


def test_statements_are_decoded_in_full_and_prompts_get_a_small_chunk_beside_them() -> None:
    assert sizes([1, 4, 1], [500]) == {0: 1, 1: 4, 2: 1, 100: PROMPT_TOKENS_BESIDE}


def test_a_prompt_alone_gets_a_large_chunk() -> None:
    assert sizes([], [500]) == {100: PROMPT_TOKENS_ALONE}


def test_a_short_prompt_does_not_wait_for_a_long_one() -> None:
    assert sizes([], [5000, 15]) == {101: 15, 100: PROMPT_TOKENS_ALONE - 15}


def test_logits_come_with_the_last_pending_token_only() -> None:
    planned = plan(
        sequences([2], are_written=True), sequences([PROMPT_TOKENS_BESIDE + 1, 3], first_id=100)
    )
    assert {one.part.seq_id: one.part.wants_logits for one in planned} == {
        0: True,
        100: False,
        101: True,
    }


def test_a_draft_is_cut_where_its_rows_are_too_many_and_ends_parts_where_choices_are() -> None:
    (sequence,) = sequences([100])
    sequence._masks = [MASK if index % 2 else None for index in range(100)]
    planned = plan([sequence], [])
    assert [len(one.part.tokens) for one in planned] == [2] * (1 + SCORED_TOKENS)
    assert [one.part.position for one in planned] == list(range(0, 2 + 2 * SCORED_TOKENS, 2))
    assert all(one.mask is MASK and one.part.wants_logits for one in planned)


@given(
    st.lists(st.integers(1, 300), max_size=12),
    st.lists(st.integers(1, 9000), max_size=12),
)
def test_nobody_starves_and_no_batch_is_too_large(writing: list[int], prompts: list[int]) -> None:
    planned = sizes(writing, prompts)

    assert sum(planned.values()) <= BATCH_TOKENS
    assert all(n_tokens > 0 for n_tokens in planned.values())
    if sum(writing) <= BATCH_TOKENS - PROMPT_TOKENS_BESIDE:
        assert len(planned) == len(writing) + len(prompts)
