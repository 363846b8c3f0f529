"""DuckDB's types made of types (STRUCT, MAP, UNION, lists), written anew part by part.

`engine_types.py` calls it with a function that writes a plain type. What is not understood is
handed to that function whole, so nothing of the user's text goes through as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

# Deeper ones are taken for a plain type.
_MOST_LEVELS: Final = 20
_BRACKETS: Final = re.compile(r"(\[\d*\])+\Z")
_NESTED: Final = re.compile(r"(STRUCT|MAP|UNION|ROW)\((.*)\)", re.DOTALL)
_FIELD: Final = re.compile(r'("(?:[^"]|"")*"|\w+) (.+)', re.DOTALL)


def rewrite_nested(declared: str, write_plain: Callable[[str], str], level: int = 0) -> str:
    """Write a type with every part of it by `write_plain`, and the names of fields in quotes."""
    brackets = _BRACKETS.search(declared)
    suffix = brackets[0] if brackets else ""
    base = declared.removesuffix(suffix)
    nested = _NESTED.fullmatch(base)
    if nested is None or level == _MOST_LEVELS:
        return write_plain(base) + suffix
    parts = _split(nested[2])
    if nested[1] == "MAP":
        if len(parts) != 2:
            return write_plain(base) + suffix
        inner = [rewrite_nested(part, write_plain, level + 1) for part in parts]
        return f"MAP({', '.join(inner)}){suffix}"
    fields = []
    for part in parts:
        field = _FIELD.fullmatch(part)
        if field is None:
            return write_plain(base) + suffix
        name = field[1] if field[1].startswith('"') else f'"{field[1]}"'
        fields.append(f"{name} {rewrite_nested(field[2], write_plain, level + 1)}")
    kind = "UNION" if nested[1] == "UNION" else "STRUCT"
    return f"{kind}({', '.join(fields)}){suffix}"


def _split(text: str) -> list[str]:
    """Cut at the commas that stand in no parentheses and no quotes."""
    parts = [""]
    level = 0
    in_quotes = False
    for character in text:
        in_quotes ^= character == '"'
        if not in_quotes:
            level += (character == "(") - (character == ")")
        if character == "," and level == 0 and not in_quotes:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]
