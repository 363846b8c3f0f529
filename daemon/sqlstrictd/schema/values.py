"""The condition of a CHECK -> the columns that it keeps to a closed list, with their lists.

`create.py` and `column.py` hand over the tokens between the parentheses. Known forms: `x IN (...)`,
`x = 'a' OR x = 'b'`, and `x = ANY (ARRAY[...])` with casts, as PostgreSQL writes both of them.
Anything else says nothing here; no condition is ever an error, and none is evaluated.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import ScanError, Token, scan

MAX_VALUES: Final = 256
MAX_VALUE_LENGTH: Final = 200

# Conditions longer or deeper than this are no lists of values.
_MOST_TOKENS: Final = 3_000
_MOST_LEVELS: Final = 40
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_NUMBER_TYPES: Final = frozenset(
    "INT INT2 INT4 INT8 INTEGER SMALLINT BIGINT NUMERIC DECIMAL REAL DOUBLE FLOAT".split()
)
_JOINERS: Final = "\u200c\u200d"

Tokens = Sequence[Token]


@dataclass(frozen=True, slots=True)
class ClosedList:
    """The values that a column may have, and whether they are all numbers."""

    column: str  # folded
    values: tuple[str, ...]
    is_numbers: bool = False


@dataclass(frozen=True, slots=True)
class Literals:
    """How strings are read here: their escapes, and whether double quotes make one."""

    value_of: Callable[[Token], str]
    has_double_quotes: bool = False

    def read(self, token: Token) -> str | None:
        """Return the text of a string, None where the token is none."""
        is_string = token.kind == "string" and token.text[0] not in "bBxX"
        if is_string or (self.has_double_quotes and token.text.startswith('"')):
            return self.value_of(token)
        return None


def closed_lists(condition: Tokens, literals: Literals) -> list[ClosedList]:
    """Return the closed list of each column that the condition keeps to one."""
    if len(condition) > _MOST_TOKENS:
        return []
    found = _Reader(literals).read(condition, 0)
    return [
        closed
        for column, values in found.items()
        if (closed := _close(column, [value for value in values if value is not None])) is not None
    ]


def can_be_shown(values: Sequence[str]) -> bool:
    """Whether a list is short enough to be kept, and no value of it has an invisible character."""
    return len(values) <= MAX_VALUES and all(
        len(value) <= MAX_VALUE_LENGTH and not any(map(_is_hidden, value)) for value in values
    )


def _is_hidden(character: str) -> bool:
    if character in _JOINERS:
        return False
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    is_number: bool


def _close(column: str, values: list[_Value]) -> ClosedList | None:
    texts = tuple(dict.fromkeys(value.text for value in values))
    kinds = {value.is_number for value in values}
    if len(kinds) != 1 or not can_be_shown(texts):
        return None
    return ClosedList(column, texts, kinds == {True})


# The values that a condition leaves to each column; None among them stands for NULL.
_Found = dict[str, list[_Value | None]]


class _Reader:
    def __init__(self, literals: Literals) -> None:
        self._literals = literals

    def read(self, tokens: Tokens, level: int) -> _Found:
        tokens = _strip(tokens)
        if level > _MOST_LEVELS or not tokens:
            return {}
        if any(token.is_word("BETWEEN", "CASE") for _, token in _outside(tokens)):
            return {}  # an AND in these joins no conditions
        either = _split(tokens, "OR")
        if len(either) > 1:
            return _unite([self.read(part, level + 1) for part in either])
        both = _split(tokens, "AND")
        if len(both) > 1:
            result: _Found = {}
            for part in both:
                for column, values in self.read(part, level + 1).items():
                    result.setdefault(column, values)
            return result
        return self._read_comparison(tokens)

    def _read_comparison(self, tokens: Tokens) -> _Found:
        for index, token in _outside(tokens):
            if token.is_symbol("=") or token.is_symbol("=="):
                left, right = tokens[:index], tokens[index + 1 :]
                column = _column(left)
                if column is not None:
                    return _found(column, self._read_right(right))
                value = self._read_value(left)
                column = _column(right)
                if column is not None and value is not None:
                    return {column: [value]}
                return {}
            if token.is_word("IN", "IS"):
                column = _column(tokens[:index])
                right = tokens[index + 1 :]
                if column is None:
                    return {}
                if token.is_word("IN"):
                    return _found(column, self._read_list(right))
                is_null = len(right) == 1 and right[0].is_word("NULL")
                return {column: [None]} if is_null else {}
        return {}

    def _read_right(self, tokens: Tokens) -> list[_Value | None] | None:
        if not tokens[:1] or not tokens[0].is_word("ANY"):
            value = self._read_value(tokens)
            return None if value is None else [value]
        inner = _strip(_uncast(tokens[1:])[0])
        if len(inner) == 2 and inner[0].is_word("ARRAY") and inner[1].text[0] == "[":
            try:
                return self._read_items(tuple(scan(inner[1].value)))
            except ScanError:
                return None
        return None

    def _read_list(self, tokens: Tokens) -> list[_Value | None] | None:
        inner = _strip(tokens)
        return self._read_items(inner) if len(inner) < len(tokens) else None

    def _read_items(self, tokens: Tokens) -> list[_Value | None] | None:
        values: list[_Value | None] = []
        for part in _split(tokens, ","):
            if len(part) == 1 and part[0].is_word("NULL"):
                values.append(None)
                continue
            value = self._read_value(part)
            if value is None:
                return None
            values.append(value)
        return values

    def _read_value(self, tokens: Tokens) -> _Value | None:
        tokens, type_word = _uncast(tokens)
        if len(tokens) == 2 and tokens[0].kind == "word" and tokens[0].text.startswith("_"):
            tokens = tokens[1:]  # MySQL names the character set before a string
        sign = ""
        if len(tokens) == 2 and tokens[0].kind == "symbol" and tokens[0].text in "+-":
            sign = tokens[0].text.replace("+", "")
            tokens = tokens[1:]
        if len(tokens) != 1:
            return None
        if tokens[0].kind == "number":
            text = sign + tokens[0].text
            return _Value(text, True) if _NUMBER.fullmatch(text) else None
        value = self._literals.read(tokens[0])
        if value is None or sign:
            return None
        return _Value(value, type_word in _NUMBER_TYPES and bool(_NUMBER.fullmatch(value)))


def _found(column: str, values: list[_Value | None] | None) -> _Found:
    return {} if values is None else {column: values}


def _unite(parts: list[_Found]) -> _Found:
    """What is left where any one of the parts holds: only columns that every part names."""
    columns = set(parts[0]).intersection(*parts[1:])
    return {column: [value for part in parts for value in part[column]] for column in columns}


def _column(tokens: Tokens) -> str | None:
    tokens = _uncast(tokens)[0]
    if len(tokens) == 3 and tokens[1].is_symbol("."):
        tokens = tokens[2:]
    if len(tokens) != 1 or tokens[0].kind not in ("word", "quoted"):
        return None
    return fold(tokens[0].value)


def _uncast(tokens: Tokens) -> tuple[Tokens, str]:
    """Take casts and parentheses off; returns the first word of the innermost type too."""
    type_word = ""
    while True:
        tokens = _strip(tokens)
        first = next((index for index, token in _outside(tokens) if token.text == "::"), None)
        if first is None:
            return tokens, type_word
        after = tokens[first + 1 :]
        if any(token.kind == "string" for token in after):
            return tokens, type_word
        type_word = next((token.value.upper() for token in after if token.kind == "word"), "")
        tokens = tokens[:first]


def _strip(tokens: Tokens) -> Tokens:
    """Take off parentheses that stand around the whole."""
    closing: dict[int, int] = {}
    opened: list[int] = []
    for index, token in enumerate(tokens):
        if token.is_symbol("("):
            opened.append(index)
        elif token.is_symbol(")") and opened:
            closing[opened.pop()] = index
    first, last = 0, len(tokens) - 1
    while first < last and closing.get(first) == last:
        first, last = first + 1, last - 1
    return tokens[first : last + 1]


def _outside(tokens: Tokens) -> Iterator[tuple[int, Token]]:
    """The tokens that stand in no parentheses, with their places."""
    level = 0
    for index, token in enumerate(tokens):
        if token.is_symbol("("):
            level += 1
        elif token.is_symbol(")"):
            level -= 1
        elif level == 0:
            yield index, token


def _split(tokens: Tokens, separator: str) -> list[Tokens]:
    """Cut tokens at a keyword or symbol that stands in no parentheses."""
    parts: list[Tokens] = []
    start = 0
    for index, token in _outside(tokens):
        if token.is_word(separator) or token.is_symbol(separator):
            parts.append(tokens[start:index])
            start = index + 1
    return [*parts, tokens[start:]]
