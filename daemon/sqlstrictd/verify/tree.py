"""A statement's syntax tree, refused unless every node is one that a reading query may hold.

The lists say what is allowed and not what is forbidden: a kind of node that nobody thought of is
refused. The parser is sqlglot's; the grammar that wrote the statement is another.
"""

from __future__ import annotations

import logging
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.verify.functions import FUNCTION_NODES, FUNCTIONS
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.verdict import Problem

# It logs the text of statements that it falls back on.
logging.getLogger("sqlglot").disabled = True

_NODES: Final = FUNCTION_NODES | frozenset(
    """
    Select Union Except Intersect Subquery With CTE From Join Where Group Having Order Ordered Limit
    Offset Distinct Column Identifier Table TableAlias Alias Star Literal Null Boolean Paren Tuple
    And Or Not EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is In Between Like Glob Escape Exists
    Case Cast DataType DataTypeParam Collate Var Add Sub Mul Div Mod Neg DPipe BitwiseAnd BitwiseOr
    BitwiseNot BitwiseLeftShift BitwiseRightShift CurrentDate CurrentTime CurrentTimestamp Window
    WindowSpec Filter
    """.split()
)
# What these nodes may hold: the rest of their arguments belongs to other dialects.
_ARGUMENTS: Final = {
    "Select": "with_ distinct expressions from_ joins where group having windows order limit "
    "offset",
    "Table": "this alias joins db catalog",
    "Subquery": "this alias joins",
    "Join": "this on using kind side method",
    "Group": "expressions",
    "In": "this query expressions",
    "Star": "",
    "Limit": "expression",
    "Offset": "expression",
    "Distinct": "expressions",
    "With": "expressions recursive",
    "CTE": "this alias materialized",
    "TableAlias": "this columns",
    "Ordered": "this desc nulls_first",
    "Column": "this table db catalog",
    "Cast": "this to _type",
    "CurrentDate": "",
    "CurrentTime": "",
    "CurrentTimestamp": "",
}
_ALLOWED_ARGUMENTS: Final = {name: frozenset(keys.split()) for name, keys in _ARGUMENTS.items()}
_JOIN_WORDS: Final = frozenset({"", "INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL"})


def parse(sql: str, reporter: Reporter) -> exp.Expr | Problem:
    """Parse one statement, or say where it cannot be parsed."""
    try:
        trees = [tree for tree in sqlglot.parse(sql, read="sqlite") if tree is not None]
    except ParseError as error:
        return _describe(error)
    except TokenError:
        return Problem("syntax", "The statement cannot be cut into tokens.")
    except RecursionError:
        return reporter.problem("syntax", "The statement is nested too deeply for the checker.", 0)
    if len(trees) != 1:
        return reporter.problem("kind", "There is not exactly one statement.", 0)
    return trees[0]


def _describe(error: ParseError) -> Problem:
    first = error.errors[0] if error.errors else {}
    highlight = str(first.get("highlight") or "")
    line = int(first.get("line") or 0)
    # The parser gives the column of a token's last character.
    column = max(1, int(first.get("col") or 0) - len(highlight) + 1) if line else 0
    at = f" at {show(highlight)}" if highlight else ""
    return Problem("syntax", f"The statement cannot be parsed{at}.", line, column)


def check_nodes(tree: exp.Expr, dialect: str, reporter: Reporter) -> list[Problem]:
    """Refuse whatever is not part of a query that only reads."""
    if not isinstance(tree, exp.Query) or type(tree).__name__ not in _NODES:
        message = f"Only a query may stand here, not {_name_kind(tree)}."
        return [reporter.problem("kind", message, 0)]
    problems = []
    for node in tree.walk():
        message = _judge(node, dialect)
        if message:
            problems.append(reporter.problem("kind", message, find_offset(node)))
    return problems


def check_counts(tree: exp.Expr, tokens: tuple[Token, ...], reporter: Reporter) -> list[Problem]:
    """Refuse what the parser reads as SELECT or CAST though nobody wrote the word.

    It takes FROM orders, an empty SELECT and DATE '2020-01-01', which SQLite reads otherwise.
    """
    for word, node_type in (("SELECT", exp.Select), ("CAST", exp.Cast)):
        nodes = list(tree.find_all(node_type))
        if len(nodes) != sum(token.is_word(word) for token in tokens):
            return [reporter.problem("syntax", f"A {word} is not written out.", 0)]
        if any(isinstance(node, exp.Select) and not node.expressions for node in nodes):
            return [reporter.problem("syntax", "A SELECT has no columns.", 0)]
    return []


def _judge(node: exp.Expr, dialect: str) -> str:
    """Say why a node may not stand in a query; empty where it may."""
    name = type(node).__name__
    if name not in _NODES:
        return f"{_name_kind(node)} cannot stand in a query."
    allowed = _ALLOWED_ARGUMENTS.get(name)
    if allowed is not None:
        for key, value in node.args.items():
            if value and key not in allowed:
                return f"{_name_kind(node)} cannot have {key.strip('_').upper()} here."
    if isinstance(node, exp.Anonymous) and str(node.this).upper() not in FUNCTIONS[dialect]:
        return f"{show(str(node.this))} is not among the functions that may be called."
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


def defined_names(tree: exp.Expr) -> frozenset[str]:
    """Return the folded names that the statement itself defines: of tables, columns, windows."""
    names = set()
    for node in tree.find_all(exp.Alias, exp.TableAlias, exp.Window):
        # In a Window, `this` is a name where WINDOW name AS (...) defines it; `alias` only uses it.
        defined = node.args.get("alias" if isinstance(node, exp.Alias) else "this")
        if isinstance(defined, exp.Identifier):
            names.add(fold(defined.this))
        if isinstance(node, exp.TableAlias):
            names.update(fold(column.name) for column in node.args.get("columns") or ())
    return frozenset(names)


def names_in_strings(tree: exp.Expr, tokens: tuple[Token, ...]) -> list[Token]:
    """Return the strings that the parser took for a table's or column's name."""
    strings = {token.start: token for token in tokens if token.kind == "string"}
    if not strings:
        return []
    return [
        strings[identifier.meta["start"]]
        for identifier in tree.find_all(exp.Identifier)
        if identifier.meta.get("start") in strings and not isinstance(identifier.parent, exp.Alias)
    ]


def is_alias(term: exp.Expr, aliases: frozenset[str]) -> bool:
    """Whether an ORDER BY term is an output's alias alone: there the alias comes before columns."""
    while isinstance(term, exp.Ordered | exp.Collate | exp.Paren):
        term = term.this
    return isinstance(term, exp.Column) and not term.table and fold(term.name) in aliases


def output_name(item: exp.Expr) -> str | None:
    """The name of an output: its alias, else the column's own; None for other expressions."""
    if isinstance(item, exp.Alias):
        return item.alias
    while isinstance(item, exp.Paren):
        item = item.this
    return item.name if isinstance(item, exp.Column) else None


def is_group(node: exp.Expr) -> bool:
    """Whether a node in parentheses is a table or joins, and not a query."""
    while isinstance(node, exp.Subquery) and not node.args.get("joins"):
        node = node.this
    return isinstance(node, exp.Table | exp.Subquery)


def column_list(node: exp.Expr) -> tuple[str, ...]:
    """Return the names of the column list after an alias; empty where there is none."""
    alias = node.args.get("alias")
    return () if alias is None else tuple(c.name for c in alias.args.get("columns") or ())
