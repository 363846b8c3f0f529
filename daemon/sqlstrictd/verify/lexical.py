"""The checks that need no tree: what the tokens of a statement are, one by one.

They refuse what two parsers might read in two ways (comments, other dialects' strings, operators
run together), so that sqlglot's tree and the engine mean the same statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.scan import Places, ScanError, Token, check_name, describe_character
from sqlstrictd.verify.operators import find_bad_operator
from sqlstrictd.verify.tokens import cut
from sqlstrictd.verify.verdict import CheckName, Problem

MAX_STATEMENT_BYTES: Final = 16 * 2**10
# What a verdict holds at most: more would tell nobody more.
MAX_PROBLEMS: Final = 20
# Parentheses and CASEs inside each other: sqlglot's recursion ends soon after 40.
MAX_DEPTH: Final = 30

_BLANKS: Final = "\t\n\r\f"
_PUNCTUATION: Final = frozenset("( ) , . ;".split())
_BRACKETS: Final = {"postgres": "[]:", "duckdb": "[]:"}
# The quotes around names, by dialect; double quotes may make a string in MySQL.
_NAME_QUOTES: Final = {"sqlite": '"`[', "mysql": "`"}
_CLAUSES: Final = ("FROM", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "UNION", "WINDOW")


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
        tokens = cut(sql, dialect)
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
    found = _find_wrong(tokens, dialect)
    if found is not None:
        token, message = found
        return Lexed(tokens, (reporter.problem("syntax", message, token.start),), True)
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


def _find_wrong(tokens: tuple[Token, ...], dialect: str) -> tuple[Token, str] | None:
    """Find the first token that cannot stand where it does, with what is wrong with it."""
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        message = _judge(token, dialect) or _judge_pair(token, following)
        if message:
            return token, message
    bad = find_bad_operator(tokens, dialect, _PUNCTUATION | set(_BRACKETS.get(dialect, "")))
    if bad is not None:
        return bad, f"{show(bad.text)} cannot stand here."
    deep = _find_too_deep(tokens)
    if deep is not None:
        return deep, f"The statement is nested too deeply for the checker: over {MAX_DEPTH} levels."
    return None


def _judge(token: Token, dialect: str) -> str:
    """Say what is wrong with a token by itself; empty where nothing is."""
    if token.kind == "comment":
        return "A comment stands here; none may."
    if token.kind == "string" and not token.text.startswith("'"):
        return "Only strings in single quotes may stand here."
    if token.kind == "quoted" and token.text[0] not in _NAME_QUOTES.get(dialect, '"'):
        quotes = "backticks" if dialect == "mysql" else "double quotes"
        return f"Names are quoted with {quotes}."
    if token.kind == "word" and "$" in token.text:
        return "A name with $ in it needs quotes."
    if token.kind == "number" and token.text[:2] in ("0x", "0X") and dialect != "sqlite":
        return "A number in hexadecimal digits cannot stand here."
    return ""


def _judge_pair(token: Token, following: Token | None) -> str:
    """Say what is wrong with a token before another one, or at the end; empty where nothing is."""
    if token.is_symbol(",") and (
        following is None
        or (following.kind == "symbol" and following.text in "),;]")
        or following.is_word(*_CLAUSES)
    ):
        return "Nothing follows this comma."
    if following is None:
        return ""
    if token.kind == "string" and following.kind == "string":
        return "Two strings stand side by side."
    if token.kind == "number" and token.end == following.start and following.kind != "symbol":
        return "A number runs into what follows it."
    if token.kind == "word" and token.end == following.start and following.kind == "string":
        return "A word runs into a string."
    if token.kind == "string" and token.end == following.start and following.kind == "word":
        return "A string runs into a word."
    return ""


def _find_too_deep(tokens: tuple[Token, ...]) -> Token | None:
    depth = 0
    for token in tokens:
        if (token.kind == "symbol" and token.text in "([") or token.is_word("CASE"):
            depth += 1
            if depth > MAX_DEPTH:
                return token
        elif (token.kind == "symbol" and token.text in ")]") or token.is_word("END"):
            depth -= 1
    return None
