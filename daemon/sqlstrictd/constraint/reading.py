"""A statement to its skeleton: what its queries read from, under which names.

Used for drafts that failed the last check, and for statements of somebody else's whose `writable`
is asked. It judges nothing: what it cannot make out is left out, and the grammar is then built from
the rest. Runs in a worker, for it parses with sqlglot.
"""

from __future__ import annotations

from dataclasses import replace

import sqlglot
from sqlglot import exp

from sqlstrictd.constraint.changes import read_change, target_of
from sqlstrictd.constraint.nesting import around, leaves, own_columns
from sqlstrictd.constraint.outputs import outputs_of
from sqlstrictd.constraint.scopes import ScopeColumn, table_columns
from sqlstrictd.constraint.skeleton import (
    Defined,
    FromClause,
    Output,
    Skeleton,
    Source,
)
from sqlstrictd.constraint.spelling import Spelling
from sqlstrictd.dialects import get
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema

# Queries of one statement that are read.
_MAX_QUERIES = 24
# Queries of a set operation after the first that are read.
_MAX_SIDES = 3


def skeleton_of(sql: str, schema: Schema, dialect: str) -> Skeleton:
    """Read the skeleton of a statement; one that cannot be parsed has an empty one.

    Raises:
        UnsupportedDialect: there are no facts of the dialect.
    """
    facts = get(dialect)
    try:
        tree = sqlglot.parse_one(sql, dialect=facts.parser)
    except (sqlglot.errors.SqlglotError, RecursionError):
        return Skeleton(())
    return _Reading(schema, dialect, Spelling(sql)).read(tree)


