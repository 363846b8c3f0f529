"""Rules of one scope as a template: written once per dialect, then copied for every scope.

A template is a list of rules whose names hold `@` where a scope's label goes. Scopes differ in
which classes of columns they have; `prune` takes out what cannot be written without those that are
missing, and what nothing needs any more. Text in, text out: it knows no SQL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

# What a rule's body refers to: names in lower case, outside of literals and regular expressions.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|/(?:[^/\\]|\\.)*/|\b([a-z][a-z0-9_@~]*)')

Rules = list[tuple[str, tuple[str, ...]]]


class Template:
    """Collects rules in order; the alternatives given for one name at several times add up."""

    def __init__(self) -> None:
        self._rules: dict[str, dict[str, None]] = {}

    def add(self, name: str, *alternatives: str) -> None:
        """Add alternatives to a rule."""
        self._rules.setdefault(name, {}).update(dict.fromkeys(filter(None, alternatives)))

    def rules(self) -> Rules:
        """Return the rules with at least one alternative."""
        return [(name, tuple(found)) for name, found in self._rules.items() if found]


def prune(rules: Rules, given: Iterable[str], roots: Iterable[str]) -> Rules:
    """Return the rules that the roots need and that can be written.

    `given` names the rules that exist elsewhere. An alternative that needs a rule which neither
    exists nor is given falls away, and a rule whose last alternative falls away does so as well.
    """
    known = set(given)
    alive = {name: list(alternatives) for name, alternatives in rules}
    changed = True
    while changed:
        changed = False
        for name in list(alive):
            kept = [
                text
                for text in alive[name]
                if all(one in known or one in alive for one in references(text))
            ]
            if len(kept) < len(alive[name]):
                changed = True
                if kept:
                    alive[name] = kept
                else:
                    del alive[name]
    needed: set[str] = set()
    pending = [name for name in roots if name in alive]
    while pending:
        name = pending.pop()
        if name not in needed:
            needed.add(name)
            for text in alive[name]:
                pending += [one for one in references(text) if one in alive]
    return [(name, tuple(alive[name])) for name, _ in rules if name in needed]


@lru_cache(maxsize=50_000)
def references(text: str) -> tuple[str, ...]:
    """Return the names of the rules that a body refers to."""
    return tuple(dict.fromkeys(name for name in _TOKEN.findall(text) if name))


def write(rules: Rules) -> str:
    """Write rules as lines of Lark."""
    return "".join(f"{name}: {' | '.join(alternatives)}\n" for name, alternatives in rules)
