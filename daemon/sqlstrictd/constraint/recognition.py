"""Text to the lexemes of it, where the rules of a scope let it be written; None where they do not.

So an expression that somebody wrote can be offered again as it is: in scope and of the right type,
for the grammar itself would write it. Rules are read as `template.py` has them. Alternatives are
tried without going back into a terminal, as the lexer behind the grammar does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

_PART = re.compile(
    r'\s*("(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|[A-Za-z_][A-Za-z0-9_@~]*|\{\d+(?:,\d+)?\}|[()|?*+])'
)
_MAX_TEXT = 400
_MAX_REPEATS = 16

Ends = Mapping[int, tuple[str, ...]]  # where a match may end, with its lexemes


@dataclass(frozen=True)
class _Node:
    """A part of a rule's body: `kind` is literal, regex, name, sequence, either or repeat."""

    kind: str
    text: str = ""
    parts: tuple[_Node, ...] = ()
    least: int = 1
    most: int = 1


class Recognition:
    """Holds the rules of one scope, by name with `@` for its label, and the terminals."""

    def __init__(
        self, rules: Mapping[str, Iterable[str]], terminals: Mapping[str, str], text: str
    ) -> None:
        self._rules = rules
        self._terminals = terminals
        self._text = text
        self._known: dict[tuple[str, int], Ends] = {}

    def lexemes(self, rule: str) -> tuple[str, ...] | None:
        """Return the lexemes of the whole text as the rule writes it."""
        if len(self._text) > _MAX_TEXT:
            return None
        return self._named(rule, 0).get(len(self._text))

    def _named(self, name: str, at: int) -> Ends:
        key = (name, at)
        if key not in self._known:
            self._known[key] = {}  # a rule that begins with itself leads nowhere
            found: dict[int, tuple[str, ...]] = {}
            for body in self._rules.get(name, ()):
                found = {**self._match(_parse(body), at), **found}
            if name in self._terminals:
                ends = self._match(_parse(self._terminals[name]), at)
                if ends:  # the longest alone
                    found[max(ends)] = (self._text[at : max(ends)],)
            self._known[key] = found
        return self._known[key]

    def _match(self, node: _Node, at: int) -> Ends:
        if node.kind == "literal":
            is_here = self._text.startswith(node.text, at)
            return {at + len(node.text): (node.text,)} if is_here else {}
        if node.kind == "regex":
            match = _compiled(node.text).match(self._text, at)
            return {match.end(): (match.group(),)} if match else {}
        if node.kind == "name":
            return self._named(node.text, at)
        if node.kind == "either":
            found: dict[int, tuple[str, ...]] = {}
            for part in node.parts:
                found = {**self._match(part, at), **found}
            return found
        if node.kind == "sequence":
            return self._follow({at: ()}, node.parts)
        reached: dict[int, tuple[str, ...]] = {at: ()}
        found = dict(reached) if not node.least else {}
        for count in range(1, min(node.most, _MAX_REPEATS) + 1):
            reached = dict(self._follow(reached, node.parts))
            if count >= node.least:
                found = {**reached, **found}
        return found

    def _follow(self, starts: Ends, parts: tuple[_Node, ...]) -> Ends:
        for part in parts:
            reached: dict[int, tuple[str, ...]] = {}
            for start, before in starts.items():
                for end, lexemes in self._match(part, start).items():
                    reached.setdefault(end, before + lexemes)
            starts = reached
        return starts


@lru_cache(maxsize=20_000)
def _parse(body: str) -> _Node:
    """Read a rule's body; what is more than a terminal's plain pattern matches nothing."""
    tokens, at = [], 0
    while at < len(body.rstrip()):
        match = _PART.match(body, at)
        if match is None:
            return _Node("either")
        tokens.append(match.group(1))
        at = match.end()
    node, rest = _either(tokens)
    return node if not rest else _Node("either")


def _either(tokens: list[str]) -> tuple[_Node, list[str]]:
    parts: list[_Node] = []
    sequence: list[_Node] = []
    while tokens and tokens[0] != ")":
        token, tokens = tokens[0], tokens[1:]
        if token == "|":
            parts.append(_Node("sequence", parts=tuple(sequence)))
            sequence = []
            continue
        if token == "(":
            node, tokens = _either(tokens)
            tokens = tokens[1:]
        elif token[0] == '"':
            node = _Node("literal", json.loads(token))
        elif token[0] == "/":
            node = _Node("regex", token[1:-1].replace(r"\/", "/"))
        else:
            node = _Node("name", token)
        if tokens and (tokens[0] in "?*+" or tokens[0][0] == "{"):
            node = _repeat(node, tokens[0])
            tokens = tokens[1:]
        sequence.append(node)
    parts.append(_Node("sequence", parts=tuple(sequence)))
    return (parts[0] if len(parts) == 1 else _Node("either", parts=tuple(parts))), tokens


def _repeat(node: _Node, how: str) -> _Node:
    if how[0] == "{":
        least, _, most = how[1:-1].partition(",")
        return _Node("repeat", "", (node,), int(least), int(most or least))
    return _Node("repeat", "", (node,), int(how == "+"), 1 if how == "?" else _MAX_REPEATS)


@lru_cache(maxsize=1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
