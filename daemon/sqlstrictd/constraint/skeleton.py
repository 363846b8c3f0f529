"""What a statement's queries read from, without the rest: what an exact grammar is built for.

Read from a draft (or from somebody's statement) by `reading.py`, made of linked FROM sets by
`skeleton_of_sets`, and turned into scopes by `exact.py`. Plain values that go over pipes as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sqlstrictd.constraint.sets import FromSet, sorted_set

_SPELLINGS = {
    **dict.fromkeys(("INT", "INT4", "SERIAL", "SERIAL4"), "INTEGER"),
    **dict.fromkeys(("INT8", "BIGSERIAL", "SERIAL8"), "BIGINT"),
}


@dataclass(frozen=True)
class Source:
    """A table of the schema, or a table of the statement's own, as it stands in FROM.

    `joined` says how it is joined to those before it: "on" a condition, or "cross".
    """

    name: str
    alias: str = ""
    joined: str = "on"


@dataclass(frozen=True)
class FromClause:
    """The sources of one query in order, and those of the queries around it that it refers to.

    `keys` are the columns that it groups by, `order_aliases` its outputs that it sorts by,
    `pairs` the columns, as it spells them, that its joins hold equal. `is_free` lets the sources
    stand in any order that keys allow: so are sets that were chosen from a question.
    """

    sources: tuple[Source, ...]
    outer: tuple[Source, ...] = ()
    keys: tuple[str, ...] = ()
    order_aliases: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    is_free: bool = False


@dataclass(frozen=True)
class Output:
    """A column that a query of the statement gives to another: its name and value class."""

    name: str
    value_class: str
    is_total: bool = False  # computed by an aggregate
    type: str = ""  # as declared or cast to; empty where that is not known


@dataclass(frozen=True)
class Defined:
    """A table that the statement defines: by WITH, or by a query in parentheses in FROM.

    `sides` are the further queries of a set operation, without names; of a recursive table the
    one that reads it. A recursive table may begin with constants, and then has no sources.
    """

    name: str
    outputs: tuple[Output, ...]
    clause: FromClause
    is_cte: bool
    sides: tuple[Defined, ...] = ()
    is_recursive: bool = False
    is_listed: bool = False  # its columns stand after its name


@dataclass(frozen=True)
class Reference:
    """A foreign key of a new table: its columns, the table they refer to, and columns there."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """What a statement writes: into which table, or what it makes, and which columns it names.

    `columns` are in the statement's order those that INSERT lists, UPDATE sets, an index is on, or
    a new table has; `keys` the lists of columns that a new table's PRIMARY KEY (the first, maybe
    empty) and UNIQUE name. `query` gives a view its columns, or INSERT its rows.
    """

    table: str = ""
    columns: tuple[str, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()
    query: Defined | None = None


@dataclass(frozen=True)
class Skeleton:
    """FROM clauses, outermost first; tables of the statement's own, in order of definition.

    `members` are the value classes of set operations' columns, one letter a column. `change` is
    there if the statement writes.
    """

    clauses: tuple[FromClause, ...]
    defined: tuple[Defined, ...] = ()
    members: tuple[str, ...] = ()
    change: Change | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain lists and dicts."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Skeleton:
        """Read what `to_json` returned."""
        return cls(
            tuple(_clause(one) for one in data["clauses"]),
            tuple(_defined(one) for one in data["defined"]),
            tuple(data["members"]),
            None if data["change"] is None else _change(data["change"]),
        )

    def and_also(self, other: Skeleton) -> Skeleton:
        """Return a skeleton that allows what either allows; this one's clauses come first."""
        clauses = dict.fromkeys((*self.clauses, *other.clauses))
        members, change = self.members or other.members, self.change or other.change
        return Skeleton(tuple(clauses), self.defined, members, change)


def _defined(data: dict[str, Any]) -> Defined:
    outputs = tuple(Output(**one) for one in data["outputs"])
    return Defined(
        data["name"],
        outputs,
        _clause(data["clause"]),
        data["is_cte"],
        tuple(map(_defined, data["sides"])),
        data["is_recursive"],
        data["is_listed"],
    )


def _change(data: dict[str, Any]) -> Change:
    return Change(
        data["table"],
        tuple(data["columns"]),
        tuple(map(tuple, data["keys"])),
        tuple(
            Reference(tuple(one["columns"]), one["table"], tuple(one["referenced"]))
            for one in data["references"]
        ),
        None if data["query"] is None else _defined(data["query"]),
    )


def _clause(data: dict[str, Any]) -> FromClause:
    return FromClause(
        tuple(Source(**one) for one in data["sources"]),
        tuple(Source(**one) for one in data["outer"]),
        tuple(data["keys"]),
        tuple(data["order_aliases"]),
        tuple((one, other) for one, other in data["pairs"]),
        data["is_free"],
    )


def one_spelling(type_: str) -> str:
    """Spell a type in one way of several; the type of a key that counts is that of its values."""
    return _SPELLINGS.get(type_, type_).replace(", ", ",")


def skeleton_of_sets(from_sets: Iterable[FromSet]) -> Skeleton:
    """Make a skeleton of sets of tables, which may be joined in any order that keys allow."""
    clauses = []
    for names in dict.fromkeys(sorted_set(one) for one in from_sets):
        is_self_join = len(set(names)) < len(names)
        aliases = [f"T{number}" if is_self_join else "" for number in range(1, len(names) + 1)]
        sources = tuple(map(Source, names, aliases))
        clauses.append(FromClause(sources, is_free=not is_self_join))
    return Skeleton(tuple(clauses))
