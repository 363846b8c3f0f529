"""The words of one schema, and where they stand: built once per schema, read for every question.

`index_of` keeps the indexes of the schemas used last, bounded by their columns. Every place of the
schema that holds words is a `Place`: a table's name, a column's name, a comment, closed values.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sqlstrictd.constraint.sets import JoinKeys, join_keys
from sqlstrictd.schema.linking.groups import copies, prefix_groups, shared_beginnings
from sqlstrictd.schema.linking.vocabulary import ABBREVIATIONS, STOP_WORDS
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.schema.words import name_words, text_words

TABLE: Final = -1  # stands for the column where a place is the table's own name
_KEPT_COLUMNS: Final = 100_000  # of all indexes together; some 240 bytes each
_VALUE_WORDS: Final = 200  # of the closed values of one column
_COMMENT_WORDS: Final = 40

# How much a word counts where it stands; the name of a table says most of what the table is about.
_NAME, _COLUMN, _COLUMN_PART, _VALUE, _COMMENT = 1.0, 0.75, 0.55, 0.5, 0.45
_EXPANDED: Final = 0.9  # of that for a word that is read into an abbreviation or a compound
# What may follow a word in a compound without being a word of the schema: studentid, ordername.
_COMPOUND_ENDS: Final = frozenset(
    "id code name date time no num number nr key type count total price status year".split()
)


@dataclass(frozen=True, slots=True)
class Place:
    """The name of a table or a column, as its words; where `column` is TABLE, a table's."""

    column: int
    words: tuple[str, ...]


class SchemaIndex:
    """Words of a schema's names, comments and values to tables, and back."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.n_columns = sum(len(table.columns) for table in schema.tables)
        self.number_of = {table.name: number for number, table in enumerate(schema.tables)}
        self._expanded: dict[str, tuple[str, ...]] = {}
        self._joined: set[str] = set()
        self._said: dict[tuple[int, int], tuple[str, ...]] = {}
        self.places = [
            [
                Place(TABLE, name_words(table.name)),
                *(Place(at, name_words(name)) for at, name in enumerate(table.column_names)),
            ]
            for table in schema.tables
        ]
        self.prefixes, self.groups = prefix_groups([own[0].words for own in self.places])
        names = [own[0].words for own in self.places]
        self.beginnings = shared_beginnings(names)
        self.copies = copies(names)
        # word -> {number of the table: how much the word counts there, 0 to 1}
        self.postings: dict[str, dict[int, float]] = {}
        self._post_all()
        # Words with the same first three letters: the only ones that are compared for endings. A
        # name of several words written in one begins like each of the names that share its first.
        self.by_beginning: dict[str, list[str]] = {}
        for word in self.postings:
            if len(word) >= 3 and not word.isdigit() and word not in self._joined:
                self.by_beginning.setdefault(word[:3], []).append(word)
        self.long_words = [word for word in self.postings if len(word) >= 4 and word.isalpha()]

    @cached_property
    def keys(self) -> JoinKeys:
        """The keys of the schema, declared or suggested by names."""
        return join_keys(self.schema)

    @cached_property
    def declared(self) -> list[list[int]]:
        """For each table, the tables that a declared key links it to, in the schema's order."""
        found: list[set[int]] = [set() for _ in self.schema.tables]
        by_fold = {fold(name): number for name, number in self.number_of.items()}
        for number, table in enumerate(self.schema.tables):
            for key in table.foreign_keys:
                other = by_fold[fold(key.referenced_table)]
                if other != number:
                    found[number].add(other)
                    found[other].add(number)
        return [sorted(others) for others in found]

    def links(self, number: int) -> list[int]:
        """The tables that declared keys link to a table, or where it has none, suggested ones."""
        if self.declared[number]:
            return self.declared[number]
        name = self.schema.tables[number].name
        return [self.number_of[other] for other in self.keys.neighbours[name]]

    def expansions(self, word: str) -> tuple[str, ...]:
        """What a word of a name stands for besides itself: an abbreviation's words, its parts."""
        return self._expanded.get(word, ())

    def said(self, number: int, column: int) -> tuple[str, ...]:
        """The words of a column's comment and values; where `column` is TABLE, of the table's."""
        return self._said.get((number, column), ())

    def _post_all(self) -> None:
        own_words = {word for own in self.places for place in own for word in place.words}
        for word in sorted(own_words):
            found = ABBREVIATIONS.get(word, ()) + _compound(word, own_words)
            if found:
                self._expanded[word] = found
        for number, own in enumerate(self.places):
            for place in own:
                strength = _NAME
                if place.column != TABLE:
                    strength = _COLUMN if len(place.words) == 1 else _COLUMN_PART
                self._post_name(number, place.words, strength)
            self._post_texts(number, self.schema.tables[number])
        self._joined -= own_words

    def _post_name(self, number: int, words: tuple[str, ...], strength: float) -> None:
        for word in words:
            self._post(word, number, strength)
            for other in self._expanded.get(word, ()):
                self._post(other, number, strength * _EXPANDED)
        if 1 < len(words) <= 4:
            self._joined.add("".join(words))
            self._post("".join(words), number, strength)

    def _post_texts(self, number: int, table: Table) -> None:
        if table.comment:
            self._post_said(number, TABLE, text_words(table.comment)[:_COMMENT_WORDS], _COMMENT)
        for at, column in enumerate(table.columns):
            if column.comment:
                self._post_said(number, at, text_words(column.comment)[:_COMMENT_WORDS], _COMMENT)
            if column.values:
                words = tuple(word for value in column.values for word in text_words(value))
                self._post_said(number, at, words[:_VALUE_WORDS], _VALUE)

    def _post_said(self, number: int, column: int, words: tuple[str, ...], strength: float) -> None:
        kept = [word for word in words if word not in STOP_WORDS]
        self._said[number, column] = (*self.said(number, column), *kept)
        for word in kept:
            self._post(word, number, strength)

    def _post(self, word: str, number: int, strength: float) -> None:
        held = self.postings.setdefault(word, {})
        if strength > held.get(number, 0.0):
            held[number] = strength


def _compound(word: str, known: set[str]) -> tuple[str, ...]:
    """Cut a name written in one, as orderitems or studentid, into two words that are known."""
    if len(word) < 6 or not word.isalpha():
        return ()
    for cut in range(len(word) - 2, 2, -1):
        first, second = word[:cut], word[cut:]
        if first in known and (
            second in _COMPOUND_ENDS or (cut < len(word) - 2 and second in known)
        ):
            return first, second
    return ()


class _Indexes:
    """The indexes of the schemas used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], SchemaIndex] = OrderedDict()

    def of(self, schema: Schema) -> SchemaIndex:
        key = (schema.dialect, schema.fingerprint)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        index = SchemaIndex(schema)
        with self._lock:
            self._kept[key] = index
            while len(self._kept) > 1 and self._n_columns() > _KEPT_COLUMNS:
                self._kept.popitem(last=False)
        return index

    def _n_columns(self) -> int:
        return sum(index.n_columns for index in self._kept.values())


index_of = _Indexes().of
