"""The checks in order, each only on what the one before let through, into one verdict.

Whatever a check cannot do counts as failed: no statement passes because nobody looked.
"""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from sqlstrictd.errors import UnsupportedDialect
from sqlstrictd.policy import READ_ONLY, Policy
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify.functions import FUNCTIONS
from sqlstrictd.verify.lexical import (
    MAX_PROBLEMS,
    Lexed,
    Reporter,
    check_functions,
    check_quoted_names,
    lex,
)
from sqlstrictd.verify.prepare import ENGINE, prepare
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.tree import check_counts, check_nodes, defined_names, names_in_strings, parse
from sqlstrictd.verify.verdict import Problem, StatementKind, Verdict

_NEAR: Final = re.compile(r'near "(.+)": syntax error$', re.DOTALL)


def check_statement(
    sql: str, schema: Schema, dialect: str = "sqlite", policy: Policy = READ_ONLY
) -> Verdict:
    """Judge a statement on a schema. A final semicolon may stand or not.

    Raises:
        UnsupportedDialect: no functions are listed for the dialect.
    """
    if dialect not in FUNCTIONS:
        known = ", ".join(FUNCTIONS)
        raise UnsupportedDialect(f"no statement of dialect {dialect!r} is checked; known: {known}")
    reporter = Reporter(sql)
    lexed = lex(sql, dialect, reporter)
    if lexed.problems:
        return Verdict("unknown", lexed.is_single, False, False, lexed.problems)
    tree = parse(sql, reporter)
    if isinstance(tree, Problem):
        return Verdict("unknown", lexed.is_single, False, False, (tree,))
    try:
        return _check_tree(sql, tree, lexed, schema, dialect, reporter)
    except RecursionError:
        problem = Problem("syntax", "The statement is nested too deeply for the checker.")
        return Verdict("unknown", lexed.is_single, False, False, (problem,))


def _check_tree(
    sql: str, tree: exp.Expr, lexed: Lexed, schema: Schema, dialect: str, reporter: Reporter
) -> Verdict:
    defined = defined_names(tree)
    problems = [
        *check_functions(lexed.tokens, dialect, defined, reporter),
        *check_nodes(tree, dialect, reporter),
        *check_counts(tree, lexed.tokens, reporter),
    ]
    if problems:
        # The tokens and the tree may say the same of one function: the tokens' place is the better.
        unique = {problem.message: problem for problem in reversed(problems)}
        kind: StatementKind = "select" if _only_reads(tree) else "other"
        found = tuple(reversed(unique.values()))[:MAX_PROBLEMS]
        return Verdict(kind, lexed.is_single, False, False, found)
    resolver = Resolver(schema, dialect, reporter)
    resolver.resolve(tree)
    problems = resolver.problems or check_quoted_names(lexed.tokens, schema, defined, reporter)
    for token in names_in_strings(tree, lexed.tokens):
        message = "A string stands here where a name is expected."
        problems = [*problems, reporter.problem("scope", message, token.start)]
    if problems:
        return Verdict("select", True, False, False, tuple(problems[:MAX_PROBLEMS]))
    error, reads = prepare(sql, schema)
    error = error or _compare(reads, resolver)
    if error:
        message = f"{ENGINE} does not prepare it: {error}."
        problems = [reporter.problem("prepare", message, _find_error(error, lexed.tokens))]
    return Verdict(
        kind="select",
        is_single=True,
        in_scope=True,
        prepares=not error,
        problems=tuple(problems),
        tables=tuple(sorted(resolver.tables)),
        columns=tuple(sorted(resolver.columns)),
        engine=ENGINE,
        checks=("syntax", "kind", "scope") if error else ("syntax", "kind", "scope", "prepare"),
    )


def _find_error(error: str, tokens: tuple[Token, ...]) -> int:
    """Return the offset of the token that SQLite's error names; -1 unless there is just one."""
    named = _NEAR.match(error)
    offsets = [token.start for token in tokens if named and token.text == named.group(1)]
    return offsets[0] if len(offsets) == 1 else -1


def _only_reads(tree: exp.Expr) -> bool:
    """Whether a statement with problems is a query all the same, and writes nowhere inside."""
    writing = (exp.DML, exp.DDL, exp.Command, exp.Pragma, exp.Into, exp.Lock)
    return isinstance(tree, exp.Query) and not any(
        isinstance(node, writing) and not isinstance(node, exp.Query) for node in tree.walk()
    )


def _compare(reads: set[tuple[str, str]], resolver: Resolver) -> str:
    """Say what SQLite would read that the scope check did not see; empty where nothing."""
    columns = {fold(column) for column in resolver.columns}
    unseen = sorted(f"{table}.{column}" for table, column in reads)
    unseen = [name for name in unseen if name not in columns]
    return f"it reads {', '.join(unseen)}, which the scope check did not see" if unseen else ""
