"""Resident prefixes: the model's state after a schema, or after a whole prompt, read only once.

Each is pinned in a sequence of its own and found by its tokens. A prompt's sequence takes over its
schema's state and goes on with the question; statements are forks of it. Schemas stay resident,
and so do the last prompts that are to be asked for again, until their room is needed: prompts make
way before schemas, the least recently used first, none with users. Building one is the scheduler's
work, a chunk at a time.

The beginning of a question that is being typed is read in the same way, after its schema; a prompt
that begins with those very tokens goes on from there. They are guesses: the first to make way.

A whole schema's state is kept as a file too (`prefix_store.py`), as soon as it is built and at the
latest when it makes way, so that it comes back in milliseconds, after a restart as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping
from collections.abc import Sequence as Items
from concurrent.futures import Future

from sqlstrictd.engine.llama import Logits
from sqlstrictd.engine.prefix_store import PrefixStore
from sqlstrictd.engine.sequence import Sequence, SequencePool
from sqlstrictd.engine.sequence_state import State

PrefixKey = tuple[int, ...]  # the prefix's tokens, BOS first
MAX_BEGINNINGS = 4


class Prefix:
    """Tokens and the sequence that holds their state, perhaps in part only as yet.

    A schema's has no parent; a prompt's parent is its schema's, which it uses as long as it lives.
    The same holds for the beginning of a question.
    `is_for_file`: of a schema, whether it is to be kept as a file; `is_in_file`: it was seen to.
    """

    def __init__(self, key: PrefixKey, sequence: Sequence, parent: Prefix | None = None) -> None:
        """A schema's sequence may hold its state already."""
        self.key = key
        self.sequence = sequence
        self.parent = parent
        self.n_users = 0
        self.is_kept = parent is None
        self.is_for_file = self.is_in_file = False
        # Of a prompt only: the logits of its last token, and what was written after it, by text.
        self.logits: Logits | None = None
        self.written: dict[str, list[int]] = {}
        if parent is not None:
            parent.n_users += 1
        elif not sequence.length:
            sequence.push(key)

    @property
    def is_ready(self) -> bool:
        """Whether every token is decoded, so that the sequence may be forked."""
        return self.sequence.length == len(self.key)

    @property
    def n_own_cells(self) -> int:
        """How many cells it holds, or will once it is built, that its parent does not."""
        return len(self.key) - (len(self.parent.key) if self.parent else 0)

    def begin(self, beginning: Prefix | None = None) -> None:
        """Go on from the parent as soon as that is ready; else there is nothing to do.

        Or from the beginning of a question, which must be ready and hold the key's first tokens.
        """
        if self.parent and self.parent.is_ready and not self.sequence.length:
            source = beginning or self.parent
            self.sequence.take_over(source.sequence)
            self.sequence.push(self.key[len(source.key) :])

    def reading(self) -> Sequence | None:
        """Return the sequence that is to be decoded next for this prefix, None once it is ready."""
        if self.parent and not self.parent.is_ready:
            return self.parent.sequence
        return None if self.is_ready else self.sequence


