"""A planned batch through the model, to what the statements of it may choose from.

Where every choice of the batch is among few tokens, the output head is left out of the decode and
those tokens' logits are computed alone (`head.py`); else llama.cpp computes all. The scheduler
calls it once a step. Which of the two depends on the masks alone, so that the same requests in the
same batches have the same answers.
"""

from __future__ import annotations

from collections.abc import Sequence as Items

from sqlstrictd.engine.batch import Planned
from sqlstrictd.engine.head import OutputHead
from sqlstrictd.engine.llama import Context, Logits
from sqlstrictd.engine.sampling import Candidates, masked


class Forward:
    """The model as the scheduler sees it; `n_narrow` of `n_decodes` did without the head."""

    def __init__(self, context: Context, head: OutputHead | None) -> None:
        self._context = context
        self._head = head
        self.n_decodes = 0
        self.n_narrow = 0

    def decode(
        self, planned: Items[Planned]
    ) -> tuple[dict[int, list[Candidates]], dict[int, Logits]]:
        """Decode a batch; return the candidates of its choices, and the logits of prompts' ends.

        Both are by sequence number; candidates come in the order of the sequence's tokens. They
        are valid until the next decode.

        Raises:
            DecodeError: the batch was refused; the sequences are as before.
            ContextBroken: the state is unknown now.
        """
        head = self._narrow_head(planned)
        rows = self._context.decode([one.part for one in planned], wants_states=head is not None)
        self.n_decodes += 1
        self.n_narrow += head is not None
        candidates: dict[int, list[Candidates]] = {}
        ends: dict[int, Logits] = {}
        for one, row in zip(planned, rows, strict=True):
            one.sequence.advance(len(one.part.tokens))
            if row is None:
                continue
            if one.mask is None:
                ends[one.sequence.seq_id] = row
                continue
            if head is not None:
                found = Candidates(head.logits(row, one.mask.tokens), one.mask.tokens)
            else:
                found = masked(row, one.mask)
            candidates.setdefault(one.sequence.seq_id, []).append(found)
        return candidates, ends

    def _narrow_head(self, planned: Items[Planned]) -> OutputHead | None:
        """Return the head with the rows that the batch needs, None where it needs too many."""
        if self._head is None:
            return None
        masks = []
        for one in planned:
            if one.part.wants_logits:
                if one.mask is None or one.mask.n_allowed > self._head.max_rows:
                    return None
                masks.append(one.mask)
        is_served = bool(masks) and self._head.fetch([mask.tokens for mask in masks])
        return self._head if is_served else None