class _Reading:
    def __init__(self, schema: Schema, dialect: str, spelling: Spelling) -> None:
        self._schema = schema
        self._spelling = spelling
        self._facts = get(dialect)
        self._defined: dict[str, Defined] = {}
        self._clauses: dict[int, FromClause] = {}

    def read(self, tree: exp.Expr) -> Skeleton:
        selects = list(tree.find_all(exp.Select))[:_MAX_QUERIES]
        # Innermost first, so that what a query defines is known to those around it.
        for with_ in tree.find_all(exp.With):
            recurs = bool(with_.args.get("recursive"))
            for cte in with_.expressions:
                self._define(cte.alias, cte.this, _declared(cte), is_cte=True, may_recur=recurs)
        for select in reversed(selects):
            self._clause(select)
        clauses = [self._clauses[id(select)] for select in selects]
        change = read_change(tree, self._schema)
        if change is not None:
            table = self._schema.table(target_of(tree))
            clauses.insert(0, FromClause((Source(table.name),) if table else ()))
            change = replace(change, query=self._read_rows(tree))
        members = [
            "".join(output.value_class for output in self._outputs(node.left))
            for node in tree.find_all(exp.SetOperation)
            if isinstance(node.left, exp.Select)
        ]
        return Skeleton(
            tuple(dict.fromkeys(clause for clause in clauses if clause.sources)),
            tuple(self._defined.values()),
            tuple(dict.fromkeys(filter(None, members))),
            change,
        )

    def _read_rows(self, tree: exp.Expr) -> Defined | None:
        """The query that a view is made of, or that INSERT takes its rows from."""
        selects = leaves(tree.args.get("expression"))
        if not selects:
            return None
        outputs: dict[str, Output] = {}
        declared = [
            one.name
            for one in (tree.this.expressions if isinstance(tree.this, exp.Schema) else ())
            if isinstance(tree, exp.Create)
        ]
        for number, one in enumerate(self._outputs(selects[0])):
            name = declared[number] if number < len(declared) else one.name
            if name in ("", "*"):
                name = f"column_{number + 1}"
            while fold(name) in outputs:
                name += f"_{number + 1}"
            outputs[fold(name)] = replace(one, name=name)
        clause = self._clause(selects[0])
        if not clause.sources or not outputs:
            return None
        found = Defined("", tuple(outputs.values()), clause, is_cte=False)
        return replace(found, sides=self._sides(found, selects[1:]))

    def _define(
        self,
        name: str,
        query: exp.Expr,
        declared: list[str],
        is_cte: bool,
        may_recur: bool = False,
    ) -> None:
        selects = leaves(query)
        if not name or not selects or fold(name) in self._defined:
            return
        clause = self._clause(selects[0])
        outputs = self._outputs(selects[0])
        for number, given in enumerate(declared[: len(outputs)]):
            outputs[number] = replace(outputs[number], name=given)
        names = {fold(one.name) for one in outputs}
        if not outputs or not all(names) or len(names) < len(outputs):
            return
        found = Defined(name, tuple(outputs), clause, is_cte, is_listed=bool(declared))
        if may_recur and isinstance(query, exp.Union) and len(selects) == 2:
            self._defined[fold(name)] = found  # the second query may read it
            sides = self._sides(found, selects[1:])
            sources = [fold(one.name) for side in sides for one in side.clause.sources]
            if sources.count(fold(name)) == 1:
                self._defined[fold(name)] = replace(found, sides=sides, is_recursive=True)
                return
            del self._defined[fold(name)]
        if clause.sources:
            self._defined[fold(name)] = replace(found, sides=self._sides(found, selects[1:]))

    def _sides(self, first: Defined, selects: list[exp.Select]) -> tuple[Defined, ...]:
        """Read the further queries of a set operation; none where one does not fit the first."""
        found = []
        for select in selects:
            outputs, clause = self._outputs(select), self._clause(select)
            if not clause.sources or len(outputs) != len(first.outputs):
                return ()
            kept = tuple(
                replace(one, is_total=own.is_total)
                for one, own in zip(first.outputs, outputs, strict=True)
            )
            found.append(Defined("", kept, clause, is_cte=False))
        return tuple(found) if len(found) <= _MAX_SIDES else ()

    def _clause(self, select: exp.Select) -> FromClause:
        if id(select) not in self._clauses:
            # Set first: a query that reads from itself is not followed for ever.
            self._clauses[id(select)] = FromClause(())
            self._clauses[id(select)] = self._read_clause(select)
        return self._clauses[id(select)]

    def _read_clause(self, select: exp.Select) -> FromClause:
        sources = self._sources(select)
        aliases = {fold(item.alias) for item in select.expressions if isinstance(item, exp.Alias)}
        computed = {
            fold(item.alias): item.this
            for item in select.expressions
            if isinstance(item, exp.Alias) and not self._has_column(sources, item.alias)
        }
        keys, order = [], []
        group = select.args.get("group")
        for term in group.expressions if group else ():
            if isinstance(term, exp.Literal) and not term.is_string:
                place = int(term.this) - 1
                if 0 <= place < len(select.expressions):
                    term = select.expressions[place].unalias()
            # Some engines take the name of an output for what it is computed of.
            if isinstance(term, exp.Column) and not term.table and fold(term.name) in computed:
                term = computed[fold(term.name)]
            keys.append(_spelled(term) if isinstance(term, exp.Column) else self._spelling.of(term))
        sorting = select.args.get("order")
        for term in sorting.expressions if sorting else ():
            column = term.this if isinstance(term, exp.Ordered) else term
            if isinstance(column, exp.Column) and not column.table and fold(column.name) in aliases:
                order.append(column.name)
        outer = self._outer(select, sources)
        pairs = _pairs(select, sources)
        return FromClause(
            tuple(sources),
            outer,
            tuple(dict.fromkeys(filter(None, keys))),
            tuple(dict.fromkeys(order)),
            pairs,
        )

    def _sources_of(self, node: exp.Expr) -> list[Source]:
        """The sources of a query, or the one table that an UPDATE or DELETE is about."""
        if isinstance(node, exp.Select):
            return self._sources(node)
        table = self._schema.table(target_of(node))
        return [Source(table.name)] if table is not None else []

    def _sources(self, select: exp.Select) -> list[Source]:
        """The sources of a query in order; none where one is not known."""
        clause = select.args.get("from_")
        found: list[Source] = []
        nodes = [(clause.this, None)] if clause is not None else []
        nodes += [(join.this, join) for join in select.args.get("joins") or ()]
        for node, join in nodes:
            joined = "on"
            on = join.args.get("on") if join is not None else None
            has_condition = on is not None and not isinstance(on, exp.Boolean)
            if join is not None and not has_condition and not join.args.get("using"):
                joined = (
                    "on" if str(join.args.get("method") or "").upper() == "NATURAL" else "cross"
                )
            if isinstance(node, exp.Subquery):
                self._define(node.alias, node.this, _declared(node), is_cte=False)
                name = node.alias
                if fold(name) not in self._defined:
                    return []
                found.append(Source(self._defined[fold(name)].name, "", joined))
                continue
            if not isinstance(node, exp.Table):
                return []
            known = self._defined.get(fold(node.name))
            table = self._schema.table(node.name)
            if known is None and table is None:
                return []
            name = known.name if known is not None else table.name if table else ""
            alias = node.alias if node.alias and node.alias != name else ""
            found.append(Source(name, alias, joined))
        return found

    def _outer(self, select: exp.Select, sources: list[Source]) -> tuple[Source, ...]:
        """The sources of the queries around that this query refers to."""
        own = {fold(one.alias or one.name) for one in sources}
        found: dict[Source, None] = {}
        for column in own_columns(select):
            if not column.table or fold(column.table) in own:
                continue
            for outside in around(select):
                for source in self._sources_of(outside):
                    if fold(source.alias or source.name) == fold(column.table):
                        found[source] = None
        return tuple(found)

    def _columns(self, source: Source) -> tuple[ScopeColumn, ...]:
        defined = self._defined.get(fold(source.name))
        if defined is not None:
            return tuple(ScopeColumn(o.name, o.value_class, o.type) for o in defined.outputs)
        table = self._schema.table(source.name)
        return table_columns(table, self._facts) if table is not None else ()

    def _has_column(self, sources: list[Source], name: str) -> bool:
        return any(fold(c.name) == fold(name) for one in sources for c in self._columns(one))

    def _outputs(self, select: exp.Select) -> list[Output]:
        sources = self._clause(select).sources
        known = {fold(one.alias or one.name): self._columns(one) for one in sources}
        return outputs_of(select, known, self._facts)


def _pairs(select: exp.Select, sources: list[Source]) -> tuple[tuple[str, str], ...]:
    """The pairs of qualified columns that the joins of a query hold equal."""
    labels = {"", *(fold(one.alias or one.name) for one in sources)}
    found: dict[tuple[str, str], None] = {}
    for join in select.args.get("joins") or ():
        condition = join.args.get("on")
        for equal in condition.find_all(exp.EQ) if condition is not None else ():
            left, right = equal.left, equal.right
            if isinstance(left, exp.Column) and isinstance(right, exp.Column):
                if {fold(left.table), fold(right.table)} <= labels:
                    found[_spelled(left), _spelled(right)] = None
    return tuple(found)


def _spelled(column: exp.Column) -> str:
    return f"{column.table}.{column.name}" if column.table else str(column.name)


def _declared(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    return [column.name for column in alias.args.get("columns") or ()] if alias else []