class Prefixes:
    """The prefixes at hand, least recently used first."""

    def __init__(
        self,
        pool: SequencePool,
        max_schemas: int,
        max_prompts: int,
        store: PrefixStore | None = None,
    ) -> None:
        """`max_prompts`: prompts kept without users; while in use, they may be more."""
        self._pool = pool
        self._store = store
        self.max_schemas = max_schemas
        self._max_prompts = max_prompts
        self._schemas: OrderedDict[PrefixKey, Prefix] = OrderedDict()
        self._prompts: OrderedDict[PrefixKey, Prefix] = OrderedDict()
        self._beginnings: OrderedDict[PrefixKey, Prefix] = OrderedDict()
        self._all = (self._schemas, self._prompts, self._beginnings)

    def __len__(self) -> int:
        return sum(map(len, self._all))

    def __contains__(self, key: PrefixKey) -> bool:
        return any(key in prefixes for prefixes in self._all)

    @property
    def n_cells(self) -> int:
        """How many cells the prefixes hold, or will once they are built."""
        return sum(one.n_own_cells for prefixes in self._all for one in prefixes.values())

    @property
    def has_place_for_schema(self) -> bool:
        """Whether another schema may be resident beside all that are."""
        return len(self._schemas) < self.max_schemas

    @property
    def n_ready_schemas(self) -> int:
        """How many schemas are built."""
        return sum(prefix.is_ready for prefix in self._schemas.values())

    def fetch_schema(self, key: PrefixKey) -> Future[State | None] | None:
        """Begin to look for a schema that is not resident in the files, if there are any."""
        return self._store.fetch(key) if self._store else None

    def acquire_schema(
        self, key: PrefixKey, stored: State | None = None, is_for_file: bool = True
    ) -> Prefix:
        """Return the prefix of a schema's tokens, new if need be; it stays until released.

        `stored` is what its file held, `is_for_file` whether it is to be kept as one.
        """
        prefix = self._find_schema(key, stored)
        prefix.is_for_file |= is_for_file
        prefix.n_users += 1
        return prefix

    def acquire_prompt(self, schema: Prefix, question: Items[int], is_kept: bool) -> Prefix:
        """Return the prefix of a whole prompt, new if need be; it stays until released.

        It takes the place of its schema's prefix, which is released. `is_kept`: it is to stay
        resident after that.
        """
        key = (*schema.key, *question)
        prompt = self._prompts.get(key)
        if prompt is None:
            prompt = self._prompts[key] = Prefix(key, self._pool.new(), schema)
            prompt.begin(self._beginning_of(key))
        self._prompts.move_to_end(key)
        prompt.is_kept |= is_kept
        prompt.n_users += 1
        self.release(schema)
        return prompt

    def acquire_beginning(self, schema: Prefix, beginning: Items[int]) -> Prefix:
        """Return the prefix of a question's beginning, new if need be; it stays until released.

        It takes the place of its schema's prefix, which is released, and that of the beginnings
        that it goes on from.
        """
        key = (*schema.key, *beginning)
        prefix = self._beginnings.get(key)
        if prefix is None:
            prefix = Prefix(key, self._pool.new(), schema)
            prefix.begin(self._beginning_of(key))
            for one in self._idle(self._beginnings):
                if one.key == key[: len(one.key)] or len(self._beginnings) >= MAX_BEGINNINGS:
                    self._drop(one)
            self._beginnings[key] = prefix
        self._beginnings.move_to_end(key)
        prefix.n_users += 1
        self.release(schema)
        return prefix

    def _beginning_of(self, key: PrefixKey) -> Prefix | None:
        """Return the longest beginning that these tokens begin with and that is read."""
        fitting = (
            one
            for one in self._beginnings.values()
            if one.is_ready and len(one.key) < len(key) and one.key == key[: len(one.key)]
        )
        return max(fitting, key=lambda one: len(one.key), default=None)

    def _find_schema(self, key: PrefixKey, stored: State | None) -> Prefix:
        prefix = self._schemas.get(key)
        if prefix is None:
            while len(self._schemas) >= self.max_schemas and self._evict_schema(keep=()):
                pass
            sequence = self._pool.new()
            if stored is not None and self._store:
                if sequence.restore(stored, len(key)):
                    self._store.note_restored()
                else:
                    self._store.refuse(key)
            prefix = self._schemas[key] = Prefix(key, sequence)
        elif self._store:
            self._store.note_use(key)
        self._schemas.move_to_end(key)
        return prefix

    def keep_built(self) -> None:
        """Hand the states of schemas that are built and not in files yet to the store."""
        for schema in self._schemas.values() if self._store else ():
            if schema.is_for_file and not schema.is_in_file and schema.is_ready:
                self._keep(schema)

    def _keep(self, schema: Prefix) -> None:
        if self._store and self._store.can_keep:
            schema.is_in_file = True
            if not self._store.has(schema.key) and (state := schema.sequence.state()) is not None:
                self._store.keep(schema.key, state)

    def release(self, prefix: Prefix) -> None:
        """Let go of a prefix; if it is to be kept, it stays until its room is needed."""
        prefix.n_users -= 1
        if prefix.parent is None or prefix.n_users or prefix.key in self._beginnings:
            return
        if not (prefix.is_kept and prefix.is_ready):
            self._drop(prefix)
        while len(idle := self._idle(self._prompts)) > self._max_prompts:
            self._drop(idle[0])

    def evict(self, keep: Collection[PrefixKey] = (), are_guesses_enough: bool = False) -> bool:
        """Drop the least recently used prefix without users; return whether there was one.

        Forks share the cells of their prefix, so one with users is never dropped. Those in `keep`
        are spared too. `are_guesses_enough`: nothing but beginnings of questions is to make way.
        """
        first = self._idle(self._beginnings)
        for prefix in first if are_guesses_enough else (*first, *self._idle(self._prompts)):
            if prefix.key not in keep:
                self._drop(prefix)
                return True
        return not are_guesses_enough and self._evict_schema(keep)

    def _evict_schema(self, keep: Collection[PrefixKey]) -> bool:
        """Drop the oldest schema that only idle prefixes use, and those with it."""
        idle = (*self._idle(self._beginnings), *self._idle(self._prompts))
        for key, schema in self._schemas.items():
            children = [one for one in idle if one.parent is schema]
            if schema.n_users == len(children) and key not in keep:
                for prefix in (*children, schema):
                    self._drop(prefix)
                return True
        return False

    def _idle(self, prefixes: Mapping[PrefixKey, Prefix]) -> list[Prefix]:
        return [prefix for prefix in prefixes.values() if prefix.n_users == 0]

    def drop_unfinished(self) -> None:
        """Drop schemas that were begun and are wanted by nobody, since their building failed."""
        for schema in list(self._schemas.values()):
            if schema.n_users == 0 and not schema.is_ready:
                self._drop(schema)

    def _drop(self, prefix: Prefix) -> None:
        if prefix.is_for_file and prefix.is_ready:
            self._keep(prefix)  # Its file may have been deleted for others' sake meanwhile.
        for prefixes in self._all:
            if prefixes.get(prefix.key) is prefix:
                del prefixes[prefix.key]
        if prefix.parent is not None:
            prefix.parent.n_users -= 1
        prefix.sequence.drop()
