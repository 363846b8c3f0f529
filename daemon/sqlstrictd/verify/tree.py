"""A statement's syntax tree, refused unless every node is one that such a statement may hold.

The parser is sqlglot's; the grammar that wrote the statement is another. It takes much that no
engine does, so the tree is held against the tokens as well (`words.py`, `clauses.py`).
"""

from __future__ import annotations

import logging
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from sqlstrictd.policy import KINDS
from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.scan import Token
from sqlstrictd.verify.kinds import ALLOWED_ARGUMENTS, KIND_NODES
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.rewritten import as_written
from sqlstrictd.verify.rules import QUERY_WORDS, Rules
from sqlstrictd.verify.verdict import Problem

# It logs the text of statements that it falls back on.
logging.getLogger("sqlglot").disabled = True

_JOIN_WORDS: Final = frozenset({"", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL"})
# Casts that are written without the word CAST only stand in these dialects (x::int, DATE '...').
_HAS_OTHER_CASTS: Final = frozenset({"postgres", "duckdb", "mysql", "ansi"})


def parse(sql: str, dialect: str, reporter: Reporter) -> exp.Expr | Problem:
    """Parse one statement in sqlglot's name of a dialect, or say where it cannot be parsed."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read=dialect) if tree is not None]
    except ParseError as error:
        return _describe(error)
    except TokenError:
        return Problem("syntax", "The statement cannot be cut into tokens.")
    except RecursionError:
        return reporter.problem("syntax", "The statement is nested too deeply for the checker.", 0)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        # The parser's own slips on statements that are none; what it cannot read is refused.
        return Problem("syntax", "The statement cannot be parsed.")
    if len(trees) != 1:
        return reporter.problem("kind", "There is not exactly one statement.", 0)
    return as_written(trees[0])


def _describe(error: ParseError) -> Problem:
    first = error.errors[0] if error.errors else {}
    highlight = str(first.get("highlight") or "")
    line = int(first.get("line") or 0)
    # The parser gives the column of a token's last character.
    column = max(1, int(first.get("col") or 0) - len(highlight) + 1) if line else 0
    at = f" at {show(highlight)}" if highlight else ""
    return Problem("syntax", f"The statement cannot be parsed{at}.", line, column)


def check_nodes(tree: exp.Expr, kind: str, rules: Rules, reporter: Reporter) -> list[Problem]:
    """Refuse whatever is not part of a statement of this kind."""
    if kind not in KIND_NODES:
        known = ", ".join(name.replace("_", " ").upper() for name in KINDS)
        message = f"{_name_kind(tree)} cannot be allowed; the kinds that can: {known}."
        return [reporter.problem("kind", message, 0)]
    if kind == "select" and type(tree).__name__ not in rules.nodes:
        message = f"Only a query may stand here, not {_name_kind(tree)}."
        return [reporter.problem("kind", message, 0)]
    problems = []
    own = rules.nodes | KIND_NODES[kind]
    pending = [(tree, own)]
    while pending:
        node, allowed = pending.pop()
        # Inside a query, nothing is allowed but what reads.
        inner = rules.nodes if isinstance(node, exp.Query) else allowed
        message = _judge(node, inner, rules)
        if message:
            problems.append(reporter.problem("kind", message, find_offset(node)))
        pending.extend((child, inner) for child in reversed(list(node.iter_expressions())))
    return problems


def check_counts(
    tree: exp.Expr, tokens: tuple[Token, ...], dialect: str, reporter: Reporter
) -> list[Problem]:
    """Refuse what the parser reads as SELECT or CAST though nobody wrote the word.

    It takes FROM orders, an empty SELECT and DATE '2020-01-01', which SQLite reads otherwise.
    """
    counted: list[tuple[str, type[exp.Expr]]] = [("SELECT", exp.Select), ("VALUES", exp.Values)]
    if dialect not in _HAS_OTHER_CASTS:
        counted.append(("CAST", exp.Cast))
    for word, node_type in counted:
        nodes = list(tree.find_all(node_type))
        if len(nodes) != sum(token.is_word(word) for token in tokens):
            return [reporter.problem("syntax", f"A {word} is not written out.", 0)]
        if any(isinstance(node, exp.Select) and not node.expressions for node in nodes):
            return [reporter.problem("syntax", "A SELECT has no columns.", 0)]
    return []


def _judge(node: exp.Expr, allowed: frozenset[str], rules: Rules) -> str:
    """Say why a node may not stand in a statement; empty where it may."""
    name = type(node).__name__
    if name not in allowed:
        return f"{_name_kind(node)} cannot stand here."
    arguments = ALLOWED_ARGUMENTS.get(name)
    if arguments is not None:
        for key, value in node.args.items():
            if value and key not in arguments:
                return f"{_name_kind(node)} cannot have {key.strip('_').upper()} here."
    if isinstance(node, exp.Anonymous) and str(node.this).upper() not in rules.functions:
        return f"{show(str(node.this))} is not among the functions that may be called."
    if isinstance(node, exp.Var) and node.name.upper() in QUERY_WORDS:
        return f"{show(node.name)} cannot stand here."
    is_star = isinstance(node, exp.Star) or (
        isinstance(node, exp.Column) and isinstance(node.this, exp.Star)
    )
    if is_star and not isinstance(node.parent, exp.Select | exp.Column | exp.Count):
        return "A star stands for columns in SELECT alone."
    if isinstance(node, exp.Alias) and not isinstance(node.parent, exp.Select):
        return f"{show(node.alias)} names nothing here."
    if isinstance(node, exp.Var) and isinstance(node.parent, exp.Ordered | exp.Group | exp.Limit):
        return f"{show(node.name)} cannot stand here."
    if isinstance(node, exp.Join):
        words = {str(node.args.get(key) or "").upper() for key in ("kind", "side", "method")}
        if not words <= _JOIN_WORDS:
            return f"{' '.join(sorted(words - _JOIN_WORDS))} JOIN cannot stand in a query."
    return ""


def _name_kind(node: exp.Expr) -> str:
    """The name of a node's kind for a message; a command's is its first word."""
    if isinstance(node, exp.Command):
        return show(str(node.this).upper())
    return type(node).__name__.upper()


def find_offset(node: exp.Expr) -> int:
    """Return the offset of the first name in or above a node; -1 where none is near."""
    for inner in node.walk():
        if "start" in inner.meta:
            return int(inner.meta["start"])
    return -1


def is_group(node: exp.Expr) -> bool:
    """Whether a node in parentheses is a table or joins, and not a query."""
    while isinstance(node, exp.Subquery) and not node.args.get("joins"):
        node = node.this
    return isinstance(node, exp.Table | exp.Subquery)
