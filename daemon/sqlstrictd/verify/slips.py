"""Slips that sqlglot passes over and no engine does, found token by token.

A leading comma or dot, FILTER without WHERE, CASE without THEN, INSERT without INTO, a parenthesis
that nobody closes: the tree of such a statement looks like that of a good one.
"""

from __future__ import annotations

from typing import Final

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.scan import Token
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.verdict import Problem

# After these words no comma can stand, nor can a list end.
_OPENING: Final = ("SELECT", "DISTINCT", "BY", "FROM", "WHERE", "VALUES", "SET", "AS", "ON", "AND")
_OPENING_MORE: Final = ("OR", "NOT", "IN", "WHEN", "THEN", "ELSE", "HAVING", "JOIN", "BETWEEN")
_AFTER_LIST: Final = ("ORDER", "ROWS", "RANGE", "GROUPS", "PARTITION", "FROM", "WHERE", "LIMIT")
_SET_OPERATORS: Final = ("UNION", "INTERSECT", "EXCEPT")
_AFTER_SET: Final = ("ALL", "DISTINCT", "SELECT", "VALUES", "WITH")
_SECOND: Final = {"INSERT": "INTO", "DELETE": "FROM"}


def check_slips(
    tokens: tuple[Token, ...],
    names: frozenset[int],
    functions: frozenset[str],
    reporter: Reporter,
) -> list[Problem]:
    """Refuse the first slip; `names` are the offsets of names, which are no keywords."""
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        message = _judge(token, before, following, names)
        if message:
            return [reporter.problem("syntax", message, token.start)]
    wanted = _SECOND.get(tokens[0].value.upper()) if tokens[0].kind == "word" else None
    if wanted is not None and not (len(tokens) > 1 and tokens[1].is_word(wanted)):
        message = f"{wanted} is missing after {tokens[0].value.upper()}."
        return [reporter.problem("syntax", message, tokens[0].start)]
    if wanted == "INTO" and len(tokens) > 5:
        after = tokens[5] if tokens[3].is_symbol(".") else tokens[3]
        if not (after.is_symbol("(") or after.is_word(*_AFTER_SET)):
            return [reporter.problem("syntax", "Columns or values are expected.", after.start)]
    return _check_pairs(tokens, names, functions, reporter)


def _judge(
    token: Token, before: Token | None, following: Token | None, names: frozenset[int]
) -> str:
    """Say what is wrong with a token between its neighbours; empty where nothing is."""
    if token.is_symbol(","):
        is_first = before is None or (before.kind == "symbol" and before.text in "([,.")
        is_keyword = before is not None and before.start not in names
        if is_first or (is_keyword and before is not None and _opens(before)):
            return "Nothing stands before this comma."
    if token.is_symbol(".") and not _can_be_qualifier(before, names):
        return "Nothing stands before this dot."
    if token.kind != "word" or token.start in names:
        return ""
    word = token.value.upper()
    ends = following is None or (following.kind == "symbol" and following.text in "),;]")
    if word == "BY" and (ends or _is_keyword(following, names, _AFTER_LIST)):
        return "Nothing follows this BY."
    if word in _SET_OPERATORS and not (
        following is not None and (following.is_symbol("(") or following.is_word(*_AFTER_SET))
    ):
        return f"No query follows this {word}."
    if word == "OVER" and not (
        following is not None
        and (following.is_symbol("(") or (following.kind != "string" and following.start in names))
    ):
        return "OVER takes a window in parentheses, or the name of one."
    if word == "FILTER" and (following is None or not following.is_symbol("(")):
        return "FILTER takes a condition in parentheses."
    if token.is_word(*_OPENING, *_OPENING_MORE) and ends:
        return f"Nothing follows this {show(word)}."
    return ""


def _can_be_qualifier(token: Token | None, names: frozenset[int]) -> bool:
    """Whether a dot may follow a token: a name, or an expression in parentheses or brackets."""
    if token is None:
        return False
    if token.kind == "word":
        return token.start in names
    return token.kind == "quoted" or (token.kind == "symbol" and token.text in ")]")


def _opens(token: Token) -> bool:
    return token.is_word(*_OPENING, *_OPENING_MORE)


def _is_keyword(token: Token | None, names: frozenset[int], words: tuple[str, ...]) -> bool:
    return token is not None and token.start not in names and token.is_word(*words)


def _check_pairs(
    tokens: tuple[Token, ...],
    names: frozenset[int],
    functions: frozenset[str],
    reporter: Reporter,
) -> list[Problem]:
    """Refuse brackets that do not close each other, and words of CASE and FILTER that are alone."""
    opened: list[str] = []
    sets: list[bool] = [False]  # whether a parenthesis is that of GROUPING SETS
    counts = dict.fromkeys(("CASE", "END", "WHEN", "THEN"), 0)
    for before, token, following in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        if token.kind == "symbol" and token.text in "([":
            opened.append(token.text)
            message = _judge_opening(before, following, names, functions)
            # GROUPING SETS ((a), ()): the empty one is of all rows.
            is_empty_set = sets[-1] and following is not None and following.is_symbol(")")
            sets.append(before is not None and before.is_word("SETS"))
            if message and not is_empty_set:
                return [reporter.problem("syntax", message, token.start)]
        elif token.kind == "symbol" and token.text in ")]":
            if len(sets) > 1:
                sets.pop()
            if not opened or opened.pop() + token.text not in ("()", "[]"):
                return [reporter.problem("syntax", "This closes nothing.", token.start)]
        elif token.kind == "word" and token.start not in names:
            word = token.value.upper()
            if word in counts:
                counts[word] += 1
    if opened:
        return [reporter.problem("syntax", "A parenthesis is not closed.", tokens[-1].start)]
    if counts["CASE"] != counts["END"] or counts["WHEN"] != counts["THEN"]:
        return [reporter.problem("syntax", "A CASE is not whole.", 0)]
    return []


def _judge_opening(
    before: Token | None,
    following: Token | None,
    names: frozenset[int],
    functions: frozenset[str],
) -> str:
    """Say what is wrong with an opening parenthesis; empty where nothing is."""
    is_keyword = before is not None and before.kind == "word" and before.start not in names
    word = before.value.upper() if before is not None and is_keyword else ""
    if following is not None and following.is_symbol(")"):
        is_call = before is not None and before.kind in ("word", "quoted")
        return "" if is_call else "Nothing stands in these parentheses."
    if word == "FILTER" and (following is None or not following.is_word("WHERE")):
        return "FILTER takes WHERE and a condition."
    if word in functions and following is not None and following.is_word("SELECT"):
        return "A query as an argument stands in parentheses of its own."
    return ""
