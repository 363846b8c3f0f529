"""The FROM clauses of a skeleton to scopes, and the tables that a statement defines to theirs.

`exact.py` asks in the skeleton's order: a table of the statement's own is known to what comes after
it. What does not exist in the schema makes no scope.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.scopes import ColumnRules, Instance, Scope, ScopeColumn, table_columns
from sqlstrictd.constraint.sets import JoinKeys, sorted_set
from sqlstrictd.constraint.skeleton import Defined, FromClause, Source
from sqlstrictd.constraint.sources import linked_orders
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.dialects.facts import STATEMENT_WORDS
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema

_ALIAS = re.compile("[A-Za-z_][A-Za-z0-9_]*")
_COLUMN = re.compile(r"\w+(\.\w+)?")


class Clauses:
    """Makes scopes; holds the tables of the statement's own by their folded names."""

    def __init__(
        self, schema: Schema, keys: JoinKeys, assembly: Assembly, columns: ColumnRules
    ) -> None:
        self._schema = schema
        self._keys = keys
        self._assembly = assembly
        self._columns = columns
        self._dialect = assembly.manner.dialect
        self.defined: dict[str, Defined] = {}
        self.bodies: dict[str, list[Scope | None]] = {}  # with the scopes of their sides

    def define(self, defined: Defined) -> None:
        """Take a table of the statement's own, if what it reads from exists.

        None is taken that would hide one of the schema's.
        """
        if self._schema.table(defined.name) is not None:
            return
        name, label = fold(defined.name), f"d{len(self.bodies)}"
        if defined.is_recursive:
            self.defined[name] = defined  # its second query reads it
        defined, scopes = self.scopes_of(defined, label)
        if any(scopes) and (not defined.is_recursive or defined.sides):
            self.defined[name], self.bodies[name] = defined, scopes
        else:
            self.defined.pop(name, None)

    def scopes_of(self, defined: Defined, label: str) -> tuple[Defined, list[Scope | None]]:
        """Make the scopes of a definition and its sides; return it without sides if one has none.

        None stands for the constants that a recursive table may begin with.
        """
        clauses = [defined.clause, *(side.clause for side in defined.sides)]
        found = [self.scope(one, f"{label}{'abcdef'[at]}") for at, one in enumerate(clauses)]
        found = [None if scope is None or scope.outer else scope for scope in found]
        is_whole = all(found[1:]) and (found[0] is not None or not defined.clause.sources)
        return (defined, found) if is_whole else (replace(defined, sides=()), found[:1])

    def scope(self, clause: FromClause, label: str) -> Scope | None:
        """Make the scope of a clause; None where a source or an alias of it cannot be."""
        instances = [self._instance(source) for source in clause.sources]
        outer = [self._instance(source) for source in clause.outer]
        if not instances or None in instances or None in outer:
            return None
        if not all(_is_plain(source.alias) for source in clause.sources if source.alias):
            return None
        found = tuple(one for one in instances if one is not None)
        around = tuple(
            one
            for one in outer
            if one is not None and fold(one.label) not in {fold(i.label) for i in found}
        )
        if len({fold(one.label) for one in found}) < len(found):
            return None
        orders: tuple[tuple[Instance, ...], ...] = (found,)
        if clause.is_free and len(found) > 1:
            by_name = {one.name: one for one in found}
            names = sorted_set(tuple(by_name))
            orders = tuple(
                tuple(by_name[name] for name in order) for order in linked_orders(names, self._keys)
            )
        return self._expressions(
            Scope(label, orders, around, clause.keys, clause.order_aliases, clause.pairs)
        )

    def _expressions(self, scope: Scope) -> Scope:
        """Add the keys that are expressions which the scope's own rules would write."""
        texts = [key for key in scope.keys if not _COLUMN.fullmatch(key)]
        if not texts or not self._dialect.has_strict_group_by:
            return scope
        found, own = [], self._columns.rules(scope)
        kinds = "ntds" if self._assembly.manner.is_typed else "v"
        names = [f"{kind}_{k}" for k in kinds for kind in ("v", "case")]
        for text in texts:
            known = self._assembly.lexemes(text, own, names)
            if known is not None:
                body = " ".join(map(literal, known[1]))
                found.append((text, body, known[0][-1].upper()))
        return replace(scope, expressions=tuple(found))

    def _instance(self, source: Source) -> Instance | None:
        defined = self.defined.get(fold(source.name))
        if defined is not None:
            columns = tuple(ScopeColumn(o.name, o.value_class, o.type) for o in defined.outputs)
            return Instance(defined.name, source.alias, columns, source.joined, is_defined=True)
        table = self._schema.table(source.name)
        if table is None:
            return None
        columns = table_columns(table, self._dialect)
        return Instance(table.name, source.alias, columns, source.joined)


def _is_plain(alias: str) -> bool:
    """Whether an alias is one that a draft may give."""
    return bool(_ALIAS.fullmatch(alias)) and alias.upper() not in STATEMENT_WORDS
