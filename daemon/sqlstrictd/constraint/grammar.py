"""Schema, FROM sets and dialect to the text of a llguidance grammar: exact scope, SELECT first.

SQL names its columns before its tables. The candidate FROM sets are known, so each gets a copy of
the rules of its own, in which every name is in scope; the parser keeps all copies open until the
text decides. Called through `grammars.py` of the front; `engine/matcher.py` compiles the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from sqlstrictd.constraint import expressions
from sqlstrictd.constraint.functions import DIALECTS
from sqlstrictd.constraint.joins import FromClauses
from sqlstrictd.constraint.lark import literal, names
from sqlstrictd.constraint.sets import FromSet, join_keys, sorted_set
from sqlstrictd.constraint.styles import Scope, Style, choose_scopes
from sqlstrictd.errors import UnsupportedDialect
from sqlstrictd.schema.names import RESERVED_WORDS
from sqlstrictd.schema.types import Schema

# Copies of the rules in one grammar. Each costs about 75 items in the parser's row after SELECT
# (limit 2,000 unless raised, and more is slow), 8 KB of text and 4 ms of compilation.
MAX_SCOPES = 20


@dataclass(frozen=True)
class Grammar:
    """The text of a grammar and its key, the SHA-256 of the text in hexadecimal."""

    key: str
    text: str

    @classmethod
    def of(cls, text: str) -> Grammar:
        """Make a grammar of its text."""
        return cls(hashlib.sha256(text.encode()).hexdigest(), text)


def build_grammar(schema: Schema, from_sets: Iterable[FromSet], dialect: str = "sqlite") -> Grammar:
    """Write the grammar of every statement that may be answered from these FROM sets.

    The order of the sets is their order of preference: the first get more styles of writing.

    Raises:
        UnsupportedDialect: no function list exists for the dialect.
        ValueError: no set is given, or one is empty or names a table that the schema has not.
    """
    functions = DIALECTS.get(dialect)
    if functions is None:
        written = ", ".join(sorted(DIALECTS))
        raise UnsupportedDialect(
            f"dialect {dialect!r} is not written; choose one of {written}", "dialect"
        )
    keys = join_keys(schema)
    sets = list(dict.fromkeys(sorted_set(tables) for tables in from_sets))
    known = {table.name for table in schema.tables}
    if not sets or not all(tables and known.issuperset(tables) for tables in sets):
        raise ValueError(
            "a grammar needs at least one FROM set, and each needs tables of the schema"
        )
    scopes = choose_scopes(schema, keys, sets, MAX_SCOPES)
    rules = expressions.ScopeRules(functions)
    depths = _depths(scopes)
    columns = {table.name: f"C{number}" for number, table in enumerate(schema.tables)}
    used = {instance.table for scope in scopes for instance in scope.instances}
    clauses = FromClauses(schema, keys, columns)
    parts = [_statement_rules(scopes), _subquery_rules(scopes, depths)]
    for scope in scopes:
        parts.append(_column_rule(scope, columns))
        parts.extend(clauses.rules(scope))
        parts.append(rules.write(scope.label, depths[scope.label]))
    parts += [
        f"{columns[t.name]}: {names(t.column_names)}" for t in schema.tables if t.name in used
    ]
    parts += [expressions.shared_rules(functions), _alias_terminal()]
    text = "".join(f"{line}\n" for part in parts for line in part.splitlines() if _counts(line))
    return Grammar(key=hashlib.sha256(text.encode()).hexdigest(), text=text)


def _counts(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("//")


def _statement_rules(scopes: list[Scope]) -> str:
    queries = [f"query_{scope.label}" for scope in scopes]
    compounds: list[str] = []
    members: list[str] = []
    for style in Style:
        own = [s for s in scopes if s.style is style or (len(s.instances) == 1)]
        if not any(s.style is style for s in own):
            continue
        for n in range(1, expressions.MAX_COMPOUND_COLUMNS + 1):
            name = f"members{n}_{style.value}"
            compounds.append(f"{name} (SETOP {name}){{1,{2 if n == 1 else 1}}} limit")
            members.append(f"{name}: " + " | ".join(f"member{n}_{s.label}" for s in own))
    return "\n".join(
        [
            'start: statement ";"',
            f"statement: {' | '.join([*queries, *compounds, 'counted'])}",
            *members,
        ]
    )


def _depths(scopes: list[Scope]) -> dict[str, int]:
    """Say at how many depths each scope may stand: the deeper, the fewer tables and styles."""
    depths = {}
    for scope in scopes:
        n_tables = len(scope.instances)
        if scope.style is Style.PLAIN:
            depths[scope.label] = 3 if n_tables <= 2 else 2
        else:
            depths[scope.label] = 2 if n_tables <= 2 else 1
    deepest = max(depths.values())
    if deepest <= expressions.SUBQUERY_DEPTH:
        return dict.fromkeys(depths, expressions.SUBQUERY_DEPTH + 1)
    return depths


def _subquery_rules(scopes: list[Scope], depths: dict[str, int]) -> str:
    """Write what may stand in parentheses at each depth."""
    rules = []
    for depth in range(1, expressions.SUBQUERY_DEPTH + 1):
        labels = [scope.label for scope in scopes if depths[scope.label] > depth]
        for kind in ("set", "half", "rows", "list"):
            rules.append(
                f"{kind}{depth}: " + " | ".join(f"{kind}_{label}_{depth}" for label in labels)
            )
        rules.append(f"column{depth}: set{depth} | half{depth} SETOP half{depth}")
        rules.append(f'scalar{depth}: "(" set{depth} ")"')
    return "\n".join(rules)


def _column_rule(scope: Scope, columns: dict[str, str]) -> str:
    if len(scope.instances) == 1:
        return f'col_{scope.label}: {columns[scope.instances[0].table]}\nstar_{scope.label}: "*"'
    qualified = [f"{literal(i.qualifier + '.')}" for i in scope.instances]
    column = " | ".join(
        f"{q} {columns[i.table]}" for q, i in zip(qualified, scope.instances, strict=True)
    )
    stars = " | ".join(f'{q} "*"' for q in qualified)
    return f'col_{scope.label}: {column}\nstar_{scope.label}: "*" | {stars}'


def _alias_terminal() -> str:
    words = "|".join(sorted(RESERVED_WORDS))
    return f"ALIAS: /[A-Za-z_][A-Za-z0-9_]{{0,27}}/ & ~/(?i:{words})/"
