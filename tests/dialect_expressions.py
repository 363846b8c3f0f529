"""The facts of a dialect to expressions in SQL, for tests that ask its engine about each of them.

`Expressions(dialect, operands)` draws texts of calls and forms: for every class the operands that
it is given (columns, literals), for every terminal strings of its pattern. What it draws depends on
the facts alone, so a test asks the same each time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as patterns  # type: ignore[attr-defined]
from typing import Any

from sqlstrictd.dialects.facts import Call, Dialect, Form

# The terminals that the grammars have of themselves.
OF_THE_GRAMMAR = {"INT": "/0|-?[1-9][0-9]?/", "SHORT": "/'[a-z ,%_]{0,8}'/"}
ONCE_MORE = 3  # how often `*` lets an argument stand again
TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<pattern>/(?:[^/\\]|\\.)+/)|(?P<name>[A-Za-z_]+)"""
    r"""|(?P<operand>\{[A-Z]\})|(?P<mark>[()|?]))"""
)


class Expressions:
    """Draws expressions of a dialect from operands by class.

    The first operand of a call is one of `first`, where that is given.
    """

    def __init__(
        self,
        dialect: Dialect,
        operands: Mapping[str, Sequence[str]],
        first: Mapping[str, Sequence[str]] | None = None,
        draws: int = 30,
    ) -> None:
        self.dialect = dialect
        self.terminals = {**OF_THE_GRAMMAR, **dialect.terminals}
        self._operands = operands
        self._first = first or operands
        self._draws = draws

    def of_call(self, call: Call) -> Iterator[tuple[str, str]]:
        """Yield the texts of a call with each of its names, each with the class of its result."""
        for name in call.names.split():
            seen = set()
            for number in range(self._draws):
                chance = random.Random(f"{name} {call.arguments} {number}")
                drawn = self._call(call, name, chance)
                if drawn not in seen:
                    seen.add(drawn)
                    yield drawn

    def of_form(self, form: Form) -> Iterator[tuple[str, str]]:
        """Yield texts of a form, each with the class of its result."""
        for text in self.of_rule(form.text):
            yield text, form.result

    def of_rule(self, body: str) -> Iterator[str]:
        """Yield texts of the body of a rule."""
        tree = parse_rule(body)
        seen = set()
        for number in range(self._draws * 3):
            text = self._rule(tree, random.Random(f"{body} {number}"))
            if text not in seen:
                seen.add(text)
                yield text

    def _call(self, call: Call, name: str, chance: random.Random) -> tuple[str, str]:
        given = call.arguments.split()
        alone = "K*" not in given and sum(code.rstrip("?") == "K" for code in given) < 2
        comparable = chance.choice(self._comparable(alone))
        if "L" in given and "K" in given:
            comparable = "T"  # the arrays at hand are of texts
        arguments: list[str] = []
        operands = self._first
        for code in given:
            plain = code.rstrip("?*")
            if "?" in code and chance.random() < 0.4:
                break
            times = 1 + chance.randint(0, ONCE_MORE) if "*" in code else 1
            letter = comparable if plain == "K" else plain
            arguments += [self._argument(letter, operands, chance) for _ in range(times)]
            if len(letter) == 1:
                operands = self._operands
        result = comparable if call.result == "K" else call.result
        return f"{name}({', '.join(arguments)})", result

    def _comparable(self, alone: bool) -> list[str]:
        """Return the classes that K may stand for; O only where nothing is compared with it."""
        return [c for c in self._operands if c in ("XNTDSBJO" if alone else "XNTDSBJ")]

    def _argument(
        self, code: str, operands: Mapping[str, Sequence[str]], chance: random.Random
    ) -> str:
        if code == "E":
            return chance.choice([o for c in operands for o in operands[c]])
        if len(code) == 1:
            return chance.choice(operands[code])
        return self._rule(parse_rule(self.terminals[code]), chance)

    def _rule(self, node: Any, chance: random.Random) -> str:
        kind, value = node
        if kind == "text":
            return str(value)
        if kind == "pattern":
            return draw(value, chance)
        if kind == "operand":
            return chance.choice(self._operands[value])
        if kind == "name":
            return self._rule(parse_rule(self.terminals[value]), chance)
        if kind == "maybe":
            return self._rule(value, chance) if chance.random() < 0.6 else ""
        if kind == "choice":
            return self._rule(chance.choice(value), chance)
        return "".join(self._rule(part, chance) for part in value)


@cache
def parse_rule(body: str) -> Any:
    """Read the body of a rule or terminal: a tree of (kind, value).

    Raises:
        ValueError: it is not of the small language that facts are written in.
    """
    tokens: list[tuple[str, str]] = []
    at = 0
    while at < len(body.rstrip()):
        match = TOKEN.match(body, at)
        if match is None:
            raise ValueError(f"cannot read {body[at:]!r}")
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    tree, rest = _choice(tokens)
    if rest:
        raise ValueError(f"too much in {body!r}: {rest}")
    return tree


def _choice(tokens: list[tuple[str, str]]) -> tuple[Any, list[tuple[str, str]]]:
    ways = []
    while True:
        parts: list[Any] = []
        while tokens and tokens[0] not in (("mark", "|"), ("mark", ")")):
            (kind, text), *tokens = tokens
            if kind == "text":
                part: Any = ("text", text[1:-1].replace('\\"', '"').replace("\\\\", "\\"))
            elif kind == "pattern":
                part = ("pattern", text[1:-1])
            elif kind == "operand":
                part = ("operand", text[1])
            elif kind == "name":
                part = ("name", text)
            elif text == "(":
                part, tokens = _choice(tokens)
                if not tokens or tokens.pop(0) != ("mark", ")"):
                    raise ValueError("a parenthesis is not closed")
            else:
                raise ValueError("a question mark after nothing")
            if tokens and tokens[0] == ("mark", "?"):
                part, tokens = ("maybe", part), tokens[1:]
            parts.append(part)
        ways.append(("all", tuple(parts)))
        if not tokens or tokens[0] != ("mark", "|"):
            break
        tokens = tokens[1:]
    return (ways[0] if len(ways) == 1 else ("choice", tuple(ways))), tokens


def draw(pattern: str, chance: random.Random) -> str:
    """Draw a string that a regular expression matches as a whole."""
    text = "".join(_drawn(part, chance) for part in patterns.parse(pattern))
    assert re.fullmatch(pattern, text), (pattern, text)
    return text


def _drawn(part: Any, chance: random.Random) -> str:
    code, value = part
    if code is codes.LITERAL:
        return chr(value)
    if code is codes.NOT_LITERAL:
        return "x"
    if code is codes.IN:
        return _one_of(value, chance)
    if code is codes.BRANCH:
        return "".join(_drawn(p, chance) for p in chance.choice(value[1]))
    if code is codes.SUBPATTERN:
        return "".join(_drawn(p, chance) for p in value[3])
    if code in (codes.MAX_REPEAT, codes.MIN_REPEAT):
        low, high, inner = value
        high = min(high, low + 8)
        times = chance.choice((low, high, chance.randint(low, high)))
        return "".join(_drawn(p, chance) for _ in range(times) for p in inner)
    raise ValueError(f"no way to draw {part}")


def _one_of(members: list[Any], chance: random.Random) -> str:
    code, value = chance.choice([m for m in members if m[0] is not codes.NEGATE])
    if members[0][0] is codes.NEGATE:
        return "x"
    if code is codes.RANGE:
        return chr(chance.randint(*value))
    if code is codes.LITERAL:
        return chr(value)
    raise ValueError(f"no way to draw {code}")
