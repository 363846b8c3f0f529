"""The order of a query's clauses, read from its tokens.

sqlglot takes WHERE after ORDER BY, and a JOIN without ON where the engine wants one; the tree does
not tell. So the tokens of each level of parentheses are read for what no engine takes.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.schema.cursor import show
from sqlstrictd.schema.scan import Token
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.verdict import Problem

_ORDER: Final = ("SELECT", "FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "QUALIFY", "ORDER")
_RANKS: Final = {word: rank for rank, word in enumerate(_ORDER)}
_LAST: Final = len(_RANKS)
_TAIL: Final = frozenset({"LIMIT", "OFFSET", "FETCH"})
_SET_WORDS: Final = ("UNION", "INTERSECT", "EXCEPT")
# A join may go without a condition, so commas and JOINs cannot be told apart by the tree.
_HAS_BARE_JOINS: Final = frozenset({"sqlite", "mysql"})


def check_clauses(
    tokens: tuple[Token, ...], names: dict[int, exp.Identifier], reporter: Reporter
) -> list[Problem]:
    """Refuse clauses in another order than SELECT FROM WHERE GROUP HAVING WINDOW ORDER LIMIT."""
    reached = [-1]
    for index, token in enumerate(tokens):
        if token.kind == "symbol" and token.text in "([":
            reached.append(-1)
        elif token.kind == "symbol" and token.text in ")]" and len(reached) > 1:
            reached.pop()
        if token.kind != "word" or token.start in names:
            continue
        word = token.value.upper()
        if word in _SET_WORDS:
            reached[-1] = -1
        rank = _LAST if word in _TAIL else _RANKS.get(word)
        if rank is None or _is_other(tokens, index, word):
            continue
        if rank < reached[-1] or (rank == reached[-1] and rank < _LAST):
            message = f"{show(word)} cannot stand after what is before it."
            return [reporter.problem("syntax", message, token.start)]
        reached[-1] = rank
    return []


def _is_other(tokens: tuple[Token, ...], index: int, word: str) -> bool:
    """Whether a word is part of another construct: IS DISTINCT FROM, or WITHIN GROUP."""
    before = tokens[index - 1] if index else None
    if word == "FROM":
        return before is not None and before.is_word("DISTINCT")
    if word == "GROUP":
        return before is not None and before.is_word("WITHIN")
    return False


def check_joins(
    tree: exp.Expr, tokens: tuple[Token, ...], dialect: str, reporter: Reporter
) -> list[Problem]:
    """Refuse a JOIN without condition where the dialect wants one; the tree shows it as a comma."""
    if dialect in _HAS_BARE_JOINS:
        return []
    written = sum(token.is_word("JOIN") for token in tokens)
    conditioned = sum(
        any(join.args.get(key) for key in ("on", "using", "kind", "side", "method"))
        for join in tree.find_all(exp.Join)
    )
    if written != conditioned:
        return [reporter.problem("syntax", "A JOIN has no condition.", 0)]
    return []
