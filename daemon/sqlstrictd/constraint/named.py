"""Queries that keep to names: grouped by columns that they select, or sorted by their own outputs.

A context-free grammar cannot remember a name, so these are spelled out: for the keys and aliases
that the skeleton has, and where GROUP BY must name what is selected for each single column too.
"""

from __future__ import annotations

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.scopes import Scope
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.schema.names import fold, quote_name

# Columns of one scope that get a rule of their own as the only key.
_MAX_SINGLE_KEYS = 40


class NamedQueries:
    """Writes the rules `named_N` and `keyed_N` of one scope at one depth."""

    def __init__(self, manner: Manner, scope: Scope, depth: int) -> None:
        self._manner = manner
        self._scope = scope
        self._d = depth
        self._found: dict[str, list[str]] = {}
        nulls = " NULLS?" if manner.dialect.has_nulls_order else ""
        self._way = f"WAY?{nulls}"

    def rules(self) -> dict[str, list[str]]:
        """Return the rules by name without the label."""
        d, scope = self._d, self._scope
        keys = self._spellings()
        chosen = [keys[fold(key)] for key in scope.keys if fold(key) in keys]
        groups = "groups_@"
        if self._manner.is_strict:
            if len(chosen) > 1 or (chosen and scope.order_aliases):
                self._keyed("k", chosen)
            unique = {text: None for text in keys.values()}
            for number, spelled in enumerate(list(unique)[:_MAX_SINGLE_KEYS]):
                self._keyed(f"k{number}", [spelled])
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
                    either, grouping = f"ki{d}_@", f"kg{d}_@ having_{d}_@?"
            text = f'({either} ", "){{0,6}} {one} (", " {either}){{0,6}}'
            self._add(f"named_{d}", f'"SELECT " {text} source_{d}_@ {grouping} {order} limit')
        return self._found

    def group_by_keys(self) -> str:
        """Write GROUP BY the skeleton's keys; empty where it has none in this scope."""
        keys = self._spellings()
        chosen = [keys[fold(key)] for key in self._scope.keys if fold(key) in keys]
        return '" GROUP BY " ' + ' ", " '.join(f"({text})" for text in chosen) if chosen else ""

    def _keyed(self, prefix: str, spelled: list[str]) -> None:
        """Add queries that group by these columns and select no others but in aggregates."""
        d = self._d
        item, group = f"{prefix}i{d}", f"{prefix}g{d}"
        named = '(" AS " ALIAS)?'
        either = " | ".join(spelled)
        self._found[item] = [f"({either}) {named}", f"total_{d}_@"]
        keys = ' ", " '.join(f"({text})" for text in spelled)
        self._found[group] = [f'" GROUP BY " {keys}']
        term = f"({either} | totterm_@) {self._way}"
        order = f'(" ORDER BY " {term} (", " {term}){{0,3}})?'
        self._add(
            f"keyed_{d}",
            f'"SELECT " {item}_@ (", " {item}_@){{0,9}} source_{d}_@ {group}_@'
            f" having_{d}_@? {order} limit",
        )

    def _add(self, name: str, text: str) -> None:
        self._found.setdefault(name, []).append(text)

    def _spellings(self) -> dict[str, str]:
        """How each comparable column may be written, by each of its folded spellings."""
        dialect = self._manner.dialect.name
        names = [fold(c.name) for one in self._scope.instances for c in one.columns]
        found: dict[str, str] = {}
        for one in self._scope.instances:
            for column in one.columns:
                if column.letter in "UJ":
                    continue
                bare = quote_name(column.name, dialect)
                # Two terminals, as elsewhere: one would hide the qualifier from the lexer.
                forms = [f"{literal(one.qualifier(dialect) + '.')} {literal(bare)}"]
                if names.count(fold(column.name)) == 1:
                    forms.append(literal(bare))
                text = " | ".join(forms)
                found[fold(f"{one.label}.{column.name}")] = text
                if len(forms) > 1:
                    found[fold(column.name)] = text
        return found
