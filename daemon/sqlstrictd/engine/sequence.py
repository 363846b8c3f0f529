"""One sequence of the model's state, and the rules for forking and dropping it.

A hybrid model's state cannot go back: its convolutions keep the last few tokens only, and
llama.cpp may answer True to a partial removal that has changed the logits. So a Sequence only
grows, is forked whole when nothing is pending, and is dropped whole. There is no rollback here.
"""

from __future__ import annotations

from collections.abc import Sequence as Items

from sqlstrictd.engine.llama import Context, Part
from sqlstrictd.engine.sequence_state import State


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
    """Tokens in the model's state (`length` of them), and those still to be decoded.

    `wants_every_row`: logits are wanted with each pending token, not with the last one alone.
    """

    def __init__(self, context: Context, pool: SequencePool, seq_id: int, length: int) -> None:
        self._context = context
        self._pool = pool
        self.seq_id = seq_id
        self.length = length
        self.pending: list[int] = []
        self.wants_every_row = False
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

    def push(self, tokens: Items[int], wants_every_row: bool = False) -> None:
        """Add tokens to be decoded."""
        if self._is_dropped:
            raise ValueError("the sequence was dropped")
        self.pending.extend(tokens)
        self.wants_every_row = wants_every_row

    def single_parts(self, n_tokens: int) -> list[Part]:
        """Return the first pending tokens as parts of a batch of one token each, with logits."""
        return [
            Part(self.seq_id, self.length + index, [token], wants_logits=True)
            for index, token in enumerate(self.pending[:n_tokens])
        ]

    def part(self, n_tokens: int, wants_logits: bool) -> Part:
        """Return the first pending tokens as a part of a batch; logits only of the last pending."""
        tokens = self.pending[:n_tokens]
        return Part(
            self.seq_id, self.length, tokens, wants_logits and len(tokens) == len(self.pending)
        )

    def advance(self, n_tokens: int) -> None:
        """Note that the first pending tokens were decoded."""
        del self.pending[:n_tokens]
        self.length += n_tokens

    def drop(self) -> None:
        """Forget the state; dropping twice is allowed, forks keep theirs."""
        if not self._is_dropped:
            self._is_dropped = True
            self._context.clear_sequence(self.seq_id)
            self._pool.give_back(self.seq_id)
