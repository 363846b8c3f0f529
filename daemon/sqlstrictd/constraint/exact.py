"""Schema and skeleton to the grammar of statements in which every name is in scope.

SQL names its columns before its tables. The skeleton says which FROM clauses a statement may have,
so each gets a copy of the rules of its own, in which every name is in scope and every expression
has a type that the dialect takes; the parser keeps all copies open until the text decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlstrictd.constraint.assembly import Assembly, alias_terminal
from sqlstrictd.constraint.clauses import Clauses
from sqlstrictd.constraint.constants import add_constants
from sqlstrictd.constraint.grammar import Grammar
from sqlstrictd.constraint.group_keys import NamedQueries
from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.own_tables import defined_rule, needs_of
from sqlstrictd.constraint.scopes import ColumnRules, Scope
from sqlstrictd.constraint.sets import JoinKeys, join_keys
from sqlstrictd.constraint.skeleton import Defined, FromClause, Skeleton
from sqlstrictd.constraint.sources import FromRules
from sqlstrictd.constraint.terminals import any_of
from sqlstrictd.constraint.writes import Target, Writes, needs_of_writes
from sqlstrictd.dialects import get
from sqlstrictd.dialects.facts import STATEMENT_WORDS
from sqlstrictd.policy import Policy
from sqlstrictd.schema.names import fold, quote_name
from sqlstrictd.schema.types import Schema

# Copies of the rules in one grammar: each costs time to compile, and to find the first tokens.
MAX_SCOPES = 6
_CHANGING = frozenset({"insert", "update", "delete"})


def exact_grammar(
    schema: Schema, skeleton: Skeleton, dialect: str, policy: Policy, max_scopes: int = MAX_SCOPES
) -> Grammar:
    """Write the grammar of the statements that read from what the skeleton does.

    The order of its clauses is their order of preference; those beyond `max_scopes` are left out.

    Raises:
        UnsupportedDialect: there are no facts of the dialect.
        ValueError: no clause has sources that exist, and no allowed kind writes.
    """
    return _Exact(schema, skeleton, dialect, policy, max_scopes).grammar()


class _Exact:
    def __init__(
        self, schema: Schema, skeleton: Skeleton, dialect: str, policy: Policy, max_scopes: int
    ) -> None:
        self._schema = schema
        self._policy = policy
        self._dialect = get(dialect)
        manner = Manner.exact(self._dialect)
        self._assembly = Assembly(manner, tuple(_vectors(skeleton, manner)))
        self._columns = ColumnRules(manner, self._assembly.terminals)
        self._keys: JoinKeys = join_keys(schema)
        self._skeleton = skeleton
        clauses = Clauses(schema, self._keys, self._assembly, self._columns)
        for one in skeleton.defined:
            clauses.define(one)
        self._defined, self._bodies = clauses.defined, clauses.bodies
        self._scopes: dict[FromClause, Scope] = {}
        for clause in skeleton.clauses:
            scope = clauses.scope(clause, f"s{len(self._scopes)}")
            if scope is not None and len(self._scopes) < max_scopes:
                self._scopes[clause] = scope
        change = skeleton.change
        self._view = change.query if change is not None and "create_view" in policy.kinds else None
        self._view_scopes: list[Scope | None] = []
        if self._view is not None:
            self._view, self._view_scopes = clauses.scopes_of(self._view, "v0")
        self._from = FromRules(self._keys, self._assembly.terminals, manner.is_typed, self._body_of)

    def grammar(self) -> Grammar:
        """Write it."""
        assembly, manner = self._assembly, self._assembly.manner
        assembly.terminals.define(
            "ALIAS", alias_terminal(self._dialect.reserved_words | STATEMENT_WORDS)
        )
        needs = self._needs_of_names()
        if not self._policy.only_reads:
            needs += needs_of_writes(assembly)
        shunned = self._shunned()
        for scope in self._scopes.values():
            own = self._own_rules(scope)
            for depth in (0, 1):
                own |= NamedQueries(manner, scope, depth).rules()
            assembly.add_scope(
                scope.label,
                own,
                is_main=not scope.outer,
                is_inner=not any(one.name in shunned for one in scope.instances),
                inside=self._around(scope),
                further=needs,
            )
        for name, bodies in self._bodies.items():
            self._add_body(self._defined[name], bodies)
        if self._view is not None:
            self._add_body(self._view, self._view_scopes)
        assembly.settle()
        for name, one in self._defined.items():
            defined_rule(assembly, one, self._bodies[name], self._rule_of(one))
        head = self._head()
        statements: list[str] = []
        if "select" in self._policy.kinds:
            statements += self._queries(head)
        if not self._policy.only_reads:
            writes = Writes(assembly, self._schema, self._policy)
            scopes = list(self._scopes.values())
            change = self._skeleton.change
            statements += writes.exact(self._targets(), scopes, change, head, self._view_query())
        if not statements:
            raise ValueError("no statement can be written from this skeleton")
        return Grammar.of(assembly.text(statements))

    def _add_body(self, defined: Defined, scopes: list[Scope | None]) -> None:
        for number, scope in enumerate(scopes):
            if scope is not None:
                self._assembly.add_scope(
                    scope.label,
                    self._own_rules(scope, is_step=bool(number) and defined.is_recursive),
                    is_main=False,
                    is_inner=False,
                    further=needs_of(defined, self._assembly.manner),
                )

    def _own_rules(self, scope: Scope, is_step: bool = False) -> dict[str, list[str]]:
        own = self._columns.rules(scope)
        own["from"] = self._from.rules(scope, is_inner=is_step)
        return own

    def _targets(self) -> list[Target]:
        """The tables that may be written: the draft's, or those that stand alone in a clause."""
        found: dict[str, Target] = {}
        for scope in self._scopes.values():
            (one, *others), table = scope.instances, self._schema.table(scope.instances[0].name)
            is_alone = not others and not scope.outer and not one.alias and not one.is_defined
            if is_alone and table is not None and table.name not in found:
                found[table.name] = Target(table, scope.label)
        change = self._skeleton.change
        if change is not None and change.table in found:
            return [found[change.table]]
        return list(found.values())

    def _shunned(self) -> set[str]:
        """The tables that no query inside may read: MySQL's, while they are written."""
        if self._dialect.name != "mysql" or not self._policy.kinds & _CHANGING:
            return set()
        change = self._skeleton.change
        if change is None and "select" in self._policy.kinds:
            return set()
        return {one.table.name for one in self._targets()}

    def _view_query(self) -> str:
        """Add the queries that a view may be made of; return their rule, empty for none."""
        if "create_view" not in self._policy.kinds:
            return ""
        if self._view is not None and any(self._view_scopes):
            defined_rule(self._assembly, self._view, self._view_scopes, "view")
        for scope in self._scopes.values():
            names = [fold(column.name) for one in scope.instances for column in one.columns]
            if not scope.outer and len(set(names)) == len(names):
                self._assembly.add("view", f'"SELECT " "*" source_0_{scope.label}')
        return "view" if "view" in self._assembly.rule_names() else ""

    def _needs_of_names(self) -> tuple[str, ...]:
        return tuple(
            name
            for d in (0, 1)
            for name in (f"total_{d}", f"having_{d}", f"plain_{d}", f"source_{d}")
        ) + ("totterm", "plain", "total", "groups")

    def _queries(self, head: str) -> list[str]:
        queries = self._assembly.queries()
        if not head:  # after WITH comes a query of tables
            add_constants(self._assembly, queries)
        self._assembly.add("query", *queries)
        return [f"{head} query".strip()]

    def _head(self) -> str:
        """Write the WITH of the statement; empty where it has none."""
        dialect = self._dialect.name
        heads = []
        for one in (one for one in self._defined.values() if one.is_cte):
            names = [quote_name(one.name, dialect)]
            if one.is_listed:
                listed = ", ".join(quote_name(output.name, dialect) for output in one.outputs)
                names = [f"{names[0]} ({listed})", f"{names[0]}({listed})"]
            opened = any_of(f"{name} AS (" for name in names)
            heads.append(f'({opened}) {self._rule_of(one)} ")"')
        recurs = any(one.is_recursive for one in self._defined.values())
        word = "WITH RECURSIVE " if recurs else "WITH "
        return f'"{word}" ' + ' ", " '.join(heads) + ' " "' if heads else ""

    def _around(self, scope: Scope) -> tuple[str, ...]:
        """The labels of the scopes that it may stand in alone; none where it may in any.

        What it refers to outside of it must be there; and a query that reads from a table of the
        statement's own must not stand in that table's definition.
        """
        if not scope.outer:
            if any(one.is_defined for one in scope.instances):
                return tuple(other.label for other in self._scopes.values())
            return ()
        wanted = {(fold(one.label), one.name) for one in scope.outer}
        return tuple(
            other.label
            for other in self._scopes.values()
            if other is not scope
            and wanted <= {(fold(i.label), i.name) for i in (*other.instances, *other.outer)}
        )

    def _body_of(self, name: str) -> str:
        """Name the rule of a derived table's query; empty for a table of WITH."""
        defined = self._defined[fold(name)]
        return "" if defined.is_cte else self._rule_of(defined)

    def _rule_of(self, defined: Defined) -> str:
        return f"def_{list(self._defined).index(fold(defined.name))}"


def _vectors(skeleton: Skeleton, manner: Manner) -> Iterator[str]:
    """Yield the classes of columns that sides of set operations may have."""
    found: dict[str, None] = {}
    if manner.is_typed:
        found |= dict.fromkeys(("n", "t", "d"))
        for members in skeleton.members:
            letters = members.replace("X", "N").lower()
            if len(letters) <= 6 and set(letters) <= set("ntds"):
                found[letters] = None
    else:
        found |= dict.fromkeys("v" * count for count in range(1, 6))
    yield from found
