"""Scopes and statements to the text of a grammar: which scope may stand where.

Every scope may be the statement's own query, and those that do not refer to queries around them may
stand inside any other. `exact.py` and `draft.py` say which scopes there are, and what a statement
is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.recognition import Recognition
from sqlstrictd.constraint.rows import pairs_of
from sqlstrictd.constraint.scope_rules import (
    DEEPEST,
    label,
    lines,
    pruned,
    rules_by_name,
    terminals_of,
)
from sqlstrictd.constraint.terminals import any_of

# Scopes that may stand two queries deep; further ones stand one deep.
_DEEP_SCOPES = 3
# What is the same for all scopes; the rest of a scope's needs are its own rules.
_SHARED = frozenset({"limit", "interval"})


@dataclass
class _Entry:
    label: str
    own: Mapping[str, Iterable[str]]
    manner: Manner
    is_main: bool
    inside: tuple[str, ...]  # labels of scopes that it may stand in; empty for any
    is_inner: bool
    further: frozenset[str]
    written: frozenset[str] = field(default_factory=frozenset)
    text: str = ""


class Assembly:
    """Collects the scopes of one grammar and writes it."""

    def __init__(self, manner: Manner, vectors: tuple[str, ...]) -> None:
        self.manner = manner
        self.terminals = terminals_of(manner, DEEPEST, vectors)
        self._vectors = vectors
        self._entries: list[_Entry] = []
        self._lines: dict[str, list[str]] = {}

    def add_scope(
        self,
        name: str,
        own: Mapping[str, Iterable[str]],
        *,
        is_main: bool = True,
        is_inner: bool = True,
        inside: tuple[str, ...] = (),
        further: Iterable[str] = (),
    ) -> None:
        """Add a scope with its own rules, by name without the label.

        `inside` names the scopes whose columns it refers to; it then stands in those alone.
        `further` names rules that are needed though no query of the scope is.
        """
        self._entries.append(
            _Entry(name, own, self.manner, is_main, inside, is_inner, frozenset(further))
        )

    def add(self, name: str, *alternatives: str) -> None:
        """Add a rule that belongs to no scope."""
        self._lines.setdefault(name, []).extend(alternatives)

    def lexemes(
        self, text: str, own: Mapping[str, Iterable[str]], names: Iterable[str]
    ) -> tuple[str, tuple[str, ...]] | None:
        """Return the first of these rules that writes a text, and the text's lexemes.

        The rules are of a scope with these rules of its own; names go without the label.
        """
        rules = dict(rules_by_name(self.manner, DEEPEST, self._vectors))
        for name, bodies in own.items():
            rules[f"{name}_@"] = tuple(bodies)
        recognition = Recognition(rules, self.terminals.bodies, text)
        for name in names:
            found = recognition.lexemes(f"{name}_@")
            if found:
                return name, found
        return None

    def has(self, name: str, scope: str) -> bool:
        """Whether a scope has a rule, once `settle` was called."""
        entry = next(one for one in self._entries if one.label == scope)
        return f"{name}_@" in entry.written or f"{name}" in entry.own

    def stands(self, kind: str) -> bool:
        """Whether some query of a kind may stand inside of others, once `settle` was called."""
        return kind in self._lines

    def inner(self, kind: str, scope: str) -> str:
        """Name the rule of the queries of a kind that may stand in a scope; empty for none."""
        own = f"{kind}_{scope}u"
        return own if own in self._lines else kind if kind in self._lines else ""

    def rule_names(self) -> frozenset[str]:
        """The names of the rules that belong to no scope."""
        return frozenset(self._lines)

    def settle(self) -> None:
        """Write the rules of every scope, without those that nothing can fill."""
        kinds = self._inner_kinds()
        given = {name for kind in kinds for name in (kind, f"{kind}~")}
        # What stands in one scope alone, for it refers to that scope's columns.
        own = {entry.label: {f"{kind}~" for kind in kinds} for entry in self._entries}
        while True:
            for entry in self._entries:
                self._write(entry, given | own[entry.label])
            standing = [kind for kind in kinds if self._standing(kind)]
            found = {name for kind in standing for name in (kind, f"{kind}~")}
            found_own = {entry.label: self._standing_in(entry) for entry in self._entries}
            if (found, found_own) == (given, own):
                break
            given, own = found, found_own
        for kind in self._inner_kinds():
            everywhere = self._standing(kind)
            if everywhere:
                self._lines[kind] = everywhere
            for entry in self._widened():
                seeing = [
                    f"{kind}_{one.label}"
                    for one in self._entries
                    if self._may_stand(one, entry, kind)
                ]
                alternatives = ([kind] if everywhere else []) + seeing
                if alternatives:
                    self._lines[f"{kind}_{entry.label}u"] = alternatives

    def queries(self) -> list[str]:
        """Name the rules of the whole queries, set operations among them."""
        mains = [one for one in self._entries if one.is_main]
        found = [f"query_0_{one.label}" for one in mains if "query_0_@" in one.written]
        ways = "WAY?" + (" NULLS?" if self.manner.dialect.has_nulls_order else "")
        for vector in self._vectors:
            members = [
                f"member_{vector}_{o.label}" for o in mains if f"member_{vector}_@" in o.written
            ]
            if members:
                self.add(f"members_{vector}", *members)
                self.add("compound", f"members_{vector} (SETOP members_{vector}){{1,2}}")
        for entry in mains:
            if "stars_@" in entry.written:
                self.add("compound", f"stars_{entry.label}")
        if "compound" in self._lines:
            found.append(f'compound (" ORDER BY " "1" {ways})? limit')
        return found

    def text(self, statements: Iterable[str]) -> str:
        """Write the grammar of these statements, each without its final semicolon."""
        self.add("start", 'statement ";"')
        self.add("statement", *statements)
        self.add("limit", '(" LIMIT " COUNT (" OFFSET " COUNT)?)?', *self._other_limits())
        if self.manner.dialect.interval:
            self.add("interval", self.manner.dialect.interval)
        rules = lines(self._lines) + "".join(entry.text for entry in self._entries)
        return rules + self.terminals.write(rules)

    def _other_limits(self) -> list[str]:
        """What else dialects write in place of LIMIT and OFFSET."""
        dialect = self.manner.dialect.name
        if dialect in ("mysql", "sqlite"):
            return ['" LIMIT " COUNT ", " COUNT']
        if dialect in ("ansi", "postgres"):
            first = '" FETCH " ("FIRST " | "NEXT ") COUNT " ROWS ONLY"'
            return [f'" OFFSET " COUNT " ROWS" {first}', first]
        return []

    def _inner_kinds(self) -> list[str]:
        classes = "ntds" if self.manner.is_typed else "v"
        kinds = [f"rows_{d}" for d in range(1, DEEPEST + 1)]
        kinds += [f"query_{d}" for d in range(1, DEEPEST + 1)]
        for d in range(1, DEEPEST + 1):
            kinds += [f"{kind}_{k}_{d}" for kind in ("one", "in") for k in classes]
        return kinds + [f"duo_{a}{b}_1" for a, b in pairs_of(self.manner.is_typed)]

    def _standing(self, kind: str) -> list[str]:
        """What may stand as a query of this kind inside of any other."""
        own = [
            f"{kind}_{one.label}"
            for one in self._entries
            if one.is_inner and not one.inside and f"{kind}_@" in one.written
        ]
        if own and kind.startswith("in_"):
            side = kind.replace("in_", "side_")
            sides = [
                f"{side}_{o.label}"
                for o in self._entries
                if f"{side}_@" in o.written and not o.inside
            ]
            if sides:
                self._lines[side] = sides
                own.append(f"{side} SETOP {side}")
        return own

    def _standing_in(self, around: _Entry) -> set[str]:
        """The kinds of queries that stand in one scope alone."""
        return {
            f"{kind}~"
            for kind in self._inner_kinds()
            if any(self._may_stand(one, around, kind) for one in self._entries)
        }

    def _may_stand(self, one: _Entry, around: _Entry, kind: str) -> bool:
        return around.label in one.inside and f"{kind}_@" in one.written

    def _widened(self) -> list[_Entry]:
        """The scopes that queries with a view of them may stand in."""
        labels = {name for one in self._entries for name in one.inside}
        return [one for one in self._entries if one.label in labels]

    def _write(self, entry: _Entry, given: set[str]) -> None:
        roots = {f"{name}_@" for name in entry.further}
        if entry.is_main:
            roots |= {"query_0_@", "stars_@"} | {f"member_{vector}_@" for vector in self._vectors}
        if entry.is_inner:
            deep = self._entries.index(entry) < _DEEP_SCOPES or bool(entry.inside)
            depths = range(1, (DEEPEST if deep else 1) + 1)
            roots |= {f"{kind}_@" for kind in self._inner_kinds() if int(kind[-1]) in depths}
            roots |= {f"side_{k}_{d}_@" for k in "ntdsv" for d in depths}
        known = frozenset(
            given | _SHARED | {f"{name}_@" for name, bodies in entry.own.items() if bodies}
        )
        text, written = pruned(self.manner, DEEPEST, self._vectors, known, frozenset(roots))
        entry.written = written
        own = lines({f"{name}_@": bodies for name, bodies in entry.own.items()})
        is_widened = entry in self._widened()
        entry.text = label(own + text, entry.label, is_widened)


def alias_terminal(words: Iterable[str]) -> str:
    """The body of the terminal of names that a statement may give."""
    reserved = "|".join(sorted(words))
    return f"/[A-Za-z_][A-Za-z0-9_]{{0,27}}/ & ~/(?i:{reserved})/"


__all__ = ["Assembly", "alias_terminal", "any_of"]
