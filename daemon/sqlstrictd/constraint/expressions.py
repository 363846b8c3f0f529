"""Rule templates to the rules of one scope: what `rules/*.lark` say, for one dialect's functions.

The templates hold what is the same for every scope; `@` in them is the scope's label, `#` the depth
of the query that a rule belongs to. This file reads them, writes the rules that depend on the
dialect's function table, and knows nothing of schemas; `grammar.py` puts the labels in.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from sqlstrictd.constraint.functions import Functions
from sqlstrictd.constraint.lark import any_of

SUBQUERY_DEPTH = 2  # queries within queries within the statement
MAX_COMPOUND_COLUMNS = 5  # columns of a member of a set operation

# What may stand in a string: no control characters, no invisible ones that turn the text's
# direction or end its line.
_CHARACTER = r"[^'\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"

_ARGUMENTS = {
    "e": "{level}_@",
    "w": "word_@",
    "i": "INT",
    "p": "places",
    "s": "SHORT",
    "f": "FORMAT",
    "d": "({level}_@ | \"'now'\")",
    "m": "modifiers",
}


class ScopeRules:
    """The rules of a scope for these functions; `@` is where its label goes."""

    def __init__(self, functions: Functions) -> None:
        expressions = _read("expressions").splitlines()
        if not functions.has_group_concat:
            expressions = [line for line in expressions if not line.endswith("// group_concat")]
        parts = [*expressions, *_calls(functions), _read("query")]
        for count in range(1, MAX_COMPOUND_COLUMNS + 1):
            columns = ' ", " '.join(["column_@"] * count)
            parts.append(f"member{count}_@: select {columns} source_@_0 group_@_0?")
        self._by_depth = ["\n".join(parts)]
        for depth in range(SUBQUERY_DEPTH + 1):
            rules = _read("conditions") + (_read("subquery") if depth else "")
            if depth == SUBQUERY_DEPTH:
                rules = "\n".join(line for line in rules.splitlines() if "^" not in line)
            self._by_depth.append(rules.replace("#", str(depth)).replace("^", str(depth + 1)))

    def write(self, label: str, depths: int) -> str:
        """Write the rules for one scope whose queries may stand at the first so many depths."""
        return "\n".join(self._by_depth[: depths + 1]).replace("@", label)


def shared_rules(functions: Functions) -> str:
    """Write the rules and terminals that all scopes share."""
    lines = [_read("shared").replace("CHARACTER", _CHARACTER)]
    for number, (words, _) in enumerate(functions.scalars):
        lines.append(f"F{number}: {any_of(f'{word}(' for word in words.split())}")
    lines.append(f"CONSTANT: {any_of(functions.constants)}")
    lines.append(f"TYPE: {any_of(functions.types)}")
    lines.append(f"AGGREGATE: {any_of(f'{word}(' for word in functions.aggregates)}")
    return "\n".join(lines)


@cache
def _read(name: str) -> str:
    return resources.files(__package__).joinpath("rules", f"{name}.lark").read_text("utf-8")


def _calls(functions: Functions) -> list[str]:
    """Write `inner`, a call over flat arguments, and `call`, one over nested arguments."""
    rules = []
    for rule, level in (("inner", "flat"), ("call", "nested")):
        alternatives = [f'"CAST(" {level}_@ " AS " TYPE ")"', "CONSTANT"]
        for number, (_, shape) in enumerate(functions.scalars):
            call = [f"F{number}"]
            for position, code in enumerate(shape.split()):
                argument = _ARGUMENTS[code].format(level=level)
                comma = '", " ' if position and code not in "pm" else ""
                call.append(f"{comma}{argument}")
            alternatives.append(" ".join([*call, '")"']))
        rules.append(f"{rule}_@: {' | '.join(alternatives)}")
    return rules
