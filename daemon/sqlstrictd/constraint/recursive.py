"""Tables that read themselves: WITH RECURSIVE name AS (base UNION [ALL] step).

`own_tables.py` asks for the body. The step selects, joins and filters, which is what every engine
takes of it. PostgreSQL wants a column of the step to be of the very type that the base gives it, so
there both are made of what says its type: columns, casts, whole numbers and text.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.scopes import Instance, Scope, ScopeColumn, spellings
from sqlstrictd.constraint.skeleton import Defined, Output, one_spelling
from sqlstrictd.constraint.terminals import literal
from sqlstrictd.schema.names import quote_name

# Types to whose values a small whole number can be added without a change of type.
_WHOLE = frozenset({"INTEGER", "BIGINT"})
_CLASSES = "XNTDSB"


def recursive_rule(
    assembly: Assembly, defined: Defined, base: Scope | None, step: Scope, rule: str
) -> None:
    """Add the rule of a recursive table's body; none where a column has nothing to be made of.

    `base` is None where the table begins with constants.
    """
    writer = _Columns(assembly, defined.is_listed)
    first = [writer.of_base(one, base) for one in defined.outputs]
    then = [writer.of_step(one, step) for one in defined.outputs]
    if not all(first) or not all(then):
        return
    assembly.terminals.define("UNIONS", '" UNION " | " UNION ALL "')
    source = f"source_1_{base.label}" if base is not None else ""
    assembly.add(
        rule,
        f'"SELECT " {_list(first)} {source} UNIONS "SELECT " {_list(then)} source_1_{step.label}',
    )


class _Columns:
    def __init__(self, assembly: Assembly, is_listed: bool) -> None:
        self._assembly = assembly
        self._manner = assembly.manner
        self._dialect = assembly.manner.dialect
        self._is_listed = is_listed
        self._is_exact = self._dialect.name == "postgres"

    def of_base(self, output: Output, scope: Scope | None) -> str:
        """Write what the base may give a column, with its name."""
        name = f'" AS " {literal(quote_name(output.name, self._dialect.name))}'
        values = list(self._values(output, scope))
        values += self._constants(output)
        if not values:
            return ""
        text = f"({' | '.join(values)}) {f'({name})?' if self._is_listed else name}"
        own = [t for t, c in self._spelled(output, scope) if c.name == output.name]
        return " | ".join([text, *own])

    def of_step(self, output: Output, scope: Scope) -> str:
        """Write what the step may give a column; a name there says nothing."""
        values = [*self._values(output, scope), *self._grown(output, scope)]
        values += [] if self._is_exact else self._constants(output)
        name = f'" AS " {literal(quote_name(output.name, self._dialect.name))}'
        return f"({' | '.join(values)}) ({name})?" if values else ""

    def _values(self, output: Output, scope: Scope | None) -> Iterator[str]:
        if scope is None or (self._manner.is_typed and output.value_class not in _CLASSES):
            return
        k, at = self._manner.of(output.value_class), scope.label
        if not self._is_exact:
            letters = "ds" if k in "ds" else k
            for rule in (f"{kind}_{one}" for one in letters for kind in ("v", "case")):
                if self._assembly.has(rule, at):
                    yield f"{rule}_{at}"
            return
        for text, _ in self._spelled(output, scope):
            yield text
        if output.type in self._dialect.cast_types.get(output.value_class, ()):
            for letter in self._dialect.cast_sources.get(output.value_class, "").lower():
                if self._assembly.has(f"a1_{letter}", at):
                    yield f'"CAST(" a1_{letter}_{at} " AS {output.type})"'
        if output.type == "TEXT" and self._assembly.has("cat", at):
            yield f"cat_{at}"

    def _grown(self, output: Output, scope: Scope) -> Iterator[str]:
        """Whole numbers that go up or down from row to row."""
        if self._is_exact and output.type in _WHOLE:
            for text, _ in self._spelled(output, scope):
                yield f"{text} PLUSMINUS INT"

    def _constants(self, output: Output) -> list[str]:
        letter = output.value_class
        if not self._manner.is_typed:
            return ["NUM", "SHORT"]
        if self._is_exact and output.type not in ("INTEGER", "TEXT", "DATE"):
            return []
        if letter in "XN":
            return ["COUNT"]
        if letter == "T":
            return ["SHORT"]
        return [self._dialect.literals[letter]] if letter in self._dialect.literals else []

    def _spelled(self, output: Output, scope: Scope | None) -> Iterator[tuple[str, ScopeColumn]]:
        """The columns of the output's type, however they may be written."""
        if scope is None or not output.type:
            return

        def fits(_: Instance, column: ScopeColumn) -> bool:
            return one_spelling(column.type) == output.type

        yield from spellings(scope, self._dialect.name, fits)


def _list(parts: list[str]) -> str:
    return ' ", " '.join(f"({one})" for one in parts)
