"""The checks in order, each only on what the one before let through, into one verdict.

Whatever a check cannot do counts as failed: no statement passes because nobody looked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from sqlglot import exp

from sqlstrictd.policy import READ_ONLY, Policy
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Token
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import definitions, duckdb_engine, writes
from sqlstrictd.verify.clauses import check_as, check_clauses, check_frames, check_joins
from sqlstrictd.verify.declared import DeclaredType, declared_types
from sqlstrictd.verify.kinds import kind_of
from sqlstrictd.verify.lexical import MAX_PROBLEMS, Reporter, lex
from sqlstrictd.verify.prepare import Prepared, prepare
from sqlstrictd.verify.rules import Rules, rules_of
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.slips import check_slips
from sqlstrictd.verify.tree import check_counts, check_nodes, find_offset, parse
from sqlstrictd.verify.types import check_types
from sqlstrictd.verify.types import rules_of as rules_of_types
from sqlstrictd.verify.unfiltered import holds_always
from sqlstrictd.verify.verdict import CheckName, Problem, StatementKind, Verdict
from sqlstrictd.verify.words import (
    check_calls,
    check_literals,
    check_quoted_names,
    check_reserved,
    check_words,
    name_offsets,
    names_in_strings,
)

_NEAR: Final = re.compile(r'near "(.+)": syntax error$', re.DOTALL)
_DECLARING: Final = ("create_table", "alter_table")
# Where a name in double quotes that nobody defines is read as a string.
_QUOTES_STRINGS: Final = ("sqlite", "ansi")


def check_statement(
    sql: str, schema: Schema, dialect: str = "sqlite", policy: Policy = READ_ONLY
) -> Verdict:
    """Judge a statement on a schema. A final semicolon may stand or not.

    Raises:
        UnsupportedDialect: there is no such dialect.
    """
    rules = rules_of(dialect)
    reporter = Reporter(sql)
    lexed = lex(sql, dialect, reporter)
    if lexed.problems:
        return Verdict("unknown", lexed.is_single, False, False, lexed.problems)
    tree = parse(sql, rules.facts.parser, reporter)
    if isinstance(tree, Problem):
        return Verdict("unknown", lexed.is_single, False, False, (tree,))
    try:
        return _Check(sql, lexed.tokens, tree, schema, rules, policy, reporter).judge()
    except RecursionError:
        problem = Problem("syntax", "The statement is nested too deeply for the checker.")
        return Verdict("unknown", lexed.is_single, False, False, (problem,))


def needs_types(dialect: str) -> bool:
    """Whether our own type check stands for an engine that is not here, or is less strict."""
    return dialect != "sqlite" and not (dialect == "duckdb" and duckdb_engine.is_installed())


class _Check:
    """One statement, parsed, on its way through the checks that need its tree."""

    def __init__(
        self,
        sql: str,
        tokens: tuple[Token, ...],
        tree: exp.Expr,
        schema: Schema,
        rules: Rules,
        policy: Policy,
        reporter: Reporter,
    ) -> None:
        self._sql = sql
        self._tokens = tokens
        self._tree = tree
        self._schema = schema
        self._rules = rules
        self._policy = policy
        self._reporter = reporter
        self._dialect = rules.facts.name
        self._kind: StatementKind = kind_of(tree)
        self._names = name_offsets(tree)
        self._passed: list[CheckName] = ["syntax"]

    def judge(self) -> Verdict:
        """Return the verdict of the first check that finds problems, or of them all."""
        types = declared_types(self._tree, self._tokens) if self._kind in _DECLARING else []
        problems = self._check_kind() or self._check_form(types)
        if problems:
            return self._verdict(problems)
        self._passed.append("kind")
        resolver = Resolver(self._schema, self._dialect, self._reporter)
        self._resolve(resolver, types)
        problems = resolver.problems or self._check_names_in_quotes()
        if problems:
            return self._verdict(problems)
        self._passed.append("scope")
        if needs_types(self._dialect):
            problems = check_types(self._sql, self._schema, self._dialect, self._reporter)
            if problems:
                return self._verdict(problems, resolver)
            if rules_of_types(self._dialect).is_typed:
                self._passed.append("types")
        return self._prepare(resolver)

    def _check_kind(self) -> list[Problem]:
        """Refuse a statement of a kind, or for as many rows, as the policy does not allow."""
        if self._kind == "other":
            return check_nodes(self._tree, self._kind, self._rules, self._reporter)
        if self._kind not in self._policy.kinds:
            allowed = ", ".join(sorted(map(_say, self._policy.kinds)))
            message = f"{_say(self._kind)} is not allowed here; allowed: {allowed}."
            return [self._reporter.problem("kind", message, self._tokens[0].start)]
        if self._kind not in ("update", "delete") or self._policy.allows_unfiltered:
            return []
        where = self._tree.args.get("where")
        if where is None:
            message = f"{_say(self._kind)} without WHERE is not allowed here."
            return [self._reporter.problem("policy", message, self._tokens[0].start)]
        if holds_always(where.this, self._dialect):
            message = "A WHERE that holds for every row is none, and is not allowed here."
            return [self._reporter.problem("policy", message, find_offset(where))]
        return []

    def _check_form(self, types: Sequence[DeclaredType]) -> list[Problem]:
        """Refuse what is no statement of its kind, in its words and in its tree."""
        typed = frozenset(offset for declared in types for offset in declared.offsets)
        tokens = tuple(token for token in self._tokens if token.start not in typed)
        problems = [
            *check_calls(tokens, self._names, self._kind, self._rules, self._reporter),
            *check_nodes(self._tree, self._kind, self._rules, self._reporter),
            *check_counts(self._tree, self._tokens, self._dialect, self._reporter),
            *check_slips(
                self._tokens, frozenset(self._names), self._rules.functions, self._reporter
            ),
            *check_clauses(self._tokens, self._names, self._reporter),
            *check_frames(self._tree, self._tokens, self._reporter),
            *check_as(self._tree, self._tokens, self._names, self._reporter),
            *check_joins(self._tree, self._tokens, self._dialect, self._reporter),
            *check_reserved(tokens, self._names, self._rules, self._reporter),
        ]
        if not problems:
            problems = [
                *check_words(tokens, self._names, self._kind, self._rules, self._reporter),
                *check_literals(
                    self._tree, self._tokens, self._names, typed, self._rules, self._reporter
                ),
            ]
        # The tokens and the tree may say the same of one function: the tokens' place is the better.
        unique = {problem.message: problem for problem in reversed(problems)}
        return list(reversed(unique.values()))

    def _resolve(self, resolver: Resolver, types: Sequence[DeclaredType]) -> None:
        tree = self._tree
        if isinstance(tree, exp.Create):
            definitions.check_options(resolver, tree)
        if isinstance(tree, exp.Insert):
            writes.resolve_insert(resolver, tree)
        elif isinstance(tree, exp.Update):
            writes.resolve_update(resolver, tree)
        elif isinstance(tree, exp.Delete):
            writes.resolve_delete(resolver, tree)
        elif isinstance(tree, exp.Alter):
            definitions.resolve_alter(resolver, tree, types)
        elif isinstance(tree, exp.Create) and self._kind == "create_table":
            definitions.resolve_table(resolver, tree, types)
        elif isinstance(tree, exp.Create) and self._kind == "create_view":
            definitions.resolve_view(resolver, tree)
        elif isinstance(tree, exp.Create):
            definitions.resolve_index(resolver, tree)
        else:
            resolver.resolve(tree)

    def _check_names_in_quotes(self) -> list[Problem]:
        """Refuse strings that stand for names, and names in quotes that stand for strings."""
        problems = []
        is_query = self._kind in ("select", "insert", "update", "delete")
        if is_query and self._dialect in _QUOTES_STRINGS:
            problems = check_quoted_names(
                self._tokens, self._names, self._tree, self._schema, self._reporter
            )
        for token in names_in_strings(self._tokens, self._names):
            message = "A string stands here where a name is expected."
            problems.append(self._reporter.problem("scope", message, token.start))
        return problems

    def _prepare(self, resolver: Resolver) -> Verdict:
        """Let an engine judge what all our own checks let through."""
        prepared = prepare(self._sql, self._tokens, self._schema, self._dialect, self._kind)
        if prepared is not None and not prepared.error and self._kind == "create_view":
            # SQLite does not look into a view until it is used.
            body = self._sql[self._view_query() :]
            prepared = prepare(body, self._tokens, self._schema, self._dialect, "select")
        if prepared is None:
            return self._verdict([], resolver)
        error = prepared.error or _compare(prepared, resolver)
        if not error:
            self._passed.append("prepare")
            return self._verdict([], resolver, prepared.engine)
        message = f"{prepared.engine} does not prepare it: {error}."
        offset = _find_error(error, self._tokens)
        problem = self._reporter.problem("prepare", message, offset)
        return self._verdict([problem], resolver, prepared.engine)

    def _view_query(self) -> int:
        """Return the offset of the query after CREATE VIEW ... AS."""
        return next(token.end for token in self._tokens if token.is_word("AS"))

    def _verdict(
        self, problems: Sequence[Problem], resolver: Resolver | None = None, engine: str = ""
    ) -> Verdict:
        is_in_scope = resolver is not None
        return Verdict(
            kind=self._kind,
            is_single=True,
            in_scope=is_in_scope,
            prepares=is_in_scope and not problems,
            problems=tuple(problems[:MAX_PROBLEMS]),
            tables=tuple(sorted(resolver.tables)) if resolver else (),
            columns=tuple(sorted(resolver.columns)) if resolver else (),
            engine=engine,
            checks=tuple(self._passed),
        )


def _say(kind: str) -> str:
    return kind.replace("_", " ").upper()


def _find_error(error: str, tokens: tuple[Token, ...]) -> int:
    """Return the offset of the token that SQLite's error names; -1 unless there is just one."""
    named = _NEAR.match(error)
    offsets = [token.start for token in tokens if named and token.text == named.group(1)]
    return offsets[0] if len(offsets) == 1 else -1


def _compare(prepared: Prepared, resolver: Resolver) -> str:
    """Say what an engine would read that the scope check did not see; empty where nothing."""
    columns = {fold(column) for column in resolver.columns}
    unseen = sorted(f"{table}.{column}" for table, column in prepared.reads or ())
    unseen = [name for name in unseen if name not in columns]
    return f"it reads {', '.join(unseen)}, which the scope check did not see" if unseen else ""
