"""The words of a statement, each accounted for: a name of the tree, or a word the dialect's facts
know; and every word before a parenthesis a function that may be called.

Whatever the parser passed over, moved or read as something else is a word too many here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Final

from sqlglot import exp

from sqlstrictd.dialects.facts import STATEMENT_WORDS
from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.nearest import find_nearest
from sqlstrictd.verify.rules import KIND_WORDS, Rules
from sqlstrictd.verify.verdict import Problem

# Keywords that a parenthesis may follow without being called.
_BEFORE_PARENTHESIS: Final = frozenset(
    """
    ALL AND ANY AS BETWEEN BY CASE CHECK CUBE DISTINCT DIV ELSE ESCAPE EXCEPT EXCLUDE EXISTS FILTER
    FROM
    GLOB GROUP HAVING ILIKE IN INTERSECT IS JOIN KEY LATERAL LIKE LIMIT MATERIALIZED MOD NOT OFFSET
    ON OR OVER QUALIFY REGEXP RLIKE ROLLUP SELECT SETS SOME THEN TO UNION UNIQUE USING VALUES WHEN
    WHERE XOR
    """.split()
)
_CASTS: Final = frozenset({"CAST", "TRY_CAST"})
# Kinds of statement in which types stand without AS.
_DECLARING: Final = frozenset({"create_table", "alter_table"})
# Scripts with letters of the same shape; one name is written in one of them.
_ALIKE: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
# A name may be any word at all after these, where the dialect says so.
_FREE_AFTER_DOT: Final = frozenset({"postgres", "mysql"})


def name_offsets(tree: exp.Expr) -> dict[int, exp.Identifier]:
    """Return the names of a tree by the offset where they stand."""
    return {
        int(node.meta["start"]): node
        for node in tree.find_all(exp.Identifier)
        if "start" in node.meta
    }


def check_words(
    tokens: tuple[Token, ...],
    names: dict[int, exp.Identifier],
    kind: str,
    rules: Rules,
    reporter: Reporter,
) -> list[Problem]:
    """Refuse words that are neither names nor words of such a statement."""
    known = rules.words | rules.functions | rules.types | set(KIND_WORDS.get(kind, "").split())
    problems = []
    for token in tokens:
        if token.kind == "word" and token.start not in names and token.value.upper() not in known:
            what = show(token.value)
            problems.append(reporter.problem("kind", f"{what} cannot stand here.", token.start))
    return problems


def check_calls(
    tokens: tuple[Token, ...],
    names: dict[int, exp.Identifier],
    kind: str,
    rules: Rules,
    reporter: Reporter,
) -> list[Problem]:
    """Refuse every name before a parenthesis that is no listed function."""
    problems = []
    for index, (token, following) in enumerate(zip(tokens, tokens[1:], strict=False)):
        if token.kind not in ("word", "quoted", "string") or not following.is_symbol("("):
            continue
        name = token.value.upper()
        if token.kind == "word":
            is_apart = token.end != following.start and token.start not in names
            if is_apart and name in rules.facts.close_calls:
                message = f"No blank may stand between {show(token.value)} and its parenthesis."
                problems.append(reporter.problem("syntax", message, token.start))
                continue
            if name in rules.functions or name in _BEFORE_PARENTHESIS or name in _CASTS:
                continue
            if name in rules.types and (kind in _DECLARING or _follows_as(tokens, index)):
                continue
        if token.start in names and not isinstance(names[token.start].parent, exp.Column):
            continue
        problems.append(
            reporter.problem(
                "kind",
                f"{show(token.value)} is not among the functions that may be called.",
                token.start,
                find_nearest(token.value, sorted(rules.functions)),
            )
        )
    return problems


def _follows_as(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether a type stands here: one or two words after CAST's AS, or after ::."""
    before = tokens[max(0, index - 2) : index]
    return any(token.is_word("AS") or token.is_symbol("::") for token in before)


