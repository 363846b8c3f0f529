"""What a command writes: the result on stdout, everything else on stderr, JSON when asked for.

Text of databases and schemas may hold terminal escapes; whatever a person reads goes through
`visible`. What a program reads is left as it is.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

# A cell of a table is cut there, so that one long text does not push the rest off the screen.
MAX_CELL_WIDTH = 60
# Of a line that an error points into, this many characters around the place are shown.
MAX_LINE = 100


class Console:
    """The two streams of a command."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json

    def result(self, text: str) -> None:
        """Write a line of the result; as it is, unless a person at a terminal reads it."""
        print(visible(text) if sys.stdout.isatty() else text)

    def json(self, value: Any) -> None:
        """Write one line of JSON; dataclasses become objects."""
        print(as_json(value), flush=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write rows under their columns, numbers to the right."""
        for line in format_table(columns, rows):
            print(line)

    def note(self, text: str) -> None:
        """Write to stderr what is not the result."""
        print(visible(text), file=sys.stderr)

    def draft(self, text: str) -> None:
        """Write a piece of a draft to stderr, where a person at a terminal sees it grow."""
        if sys.stderr.isatty():
            print(visible(text), end="", file=sys.stderr, flush=True)

    def fail(self, message: str, **details: Any) -> None:
        """Write an error to stderr, as a JSON object when JSON was asked for."""
        if self.is_json:
            print(as_json({"error": {"message": message, **details}}), file=sys.stderr)
        else:
            print(f"sqlstrict: {visible(message)}", file=sys.stderr)


def read_stdin() -> bytes:
    """Return all of standard input."""
    return sys.stdin.buffer.read()


def as_json(value: Any) -> str:
    """Return one line of JSON that every parser takes."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def format_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """Return the lines of a table: names, dashes, rows."""
    kept = [list(row) for row in rows]
    cells = [[_cell(name) for name in columns], *([_cell(item) for item in row] for row in kept)]
    widths = [max(width(row[index]) for row in cells) for index in range(len(columns))]
    is_number = [
        bool(kept) and all(isinstance(row[index], int | float) for row in kept)
        for index in range(len(columns))
    ]

    def line(row: Sequence[str]) -> str:
        padded = []
        for cell, full, to_right in zip(row, widths, is_number, strict=True):
            blanks = " " * (full - width(cell))
            padded.append(blanks + cell if to_right else cell + blanks)
        return "  ".join(padded).rstrip()

    dashes = ["-" * full for full in widths]
    return [line(cells[0]), line(dashes), *(line(row) for row in cells[1:])]


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        text = f"x'{value[:MAX_CELL_WIDTH].hex()}'"
    else:
        text = visible(str(value)).replace("\n", "\\n").replace("\t", "\\t")
    if width(text) <= MAX_CELL_WIDTH:
        return text
    text = text[:MAX_CELL_WIDTH]
    while width(text) >= MAX_CELL_WIDTH:
        text = text[:-1]
    return text + "…"


def point(text: str, line: int, column: int) -> list[str]:
    """Return a line of the user's own text and a caret under a column of it.

    Line and column count from 1; nothing is returned for a place outside the text.
    """
    # Not splitlines, which ends lines at characters where the daemon does not.
    lines = re.split(r"\r\n|\r|\n", text)
    if not 1 <= line <= len(lines):
        return []
    # What ends up on several lines of a terminal has no column to point at: long lines are cut.
    first = max(column - 1 - MAX_LINE // 2, 0)
    start = "…" if first else ""
    shown_part = lines[line - 1][first : first + MAX_LINE]
    end = "…" if first + MAX_LINE < len(lines[line - 1]) else ""
    shown = ["    " + visible((start + shown_part).expandtabs(4)) + end]
    if column >= 1:
        before = visible((start + shown_part[: column - 1 - first]).expandtabs(4))
        shown.append("    " + " " * width(before) + "^")
    return shown


def visible(text: str) -> str:
    """Return text with control characters, but line ends and tabs, written as escapes."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in "\n\t"
        else character
        for character in text
    )


def width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    return sum(
        0
        if unicodedata.combining(character)
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )
