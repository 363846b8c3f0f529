"""The terminals of a grammar: literals, operators and keywords as one dialect writes them.

The lexer behind the grammar is greedy and never goes back: where two terminals may stand, none may
be the beginning of the other and then go on in a way of its own. So blanks stand inside keywords
(" WHERE "), and a qualified name is two terminals, the qualifier with its dot and the column.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from sqlstrictd.dialects.facts import Dialect

# What may stand in a string: no control characters, no invisible ones that turn the text's
# direction or end its line.
_CHARACTER = (
    r"[^'\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeffBACKSLASH]"
)

_FIXED = {
    "NUM": r"/-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?/",
    "SIZE": r"/(0|[1-9][0-9]{0,5})(\.[0-9]{1,3})?/",
    "WHOLE": r"/-?(0|[1-9][0-9]{0,7})/",
    "INT": r"/[1-9][0-9]{0,2}/",
    "COUNT": r"/0|[1-9][0-9]{0,5}/",
    "BOOL": '"TRUE" | "FALSE"',
    "OPX": r"/ (\+|-|\*) /",
    "PLUSMINUS": r"/ (\+|-) /",
    "CAT": '" || "',
    "EQ": "/ (=|<>|!=) /",
    "CMP": "/ (=|<>|!=|<=|>=|<|>) /",
    "AO": "/ (AND|OR) /",
    "IN": r"/ (NOT )?IN \(/",
    "LIKE": "/ (NOT )?LIKE /",
    "BETWEEN": "/ (NOT )?BETWEEN /",
    "ISNULL": "/ IS (NOT )?NULL/",
    "EXISTS": r"/(NOT )?EXISTS ?\(/",
    "DISTINCT": '"DISTINCT "',
    "WAY": "/ (ASC|DESC)/",
    "NULLS": "/ NULLS (FIRST|LAST)/",
    "FRAME": r"/ (ROWS|RANGE) (UNBOUNDED PRECEDING|BETWEEN UNBOUNDED PRECEDING AND (CURRENT ROW|"
    r"UNBOUNDED FOLLOWING))| ROWS [1-9][0-9]? PRECEDING| ROWS BETWEEN [1-9][0-9]? PRECEDING AND"
    r" (CURRENT ROW|[1-9][0-9]? FOLLOWING)/",
}
_USED = re.compile(r'"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|\b([A-Z][A-Z0-9_]*)\b')


def literal(text: str) -> str:
    """Write text as a literal of the grammar."""
    return json.dumps(text, ensure_ascii=False)


def any_of(words: Iterable[str]) -> str:
    """Write plain words as alternatives of the grammar."""
    return " | ".join(literal(word) for word in dict.fromkeys(words))


class Terminals:
    """Makes the terminals of one dialect, and hands out names for those made on the way."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.has_concat = dialect.has_text_concatenation
        backslash = "\\\\" if dialect.has_backslash_escapes else ""
        character = _CHARACTER.replace("BACKSLASH", backslash)
        self._bodies = dict(_FIXED)
        more = "" if dialect.is_typed else "|%"
        self._bodies["OP"] = rf"/ (\+|-|\*|\/{more}) /"
        self._character = character
        self._bodies["STR"] = self.text_of(60)
        self._bodies["SHORT"] = self.text_of(24)
        self._bodies["SETOP"] = any_of(f" {word} " for word in dialect.set_operators)
        self._bodies.update(dialect.terminals)
        self._calls: dict[str, str] = {}

    def literal(self, k: str, is_short: bool = False) -> str:
        """Name the literals of a class, by its rule suffix; empty where it has none."""
        text = "SHORT" if is_short else "STR"
        return {
            "v": f"(NUM | {text})",
            "n": "NUM",
            "x": "WHOLE",
            "t": text,
            "d": "DATE_STRING",
            "s": "TIMESTAMP_STRING",
            "b": "BOOL",
        }.get(k, "")

    def text_of(self, length: int) -> str:
        """Return the body of a terminal of strings of at most so many characters."""
        return f"/'({self._character}|''){{0,{length}}}'/"

    def copy(self) -> Terminals:
        """Return terminals to which more can be added without changing these."""
        other = Terminals(self.dialect)
        other._bodies = dict(self._bodies)
        other._calls = dict(self._calls)
        return other

    def call(self, names: str, arguments: str) -> str:
        """Write a call of one of several functions, parentheses included."""
        if not arguments:
            words = any_of(f"{name}()" for name in names.split())
            return f"({words})" if " " in names else words
        return f'{self._name(names)} {arguments} ")"'

    def _name(self, names: str) -> str:
        if names not in self._calls:
            self._calls[names] = f"FN{len(self._calls)}"
            self._bodies[self._calls[names]] = any_of(f"{name}(" for name in names.split())
        return self._calls[names]

    def types(self, letter: str, types: tuple[str, ...], is_typed: bool) -> str:
        """Name the types that CAST may name for a class; without classes, all types at once."""
        if not is_typed:
            found = [name for names in self.dialect.cast_types.values() for name in names]
            self._bodies["TYPE"] = any_of(found)
            return "TYPE"
        self._bodies[f"TYPE{letter}"] = any_of(types)
        return f"TYPE{letter}"

    def define(self, name: str, body: str) -> str:
        """Add a terminal of the caller's; return its name."""
        self._bodies[name] = body
        return name

    @property
    def bodies(self) -> Mapping[str, str]:
        """The bodies of all terminals, by name."""
        return self._bodies

    def write(self, text: str) -> str:
        """Write the terminals that the rules in the text use, and those that these use."""
        used: set[str] = set()
        pending = set(filter(None, _USED.findall(text)))
        while pending:
            used |= pending
            bodies = [self._bodies[name] for name in pending if name in self._bodies]
            pending = {n for body in bodies for n in _USED.findall(body) if n} - used
        return "".join(f"{n}: {body}\n" for n, body in self._bodies.items() if n in used)
