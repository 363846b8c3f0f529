"""The checks that need no tree: what the tokens of a statement are, one by one.

They refuse what two parsers might read in two ways (comments, other dialects' strings, names in
quotes that are no names), so that sqlglot's tree and SQLite mean the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Places, ScanError, Token, check_name, describe_character, scan
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.functions import FUNCTIONS
from sqlstrictd.verify.nearest import find_nearest
from sqlstrictd.verify.verdict import CheckName, Problem

MAX_STATEMENT_BYTES: Final = 16 * 2**10
# What a verdict holds at most: more would tell nobody more.
MAX_PROBLEMS: Final = 20
# Parentheses and CASEs inside each other: sqlglot's recursion ends soon after 40.
MAX_DEPTH: Final = 30

_BLANKS: Final = "\t\n\r\f"
_SYMBOLS: Final = frozenset("( ) , . ; * + - / % = == != <> < <= > >= || & | ~ << >>".split())
# Keywords that a parenthesis may follow without being called.
_BEFORE_PARENTHESIS: Final = frozenset(
    """
    ALL AND AS BETWEEN BY CASE CAST DISTINCT ELSE ESCAPE EXCEPT EXISTS FILTER FROM GLOB HAVING IN
    INTERSECT IS JOIN LIKE LIMIT MATERIALIZED NOT OFFSET ON OR OVER SELECT THEN UNION USING WHEN
    WHERE
    """.split()
)
# Types that take a length, as in CAST(price AS DECIMAL(10, 2)).
_SIZED_TYPES: Final = frozenset(
    "CHAR CHARACTER VARCHAR NVARCHAR DECIMAL NUMERIC FLOAT DOUBLE INT INTEGER VARYING".split()
)


@dataclass(frozen=True, slots=True)
class Lexed:
    """A statement's tokens, what is wrong with them, and whether they are one statement."""

    tokens: tuple[Token, ...]
    problems: tuple[Problem, ...]
    is_single: bool


class Reporter:
    """Makes problems with the place of an offset in one statement."""

    def __init__(self, sql: str) -> None:
        self._places = Places(sql)

    def problem(
        self, check: CheckName, message: str, offset: int, nearest: tuple[str, ...] = ()
    ) -> Problem:
        """Make a problem; an offset below 0 says that the place is not known."""
        line, column = self._places.find(offset) if offset >= 0 else (0, 0)
        return Problem(check, message, line, column, nearest)


def lex(sql: str, dialect: str, reporter: Reporter) -> Lexed:
    """Cut a statement into tokens and judge each; with problems, nothing else may be tried."""
    bad = _find_bad_character(sql)
    if bad >= 0:
        what = describe_character(sql[bad])
        return _failed(reporter.problem("syntax", f"{what} cannot stand in a statement.", bad))
    size = len(sql.encode())
    if size > MAX_STATEMENT_BYTES:
        message = f"The statement has {size} bytes; at most {MAX_STATEMENT_BYTES} are checked."
        return _failed(reporter.problem("syntax", message, 0))
    try:
        tokens = tuple(scan(sql))
        for token in tokens:
            if token.kind in ("word", "quoted"):
                check_name(token)
    except ScanError as error:
        return _failed(reporter.problem("syntax", error.message, error.offset))
    if all(token.is_symbol(";") for token in tokens):
        return _failed(reporter.problem("syntax", "There is no statement.", 0))
    extra = _find_second_statement(tokens)
    if extra is not None:
        message = "There is more than one statement; only one with one final ; may be."
        return _failed(reporter.problem("kind", message, extra.start))
    for token in tokens:
        message = _judge(token, dialect)
        if message:
            return Lexed(tokens, (reporter.problem("syntax", message, token.start),), True)
    comma = _find_stray_comma(tokens)
    if comma is not None:
        problem = reporter.problem("syntax", "Nothing follows this comma.", comma.start)
        return Lexed(tokens, (problem,), True)
    deep = _find_too_deep(tokens)
    if deep is not None:
        message = f"The statement is nested too deeply for the checker: over {MAX_DEPTH} levels."
        return Lexed(tokens, (reporter.problem("syntax", message, deep.start),), True)
    return Lexed(tokens, (), True)


