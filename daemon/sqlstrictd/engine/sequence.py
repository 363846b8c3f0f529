"""One sequence of the model's state, and the rules for forking and dropping it.

A hybrid model's state cannot go back: its convolutions keep the last few tokens only, and
llama.cpp may answer True to a partial removal that has changed the logits. So a Sequence only
grows, is forked whole when nothing is pending, and is dropped whole. There is no rollback here.
"""

from __future__ import annotations

from collections.abc import Sequence as Items

from sqlstrictd.engine.llama import Context
from sqlstrictd.engine.mask import Mask
from sqlstrictd.engine.sequence_state import State
from sqlstrictd.engine.token_batch import Part


class SequencePool:
    """Hands out the context's sequence numbers."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._free = list(range(context.n_sequences - 1, -1, -1))

    @property
    def n_free(self) -> int:
        """How many more sequences can be had."""
        return len(self._free)

    def new(self) -> Sequence:
        """Return an empty sequence. Raises IndexError where none is free."""
        return Sequence(self._context, self, self._free.pop(), 0)

    def fork(self, parent: Sequence) -> Sequence:
        """Return a sequence with the parent's state; the parent may have nothing pending."""
        child = self.new()
        child.take_over(parent)
        return child

    def give_back(self, seq_id: int) -> None:
        """Take a number back; called by Sequence.drop."""
        self._free.append(seq_id)


class Sequence:
    """Tokens in the model's state (`length` of them), and those still to be decoded."""

    def __init__(self, context: Context, pool: SequencePool, seq_id: int, length: int) -> None:
        self._context = context
        self._pool = pool
        self.seq_id = seq_id
        self.length = length
        self.pending: list[int] = []
        # For each pending token the mask of the choice that is made after it, if one is.
        self._masks: list[Mask | None] = []
        self._is_dropped = False

    def take_over(self, parent: Sequence) -> None:
        """Begin, while empty, with the parent's state; the parent may have nothing pending."""
        if parent.pending or self.pending:
            raise ValueError("a sequence with tokens not yet decoded cannot be forked")
        if parent.length:
            self._context.copy_sequence(parent.seq_id, self.seq_id)
            self.length = parent.length

    def state(self) -> State | None:
        """Return a copy of the state, None where llama.cpp has none; nothing may be pending."""
        if self.pending:
            raise ValueError("a sequence with tokens not yet decoded has no state to keep")
        return self._context.state_of(self.seq_id)

    def restore(self, state: State, n_tokens: int) -> bool:
        """Begin, while empty, with what `state` returned; False where llama.cpp refuses it."""
        if self.pending:
            raise ValueError("a sequence with tokens not yet decoded cannot take a state")
        if not self._context.put_state(self.seq_id, state, n_tokens):
            return False
        self.length = n_tokens
        return True

    def push(self, tokens: Items[int], masks: Items[Mask | None] | None = None) -> None:
        """Add tokens to be decoded, and the mask for each after which a choice is made."""
        if self._is_dropped:
            raise ValueError("the sequence was dropped")
        self.pending.extend(tokens)
        self._masks.extend(masks if masks is not None else [None] * len(tokens))

    def scored_parts(self, n_tokens: int, n_rows: int) -> list[tuple[Part, Mask | None]]:
        """Return the first pending tokens as parts that end where a choice is made, and its mask.

        At most `n_tokens` in all, and `n_rows` parts with a mask; the last may have none.
        """
        parts: list[tuple[Part, Mask | None]] = []
        start = 0
        for end, mask in enumerate(self._masks[:n_tokens], start=1):
            if mask is not None and n_rows > 0:
                n_rows -= 1
                parts.append((self._part(start, end, wants_logits=True), mask))
                start = end
        rest = min(len(self.pending), n_tokens)
        if start < rest and n_rows > 0:
            parts.append((self._part(start, rest, wants_logits=False), None))
        return parts

    def part(self, n_tokens: int, wants_logits: bool) -> Part:
        """Return the first pending tokens as a part of a batch; logits only of the last pending."""
        n_tokens = min(n_tokens, len(self.pending))
        return self._part(0, n_tokens, wants_logits and n_tokens == len(self.pending))

    def _part(self, start: int, end: int, wants_logits: bool) -> Part:
        return Part(self.seq_id, self.length + start, self.pending[start:end], wants_logits)

    def advance(self, n_tokens: int) -> None:
        """Note that the first pending tokens were decoded."""
        del self.pending[:n_tokens]
        del self._masks[:n_tokens]
        self.length += n_tokens

    def drop(self) -> None:
        """Forget the state; dropping twice is allowed, forks keep theirs."""
        if not self._is_dropped:
            self._is_dropped = True
            self._context.clear_sequence(self.seq_id)
            self._pool.give_back(self.seq_id)
