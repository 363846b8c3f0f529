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


def check_as(
    tree: exp.Expr,
    tokens: tuple[Token, ...],
    names: dict[int, exp.Identifier],
    reporter: Reporter,
) -> list[Problem]:
    """Refuse an AS that nothing is named or cast by, and a query in WITH that has none.

    sqlglot passes over SELECT AS x, and takes WITH q (SELECT 1).
    """
    casts: list[bool] = []
    n_bodies = 0
    for before, token, following in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
        if token.is_symbol("("):
            casts.append(before is not None and before.is_word("CAST", "TRY_CAST"))
        elif token.is_symbol(")") and casts:
            casts.pop()
        if not token.is_word("AS") or token.start in names:
            continue
        if before is None or before.is_word("SELECT", "DISTINCT") or before.is_symbol(","):
            return [reporter.problem("syntax", "Nothing is named by this AS.", token.start)]
        if casts and casts[-1]:
            continue
        if following is not None and following.start in names and following.kind != "number":
            if isinstance(names[following.start].parent, exp.Alias | exp.TableAlias):
                continue
        elif following is not None and following.kind == "string":
            continue
        if following is None or not _begins_body(following):
            return [reporter.problem("syntax", "No name follows this AS.", token.start)]
        n_bodies += 1
    defined = sum(isinstance(node.args.get("windows"), list) and len(node.args["windows"])
                  for node in tree.find_all(exp.Select))  # fmt: skip
    defined += sum(1 for _ in tree.find_all(exp.CTE))
    defined += isinstance(tree, exp.Create) and str(tree.kind).upper() == "VIEW"
    if n_bodies != defined:
        return [reporter.problem("syntax", "A query or window is defined without AS.", 0)]
    return []


def _begins_body(token: Token) -> bool:
    """Whether what WITH, WINDOW or CREATE VIEW defines begins here."""
    words = ("MATERIALIZED", "NOT", "SELECT", "WITH", "VALUES")
    return token.is_symbol("(") or token.is_word(*words)


def check_frames(tree: exp.Expr, tokens: tuple[Token, ...], reporter: Reporter) -> list[Problem]:
    """Refuse a window's frame with two ends and no BETWEEN."""
    written = sum(
        token.is_word("ROWS", "RANGE", "GROUPS") and following.is_word("BETWEEN")
        for token, following in zip(tokens, tokens[1:], strict=False)
    )
    if written != sum(bool(spec.args.get("end")) for spec in tree.find_all(exp.WindowSpec)):
        return [reporter.problem("syntax", "A frame has two ends after BETWEEN alone.", 0)]
    return []


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