def check_reserved(
    tokens: tuple[Token, ...], names: dict[int, exp.Identifier], rules: Rules, reporter: Reporter
) -> list[Problem]:
    """Refuse bare names that the dialect's own parser takes for keywords."""
    problems = []
    keeps_its_own = rules.facts.name == "sqlite"  # it refuses them when it prepares the statement
    for index, token in enumerate(tokens):
        name = names.get(token.start)
        if name is None or token.kind != "word":
            continue
        word, before = token.value.upper(), tokens[index - 1] if index else None
        is_alias = isinstance(name.parent, exp.Alias | exp.TableAlias)
        has_as = before is not None and before.is_word("AS")
        if is_alias and word in STATEMENT_WORDS:
            message = f"{show(token.value)} can only be an alias in quotes."
            problems.append(reporter.problem("syntax", message, token.start))
            continue
        if is_alias and is_deceptive(token.value):
            message = f"{show(token.value)} has letters that look like others."
            problems.append(reporter.problem("syntax", message, token.start))
        if keeps_its_own:
            continue
        if has_as and isinstance(name.parent, exp.Alias) and rules.facts.name == "postgres":
            continue
        if before is not None and before.is_symbol(".") and rules.facts.name in _FREE_AFTER_DOT:
            continue
        is_bare_alias = is_alias and not has_as and word in rules.facts.alias_words
        if word in rules.facts.reserved_words or is_bare_alias:
            message = f"{show(token.value)} is a keyword here; as a name it needs quotes."
            problems.append(reporter.problem("syntax", message, token.start))
    return problems


def is_deceptive(name: str) -> bool:
    """Whether a name has letters of Latin and of a script that looks like it, or wide ones."""
    if name.isascii():
        return False
    scripts = {unicodedata.name(c, "").split(" ")[0] for c in name if c.isalpha()}
    return unicodedata.normalize("NFKC", name) != name or len(scripts & _ALIKE) > 1


def check_literals(
    tree: exp.Expr,
    tokens: tuple[Token, ...],
    names: dict[int, exp.Identifier],
    types: frozenset[int],
    rules: Rules,
    reporter: Reporter,
) -> list[Problem]:
    """Refuse a statement of which the parser dropped a string or a number.

    `types` are the offsets of declared types' words: a type's length may be dropped.
    """
    written = 0
    in_type: list[bool] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        if token.is_symbol("("):
            in_type.append(before is not None and _is_type(before, types, rules))
        elif token.is_symbol(")") and in_type:
            in_type.pop()
        elif token.kind in ("string", "number") and token.start not in names:
            written += not (in_type and in_type[-1])
    kept = sum(isinstance(node, exp.Literal | exp.JSONPath | exp.Var) for node in tree.walk())
    kept += sum(
        _is_count(node.args.get(key))
        for node in tree.find_all(exp.WindowSpec)
        for key in ("start", "end")
    )
    if written > kept:
        return [reporter.problem("syntax", "A literal stands where none is read.", 0)]
    return []


def _is_type(token: Token, types: frozenset[int], rules: Rules) -> bool:
    word = token.value.upper()
    is_sized = word in rules.types and word not in rules.functions
    return token.kind == "word" and (token.start in types or is_sized)


def _is_count(value: object) -> bool:
    return isinstance(value, str) and value[:1].isdigit()


def check_quoted_names(
    tokens: Iterable[Token],
    names: dict[int, exp.Identifier],
    tree: exp.Expr,
    schema: Schema,
    reporter: Reporter,
) -> list[Problem]:
    """Refuse names in quotes that nobody defines: SQLite would take them for strings."""
    known = {fold(table.name) for table in schema.tables} | {"main"}
    known.update(fold(name) for table in schema.tables for name in table.column_names)
    defined = _defined_names(tree)
    return [
        reporter.problem(
            "scope",
            f"{show(token.text)} is no name of the schema or the statement; strings stand in "
            "single quotes.",
            token.start,
            find_nearest(token.value, sorted(known)),
        )
        for token in tokens
        if token.kind == "quoted"
        and (token.start not in names or fold(token.value) not in known | defined)
    ]


def _defined_names(tree: exp.Expr) -> set[str]:
    """Return the folded names that the statement itself defines: of tables, columns, windows."""
    names = set()
    for node in tree.find_all(exp.Alias, exp.TableAlias, exp.Window):
        # In a Window, `this` is a name where WINDOW name AS (...) defines it; `alias` only uses it.
        defined = node.args.get("alias" if isinstance(node, exp.Alias) else "this")
        if isinstance(defined, exp.Identifier):
            names.add(fold(defined.this))
        if isinstance(node, exp.TableAlias):
            names.update(fold(column.name) for column in node.args.get("columns") or ())
    return names


def names_in_strings(tokens: Iterable[Token], names: dict[int, exp.Identifier]) -> list[Token]:
    """Return the strings that the parser took for a table's or column's name."""
    return [
        token
        for token in tokens
        if token.kind == "string"
        and token.start in names
        and not isinstance(names[token.start].parent, exp.Alias)
    ]
