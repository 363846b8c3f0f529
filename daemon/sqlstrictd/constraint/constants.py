"""Statements that need no table: SELECT of constants, VALUES, and the rows of a query counted."""

from __future__ import annotations

from itertools import product

from sqlstrictd.constraint.assembly import Assembly

_MAX_COLUMNS = 3


def add_constants(assembly: Assembly, queries: list[str]) -> None:
    """Add them to the queries that a statement may be."""
    manner, dialect = assembly.manner, assembly.manner.dialect
    numbers = manner.of("N")
    parts = ["NUM", "SHORT"]
    nullary = [f'"{name}()"' for c in dialect.calls if not c.arguments for name in c.names.split()]
    parts += nullary
    parts += [
        form.text for form in dialect.forms if "{" not in form.text and form.result in "DSXNT"
    ]
    if assembly.stands(f"one_{numbers}_1"):
        one = f'"(" one_{numbers}_1 ")"'
        parts.append(f"{one} (OP ({one} | SIZE))?")
    assembly.add("constant", *parts)
    assembly.add("sum", "SIZE OP SIZE (OP SIZE){0,2}")
    item = '(constant | sum) (" AS " ALIAS)?'
    queries.append(f'"SELECT " {item} (", " {item}){{0,4}}')
    if dialect.has_values_statement:
        for count in range(1, _MAX_COLUMNS + 1):
            for kinds in product(("NUM", "SHORT"), repeat=count):
                row = '"(" ' + ' ", " '.join(kinds) + ' ")"'
                queries.append(f'"VALUES " {row} (", " {row}){{0,9}}')
    if assembly.stands("query_1"):
        needs_alias = dialect.is_typed or dialect.name == "mysql"
        alias = '(" AS " ALIAS)' + ("" if needs_alias else "?")
        inner = ["query_1"] + ["compound"] * assembly.stands("compound")
        queries.append(f'"SELECT " "COUNT(" "*" ")" " FROM " "(" ({" | ".join(inner)}) ")" {alias}')
