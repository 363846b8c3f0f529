"""All rules of one scope, from templates that are written and pruned once per kind of scope.

`write` copies the pruned template under the scope's label; only the columns, sources and group keys
are the scope's own. Used by `exact.py` and `draft.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache

from sqlstrictd.constraint.aggregates import add_aggregates
from sqlstrictd.constraint.conditions import add_conditions
from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.queries import add_queries
from sqlstrictd.constraint.rows import add_rows
from sqlstrictd.constraint.template import Rules, Template, prune, write
from sqlstrictd.constraint.terminals import Terminals
from sqlstrictd.constraint.values import add_values
from sqlstrictd.constraint.windows import add_windows

# Queries within queries within the statement.
DEEPEST = 2


@lru_cache(maxsize=64)
def _template(manner: Manner, deepest: int, vectors: tuple[str, ...]) -> tuple[Rules, Terminals]:
    terminals = Terminals(manner.dialect)
    t = Template()
    add_values(t, manner, terminals)
    add_aggregates(t, manner, terminals)
    add_windows(t, manner, terminals)
    add_conditions(t, manner, terminals, deepest)
    add_rows(t, manner, terminals)
    add_queries(t, manner, terminals, deepest, vectors)
    return t.rules(), terminals


def terminals_of(manner: Manner, deepest: int, vectors: tuple[str, ...]) -> Terminals:
    """Return the terminals that the rules use, to add more to."""
    return _template(manner, deepest, vectors)[1].copy()


@lru_cache(maxsize=64)
def rules_by_name(
    manner: Manner, deepest: int, vectors: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """Return the rules of any scope, with what nothing may fill still in them."""
    return dict(_template(manner, deepest, vectors)[0])


@lru_cache(maxsize=512)
def pruned(
    manner: Manner,
    deepest: int,
    vectors: tuple[str, ...],
    given: frozenset[str],
    roots: frozenset[str],
) -> tuple[str, frozenset[str]]:
    """Return the text of a scope's rules under the label `@`, and the names of the roots in it."""
    rules = prune(_template(manner, deepest, vectors)[0], given, roots)
    return write(rules), frozenset(name for name, _ in rules if name in roots)


def label(text: str, scope_label: str, is_widened: bool) -> str:
    """Put a scope's label into a text; `~` leads to the scope's own queries where it has some."""
    return text.replace("~", f"_{scope_label}u" if is_widened else "").replace("@", scope_label)


def lines(rules: Mapping[str, Iterable[str]]) -> str:
    """Write rules given by name."""
    return "".join(f"{name}: {' | '.join(bodies)}\n" for name, bodies in rules.items() if bodies)
