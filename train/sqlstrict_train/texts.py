"""Read the package's text files: words, domains, and the templates that questions are made of.

Called at import by the files of the generator. A file in `texts/` has sections, `[name]` alone on a
line; other lines are the section's entries in order; `#` begins a remark. Order matters: a seed
draws the same entries only while it stays.
"""

from __future__ import annotations

import re
from importlib.resources import files

Sections = dict[str, tuple[str, ...]]


def read_sections(name: str) -> Sections:
    """The sections of `texts/NAME.txt`, each the tuple of its lines."""
    text = (files(__package__) / "texts" / f"{name}.txt").read_text(encoding="utf-8")
    sections: dict[str, list[str]] = {}
    for line in text.splitlines():
        if heading := re.fullmatch(r"\[([a-z_ ]+)\]", line):
            sections[heading[1]] = []
        elif line and not line.startswith("#"):
            sections[next(reversed(sections))].append(line)
    return {name: tuple(lines) for name, lines in sections.items()}


def words_of(lines: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a section, blanks between them."""
    return tuple(" ".join(lines).split(" "))


def table_of(lines: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """The entries of a section of lines `key = one | two`."""
    pairs = (line.split(" = ") for line in lines)
    return {key: tuple(value.split(" | ")) for key, value in pairs}