def _failed(problem: Problem) -> Lexed:
    return Lexed((), (problem,), False)


def _find_bad_character(sql: str) -> int:
    """Find a control character or a lone surrogate; -1 where there is none."""
    if sql.isascii() and sql.isprintable():
        return -1
    for offset, character in enumerate(sql):
        is_control = character < " " and character not in _BLANKS
        if is_control or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff":
            return offset
    return -1


def _find_second_statement(tokens: tuple[Token, ...]) -> Token | None:
    """Find what follows the first semicolon, even if it is another semicolon or a comment."""
    for index, token in enumerate(tokens[:-1]):
        if token.is_symbol(";"):
            return tokens[index + 1]
    return None


def _judge(token: Token, dialect: str) -> str:
    """Say what is wrong with a token by itself; empty where nothing is."""
    if token.kind == "comment":
        return "A comment stands here; none may."
    if token.kind == "symbol" and token.text not in _SYMBOLS:
        return f"{show(token.text)} cannot stand here."
    if token.kind == "string" and not token.text.startswith("'"):
        return "Only strings in single quotes may stand here."
    if token.kind == "quoted" and dialect != "sqlite" and not token.text.startswith('"'):
        return "Names are quoted with double quotes."
    return ""


def _find_stray_comma(tokens: tuple[Token, ...]) -> Token | None:
    """Find a comma at the end of a list, which sqlglot passes over."""
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.is_symbol(",") and (
            following is None
            or (following.kind == "symbol" and following.text in "),;")
            or following.is_word("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION")
        ):
            return token
    return None


def _find_too_deep(tokens: tuple[Token, ...]) -> Token | None:
    depth = 0
    for token in tokens:
        if token.is_symbol("(") or token.is_word("CASE"):
            depth += 1
            if depth > MAX_DEPTH:
                return token
        elif token.is_symbol(")") or token.is_word("END"):
            depth -= 1
    return None


def check_functions(
    tokens: tuple[Token, ...], dialect: str, defined: frozenset[str], reporter: Reporter
) -> list[Problem]:
    """Refuse every name before a parenthesis that is no listed function.

    `defined` holds the folded names of the statement's own tables, which may have column lists.
    """
    allowed = FUNCTIONS[dialect]
    problems = []
    for index, (token, following) in enumerate(zip(tokens, tokens[1:], strict=False)):
        if token.kind not in ("word", "quoted", "string") or not following.is_symbol("("):
            continue
        name = token.value.upper()
        is_plain = token.kind == "word"
        if is_plain and (name in allowed or name in _BEFORE_PARENTHESIS):
            continue
        if is_plain and name in _SIZED_TYPES and _follows_as(tokens, index):
            continue
        if token.kind != "string" and fold(token.value) in defined:
            continue
        problems.append(
            reporter.problem(
                "kind",
                f"{show(token.value)} is not among the functions that may be called.",
                token.start,
                find_nearest(token.value, allowed),
            )
        )
    return problems


def _follows_as(tokens: tuple[Token, ...], index: int) -> bool:
    """Whether a type stands here: one or two words after CAST's AS."""
    before = tokens[max(0, index - 2) : index]
    return any(token.is_word("AS") for token in before)


def check_quoted_names(
    tokens: tuple[Token, ...], schema: Schema, defined: frozenset[str], reporter: Reporter
) -> list[Problem]:
    """Refuse names in quotes that nobody defines: SQLite would take them for strings."""
    known = _known_names(schema)
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
        and fold(token.value) not in known
        and fold(token.value) not in defined
    ]


def _known_names(schema: Schema) -> set[str]:
    names = {fold(table.name) for table in schema.tables}
    names.update(fold(name) for table in schema.tables for name in table.column_names)
    return names
