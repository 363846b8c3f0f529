"""A table's columns to what may be written into them: the literals of each, as bodies of rules.

What a column takes is narrower than what it is compared with: no more letters than its length, no
day that does not exist, no value beside its closed list. Read by `writes.py` and
`index_and_alter.py`; expressions over columns are `values.py`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from sqlstrictd.constraint.assembly import Assembly
from sqlstrictd.constraint.terminals import any_of
from sqlstrictd.dialects import value_class
from sqlstrictd.dialects.facts import Dialect
from sqlstrictd.schema.names import quote_string
from sqlstrictd.schema.types import Table

# The longest text that is written into a column without a length of its own.
_LONGEST: Final = 240
_LENGTH: Final = re.compile(r".*\((\d+)\)")
_PRECISION: Final = re.compile(r"(?:NUMERIC|DECIMAL|DEC|NUMBER).*?\((\d+)(?:,\s*(\d+))?\).*")
_MEMBER: Final = r'"[A-Za-z_][A-Za-z0-9_]{0,23}": '
_SCALAR: Final = r'("[A-Za-z0-9 _.@-]{0,40}"|-?(0|[1-9][0-9]{0,6})(\.[0-9]{1,3})?|true|false|null)'
_TERMINALS: Final = {
    # Engines read JSON when they prepare a statement.
    "JSON_STRING": rf"/'(\{{({_MEMBER}{_SCALAR}(, {_MEMBER}{_SCALAR}){{0,7}})?\}}"
    rf"|\[({_SCALAR}(, {_SCALAR}){{0,7}})?\])'/",
    "CLOCK_STRING": r"/'([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?'/",
    "UUID_STRING": r"/'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'/",
    "YEAR_NUMBER": "/19[1-9][0-9]|20[0-9]{2}/",
    "BIT_NUMBER": "/[01]/",
}


@dataclass(frozen=True)
class WrittenColumn:
    """A column as statements that write see it."""

    name: str
    letter: str
    type: str
    values: tuple[str, ...] = ()
    has_number_values: bool = False
    is_nullable: bool = True
    is_generated: bool = False
    is_key: bool = False


def written_columns(table: Table, dialect: Dialect) -> tuple[WrittenColumn, ...]:
    """Return all columns of a table; those that are generated cannot be written."""
    return tuple(
        WrittenColumn(
            column.name,
            value_class(column.type, dialect),
            column.type,
            column.values,
            column.has_number_values,
            not column.not_null and column.name not in table.primary_key,
            column.is_generated,
            column.name in table.primary_key,
        )
        for column in table.columns
    )


class Literals:
    """Writes the literals of columns; those of equal content share one terminal."""

    def __init__(self, assembly: Assembly) -> None:
        self._terminals = assembly.terminals
        self._dialect = assembly.manner.dialect
        self._named: dict[str, str] = {}
        for name, body in _TERMINALS.items():
            self._terminals.define(name, body)

    def of(self, column: WrittenColumn) -> list[str]:
        """Return the bodies of what the column takes, without NULL; none where nothing is known."""
        if column.values:
            return [self.share(any_of(written_values(column, self._dialect.name)))]
        if column.letter in "DSB":
            found = self.of_class(column.letter)
            is_free = self._dialect.name == "sqlite" and column.letter in "DS"
            return [*found, "SHORT"] if is_free else found
        return {
            "X": self._numbers,
            "N": lambda _: ["NUM"],
            "T": self._texts,
            "J": lambda _: ["JSON_STRING"],
            "U": lambda one: ["JSON_STRING"] if one.type == "JSON" else [],
            "O": self._others,
        }[column.letter](column)

    def of_class(self, letter: str) -> list[str]:
        """Return the literals of dates, timestamps and booleans, and the calls that tell the time.

        A date alone is no timestamp here, and a timestamp no date.
        """
        if letter == "B":
            has_numbers = self._dialect.name in ("sqlite", "mysql")
            return ["BOOL", "BIT_NUMBER"] if has_numbers else ["BOOL"]
        found = ["DATE_STRING" if letter == "D" else "TIMESTAMP_STRING"]
        if letter in self._dialect.literals:
            found.append(self._dialect.literals[letter])
        for call in self._dialect.calls:
            is_now = not call.arguments or call.arguments == "NOW"
            if call.result == letter and is_now:
                found.append(self._terminals.call(call.names, call.arguments))
        found += [
            text
            for form in self._dialect.forms
            if form.result == letter and "{" not in form.text
            for text in form.text.split(" | ")
            if text != '"CURRENT_TIME"'
        ]
        return found

    def text(self, length: int) -> str:
        """Name the strings of at most so many characters."""
        return self.share(self._terminals.text_of(min(length, _LONGEST)))

    def _numbers(self, column: WrittenColumn) -> list[str]:
        name = column.type.split("(")[0]
        if name == "YEAR":
            return ["YEAR_NUMBER"]
        if name == "BIT":
            return ["BIT_NUMBER"]
        precise = _PRECISION.fullmatch(column.type)
        if precise:
            scale = int(precise[2] or 0)
            return [self.share(_decimal(int(precise[1]) - scale, scale))]
        if not re.search("INT|SERIAL|LONG|SHORT|SIGNED", name):
            return ["NUM"]
        if re.search("TINY|INT1$", name):
            digits = 2
        elif re.search("SMALL|INT2|SHORT", name):
            digits = 4
        else:
            digits = 12 if re.search("BIG|INT8|HUGE|LONG", name) else 9
        is_unsigned = "UNSIGNED" in name or re.match("U(TINY|SMALL|BIG|HUGE|INT)", name)
        sign = "" if is_unsigned else "-?"
        return [self.share(f"/{sign}(0|[1-9][0-9]{{0,{digits - 1}}})/")]

    def _texts(self, column: WrittenColumn) -> list[str]:
        declared = _LENGTH.fullmatch(column.type)
        return [self.text(int(declared[1]) if declared else _LONGEST)]

    def _others(self, column: WrittenColumn) -> list[str]:
        name = column.type.split("(")[0]
        if self._dialect.name == "sqlite" and name in ("", "BLOB"):
            return ["NUM", "SHORT"]
        if name in ("TIME", "TIME WITHOUT TIME ZONE"):
            return ["CLOCK_STRING"]
        if name == "UUID":
            return ["UUID_STRING"]
        if name == "INTERVAL" and "O" in self._dialect.literals:
            return [self._dialect.literals["O"]]
        is_text = self._dialect.name in ("sqlite", "ansi") or "BLOB" in name
        return ["SHORT"] if is_text and self._dialect.name != "duckdb" else []

    def share(self, body: str) -> str:
        """Name the terminal of a body; the same for equal ones."""
        if body not in self._named:
            name = f"W{len(self._named)}_"
            self._named[body] = self._terminals.define(name, body)
        return self._named[body]


def written_values(column: WrittenColumn, dialect: str) -> tuple[str, ...]:
    """Return the closed list of a column's values as SQL."""
    if column.has_number_values:
        return column.values
    return tuple(quote_string(value, dialect) for value in column.values)


def _decimal(whole: int, scale: int) -> str:
    digits = f"(0|[1-9][0-9]{{0,{min(whole, 12) - 1}}})" if whole > 0 else "0"
    return f"/-?{digits}" + (rf"(\.[0-9]{{1,{scale}}})?/" if scale else "/")
