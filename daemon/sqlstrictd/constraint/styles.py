"""Scopes: a FROM set in one style of writing it, which decides how its columns are spelled.

A statement keeps to one style. Each scope becomes one copy of the expression rules, so their
number is what a mask costs; `choose_scopes` spends a fixed number of copies, canonical style first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import permutations

from sqlstrictd.constraint.sets import FromSet, JoinKeys
from sqlstrictd.schema.names import RESERVED_WORDS, fold, quote_name
from sqlstrictd.schema.types import Schema


class Style(Enum):
    """How tables are named in FROM and columns elsewhere; the value labels the grammar's rules."""

    PLAIN = "p"  # FROM orders JOIN customers: column, or table.column where there are several
    INITIALS = "i"  # FROM orders AS o JOIN ..., or FROM orders o JOIN ...: o.column
    NUMBERED = "t"  # FROM orders AS T1 JOIN ...: T1.column


@dataclass(frozen=True)
class Instance:
    """A table as it stands in FROM: its name, and its alias where it has one."""

    table: str
    alias: str = ""

    @property
    def qualifier(self) -> str:
        """What its columns are qualified with, as SQL."""
        return self.alias or quote_name(self.table)


@dataclass(frozen=True)
class Scope:
    """The instances that a FROM clause brings; the order counts where `is_ordered`."""

    label: str
    style: Style
    instances: tuple[Instance, ...]
    is_ordered: bool = False


def choose_scopes(
    schema: Schema, keys: JoinKeys, from_sets: Iterable[FromSet], limit: int
) -> list[Scope]:
    """Choose the scopes of a grammar: every set once, then further styles up to `limit` in all.

    Self-joins come before other styles. The order of the sets is their order of preference.
    """
    sets = list(from_sets)
    taken = {fold(table.name) for table in schema.tables}
    canonical: list[Scope] = []
    self_joined: list[Scope] = []
    initialled: list[Scope] = []
    numbered: list[Scope] = []
    for number, tables in enumerate(sets):
        label = f"s{number}"
        is_self_join = len(set(tables)) < len(tables)
        if not is_self_join:
            plain = tuple(Instance(table) for table in tables)
            canonical.append(Scope(f"{label}p", Style.PLAIN, plain))
        if len(tables) > 1:
            initials = tuple(_with_initials(tables, taken))
            initialled.append(Scope(f"{label}i", Style.INITIALS, initials))
            orders = [
                Scope(f"{label}t{turn}", Style.NUMBERED, order, is_ordered=True)
                for turn, order in enumerate(_numbered_orders(tables, keys, taken))
            ]
            (self_joined if is_self_join else numbered).extend(orders)
    further = [*self_joined, *initialled, *numbered]
    if not canonical:
        return further[: max(limit, len(self_joined))]
    return canonical + further[: max(0, limit - len(canonical))]


def _with_initials(tables: FromSet, taken: set[str]) -> Iterator[Instance]:
    """Give each table the initials of its name's words, numbered where two would be the same."""
    wanted = [_initials(table) for table in tables]
    counts = Counter(wanted)
    used: set[str] = set()
    for table, alias in zip(tables, wanted, strict=True):
        number = 1 if counts[alias] > 1 else 0
        name = f"{alias}{number or ''}"
        while name in used or name in taken or name.upper() in RESERVED_WORDS:
            number += 1
            name = f"{alias}{number}"
        used.add(name)
        yield Instance(table, name)


def _initials(table: str) -> str:
    words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", table)
    return "".join(word[0] for word in words).lower() or "t"


def _numbered_orders(
    tables: FromSet, keys: JoinKeys, taken: set[str]
) -> Iterator[tuple[Instance, ...]]:
    """Yield the orders in which keys let the tables be joined, numbered from T1."""
    aliases = [f"T{number}" for number in range(1, len(tables) + 1)]
    if any(fold(alias) in taken for alias in aliases):
        aliases = [f"{alias}_" for alias in aliases]
    orders = dict.fromkeys(permutations(tables))
    linked = [order for order in orders if is_linked(order, keys)]
    for order in linked or orders:
        yield tuple(map(Instance, order, aliases))


def is_linked(order: FromSet, keys: JoinKeys) -> bool:
    """Whether each table after the first is linked by a key to one that stands before it."""
    return all(
        any(keys.between(before, order[at]) for before in order[:at]) for at in range(1, len(order))
    )
