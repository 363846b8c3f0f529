"""Resident schemas: the model's state after a schema, kept so that it is read only once.

Each prefix is pinned in a sequence of its own, found by its tokens, and forked for every question.
The least recently used one without users goes first when cells or sequences are needed. Building
one is the scheduler's work, a chunk at a time.
"""

from __future__ import annotations

from collections import OrderedDict

from sqlstrictd.engine.sequence import Sequence, SequencePool

PrefixKey = tuple[int, ...]  # the prefix's tokens, BOS first


class Prefix:
    """A schema's tokens and the sequence that holds their state, perhaps in part only as yet."""

    def __init__(self, key: PrefixKey, sequence: Sequence) -> None:
        self.key = key
        self.sequence = sequence
        self.n_users = 0
        sequence.push(key)

    @property
    def is_ready(self) -> bool:
        """Whether every token is decoded, so that the sequence may be forked."""
        return not self.sequence.pending


class Prefixes:
    """The prefixes at hand, least recently used first."""

    def __init__(self, pool: SequencePool, max_prefixes: int) -> None:
        self._pool = pool
        self.max_prefixes = max_prefixes
        self._prefixes: OrderedDict[PrefixKey, Prefix] = OrderedDict()

    def __len__(self) -> int:
        return len(self._prefixes)

    def __contains__(self, key: PrefixKey) -> bool:
        return key in self._prefixes

    @property
    def n_cells(self) -> int:
        """How many cells the prefixes hold, or will once they are built."""
        return sum(len(key) for key in self._prefixes)

    @property
    def n_ready(self) -> int:
        """How many are built."""
        return sum(prefix.is_ready for prefix in self._prefixes.values())

    def acquire(self, key: PrefixKey) -> Prefix:
        """Return the prefix of these tokens, new if need be; it stays until released."""
        prefix = self._prefixes.get(key)
        if prefix is None:
            while len(self._prefixes) >= self.max_prefixes and self.evict():
                pass
            prefix = self._prefixes[key] = Prefix(key, self._pool.new())
        self._prefixes.move_to_end(key)
        prefix.n_users += 1
        return prefix

    def release(self, prefix: Prefix) -> None:
        """Let go of a prefix; it stays resident until its room is needed."""
        prefix.n_users -= 1

    def evict(self, keep: PrefixKey | None = None) -> bool:
        """Drop the least recently used prefix without users; return whether there was one.

        Forks share the cells of their prefix, so one with users is never dropped. `keep` is
        spared too.
        """
        for key, prefix in self._prefixes.items():
            if prefix.n_users == 0 and key != keep:
                self._drop(prefix)
                return True
        return False

    def drop_unfinished(self) -> None:
        """Drop what was begun and is wanted by nobody, since its building failed."""
        for prefix in list(self._prefixes.values()):
            if prefix.n_users == 0 and not prefix.is_ready:
                self._drop(prefix)

    def _drop(self, prefix: Prefix) -> None:
        del self._prefixes[prefix.key]
        prefix.sequence.drop()
