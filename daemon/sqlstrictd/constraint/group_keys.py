"""Queries that keep to names: grouped by columns that they select, or sorted by their own outputs.

A context-free grammar cannot remember a name, so these are spelled out: for the keys and aliases
that the skeleton has, and where GROUP BY must name what is selected for each single column too.
Keys may be expressions, each written as the draft wrote it (`recognition.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.scopes import Scope
from sqlstrictd.constraint.terminals import Terminals, literal
from sqlstrictd.schema.names import fold, quote_name

# Columns of one scope that get a rule of their own as the only key.
_MAX_SINGLE_KEYS = 40


@dataclass(frozen=True)
class Key:
    """What a query groups by: how it may be written, its class, and its name if it is a column."""

    text: str
    letter: str
    name: str = ""
    has_values: bool = False  # of a closed list


class NamedQueries:
    """Writes the rules `named_N` and `keyed_N` of one scope at one depth."""

    def __init__(self, manner: Manner, scope: Scope, depth: int) -> None:
        self._manner = manner
        self._scope = scope
        self._d = depth
        self._found: dict[str, list[str]] = {}
        nulls = " NULLS?" if manner.dialect.has_nulls_order else ""
        self._way = f"WAY?{nulls}"
        self._terminals = Terminals(manner.dialect)

    def rules(self) -> dict[str, list[str]]:
        """Return the rules by name without the label."""
        d, scope = self._d, self._scope
        chosen = self.keys()
        groups = "groups_@"
        if self._manner.is_strict:
            if chosen:
                self._keyed("k", chosen)
            columns = {key.text: key for key in self._columns().values()}
            for number, key in enumerate(list(columns.values())[:_MAX_SINGLE_KEYS]):
                self._keyed(f"k{number}", [key])
        for alias in scope.order_aliases:
            name = f'" AS " {literal(quote_name(alias, self._manner.dialect.name))}'
            by = literal(quote_name(alias, self._manner.dialect.name))
            order = f'" ORDER BY " {by} {self._way} (", " {by} {self._way})?'
            either, grouping = f"(plain_{d}_@ | total_{d}_@)", f"({groups} having_{d}_@?)?"
            one = f"(plain_@ | total_@) {name}"
            if self._manner.is_strict:
                either, grouping = f"total_{d}_@", f"having_{d}_@?"
                one = f"total_@ {name}"
                plain = f'(plain_{d}_@ ", "){{0,6}} plain_@ {name} (", " plain_{d}_@){{0,6}}'
                self._add(f"named_{d}", f'"SELECT " {plain} source_{d}_@ {order} limit')
                if chosen:
                    either, grouping = f"ki{d}_@", f"kg{d}_@ kh{d}_@?"
                    spelled = " | ".join(key.text for key in chosen)
                    one = f"(total_@ | {spelled}) {name}"
            text = f'({either} ", "){{0,6}} {one} (", " {either}){{0,6}}'
            self._add(f"named_{d}", f'"SELECT " {text} source_{d}_@ {grouping} {order} limit')
        return self._found

    def keys(self) -> list[Key]:
        """The skeleton's keys that can be written in this scope, in its order."""
        columns = self._columns()
        expressions = {text: Key(body, letter) for text, body, letter in self._scope.expressions}
        found = (columns.get(fold(key)) or expressions.get(key) for key in self._scope.keys)
        return [key for key in found if key is not None]

    def group_by_keys(self) -> str:
        """Write GROUP BY the skeleton's keys; empty where it has none in this scope."""
        chosen = self.keys()
        return _group_by(chosen) if chosen else ""

    def _keyed(self, prefix: str, keys: list[Key]) -> None:
        """Add queries that group by these and select nothing else but in aggregates."""
        d = self._d
        item, group = f"{prefix}i{d}", f"{prefix}g{d}"
        named = '(" AS " ALIAS)?'
        either = " | ".join(key.text for key in keys)
        self._found[item] = [f"({either}) {named}", f"total_{d}_@"]
        self._found[group] = [_group_by(keys)]
        having = f"having_{d}_@"
        if prefix == "k":  # the others, one for each column, share theirs
            having = f"kh{d}_@"
            tests = f"({' | '.join((f'grouped_{d}_@', f'hgroup_{d}_@', *self._tests(keys)))})"
            self._found[f"kh{d}"] = [f'" HAVING " {tests} (AO {tests}){{0,3}}']
        term = f"({either} | totterm_@) {self._way}"
        order = f'(" ORDER BY " ({term} | "1" {self._way}) (", " {term}){{0,3}})?'
        self._add(
            f"keyed_{d}",
            f'"SELECT " {item}_@ (", " {item}_@){{0,9}} source_{d}_@ {group}_@'
            f" {having}? {order} limit",
        )

    def _tests(self, keys: list[Key]) -> Iterator[str]:
        """Yield what HAVING may say of keys."""
        for key in keys:
            if not key.name and self._manner.dialect.name == "mysql":
                continue  # HAVING sees names alone
            yield f"({key.text}) ISNULL"
            text = self._terminals.literal(self._manner.of(key.letter.replace("X", "N")))
            if text and key.letter in "XNTDSV" and not key.has_values:
                yield f'({key.text}) (CMP {text} | IN {text} (", " {text}){{0,15}} ")")'

    def _add(self, name: str, text: str) -> None:
        self._found.setdefault(name, []).append(text)

    def _columns(self) -> dict[str, Key]:
        """The comparable columns, by each of their folded spellings."""
        dialect = self._manner.dialect.name
        names = [fold(c.name) for one in self._scope.instances for c in one.columns]
        found: dict[str, Key] = {}
        for one in self._scope.instances:
            for column in one.columns:
                if column.letter in "UJ":
                    continue
                bare = quote_name(column.name, dialect)
                # Two terminals, as elsewhere: one would hide the qualifier from the lexer.
                forms = [f"{literal(one.qualifier(dialect) + '.')} {literal(bare)}"]
                if names.count(fold(column.name)) == 1:
                    forms.append(literal(bare))
                key = Key(" | ".join(forms), column.letter, column.name, bool(column.values))
                found[fold(f"{one.label}.{column.name}")] = key
                if len(forms) > 1:
                    found[fold(column.name)] = key
        return found


def _group_by(keys: Sequence[Key]) -> str:
    return '" GROUP BY " ' + ' ", " '.join(f"({key.text})" for key in keys)
