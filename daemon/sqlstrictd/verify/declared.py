"""The types that CREATE TABLE and ALTER TABLE declare, as they are written.

sqlglot translates types on the way into its tree, so they are read from the tokens: all that stands
between a column's name and its first constraint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlglot import exp

from sqlstrictd import dialects
from sqlstrictd.dialects.facts import Dialect
from sqlstrictd.schema.scan import Token
from sqlstrictd.verify.lengths import explain_lengths

_CONSTRAINTS: Final = tuple(
    "NOT NULL PRIMARY UNIQUE CHECK DEFAULT REFERENCES CONSTRAINT COLLATE AUTOINCREMENT"
    " AUTO_INCREMENT GENERATED".split()
)
# Types that hold neither numbers, text, dates, booleans nor JSON: the facts have no class for them.
_OTHER_TYPES: Final = {
    "sqlite": "BLOB TIME UUID",
    "postgres": "UUID BYTEA TIME INTERVAL INET CIDR TIMETZ",
    "duckdb": "UUID BLOB TIME INTERVAL BIT",
    "mysql": "TIME BLOB TINYBLOB MEDIUMBLOB LONGBLOB BINARY VARBINARY",
    "ansi": "TIME BLOB INTERVAL",
}


@dataclass(frozen=True, slots=True)
class DeclaredType:
    """A column's type in upper case and, apart, its arguments; `offsets` are of its words."""

    column: exp.Expr
    written: str
    offsets: frozenset[int]
    arguments: tuple[str, ...]

    def explain(self, dialect: str) -> str:
        """Say what is wrong with the numbers after it; empty where nothing is."""
        return explain_lengths(self.written, self.arguments, dialect, declares=True)

    def is_known(self, facts: Dialect) -> bool:
        """Whether the dialect has such a type."""
        if not self.written:
            return facts.name == "sqlite"
        if len(self.arguments) > 2 and self.written not in ("ENUM", "SET"):
            return False
        others = _OTHER_TYPES[facts.name].split()
        return self.written in others or dialects.value_class(self.written, facts) != "O"


def declared_types(tree: exp.Expr, tokens: tuple[Token, ...]) -> list[DeclaredType]:
    """Return the types of all columns that a statement declares."""
    places = {token.start: index for index, token in enumerate(tokens)}
    columns: list[exp.Expr] = list(tree.find_all(exp.ColumnDef))
    schema = tree.this if isinstance(tree, exp.Create) else None
    if isinstance(schema, exp.Schema):  # a column without a type is no ColumnDef
        columns += [item for item in schema.expressions if isinstance(item, exp.Identifier)]
    found = []
    for column in columns:
        name = column.this if isinstance(column, exp.ColumnDef) else column
        index = places.get(int(name.meta.get("start", -1)))
        if index is not None:
            found.append(_read(column, tokens[index + 1 :]))
    return found


def _read(column: exp.Expr, tokens: tuple[Token, ...]) -> DeclaredType:
    words: list[Token] = []
    written: list[str] = []
    arguments: list[str] = []
    depth = 0
    for token in tokens:
        if token.is_symbol("("):
            depth += 1
        elif token.is_symbol(")"):
            if depth == 0:
                break
            depth -= 1
        elif depth:
            if not token.is_symbol(","):
                arguments.append(token.text)
        elif token.kind == "word" and not token.is_word(*_CONSTRAINTS):
            words.append(token)
            written.append(token.value.upper())
        elif token.kind == "symbol" and token.text in ("[", "]", "[]") and written:
            written[-1] += token.text
        else:
            break
    offsets = frozenset(token.start for token in words)
    return DeclaredType(column, " ".join(written), offsets, tuple(arguments))
