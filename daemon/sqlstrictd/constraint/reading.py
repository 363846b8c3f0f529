"""A statement to its skeleton: what its queries read from, under which names.

Used for drafts that failed the last check, and for statements of somebody else's whose `writable`
is asked. It judges nothing: what it cannot make out is left out, and the grammar is then built from
the rest. Runs in a worker, for it parses with sqlglot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import sqlglot
from sqlglot import exp

from sqlstrictd.constraint.changes import read_change, target_of
from sqlstrictd.constraint.inference import Resolve, infer_class
from sqlstrictd.constraint.scopes import ScopeColumn, table_columns
from sqlstrictd.constraint.skeleton import Defined, FromClause, Output, Skeleton, Source
from sqlstrictd.dialects import get
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema

# Queries of one statement that are read.
_MAX_QUERIES = 24


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
    return _Reading(schema, dialect).read(tree)


class _Reading:
    def __init__(self, schema: Schema, dialect: str) -> None:
        self._schema = schema
        self._facts = get(dialect)
        self._defined: dict[str, Defined] = {}
        self._clauses: dict[int, FromClause] = {}

    def read(self, tree: exp.Expr) -> Skeleton:
        selects = list(tree.find_all(exp.Select))[:_MAX_QUERIES]
        # Innermost first, so that what a query defines is known to those around it.
        for with_ in tree.find_all(exp.With):
            for cte in with_.expressions:
                self._define(cte.alias, cte.this, _declared(cte), is_cte=True)
        for select in reversed(selects):
            self._clause(select)
        clauses = [self._clauses[id(select)] for select in selects]
        change = read_change(tree, self._schema)
        if change is not None:
            table = self._schema.table(target_of(tree))
            clauses.insert(0, FromClause((Source(table.name),) if table else ()))
            change = replace(change, query=self._read_rows(tree))
        members = [
            "".join(self._letters(node.left))
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
        first = tree.args.get("expression")
        while isinstance(first, exp.SetOperation | exp.Subquery):
            first = first.this
        if not isinstance(first, exp.Select):
            return None
        outputs: dict[str, Output] = {}
        declared = [
            one.name
            for one in (tree.this.expressions if isinstance(tree.this, exp.Schema) else ())
            if isinstance(tree, exp.Create)
        ]
        for number, one in enumerate(self._outputs(first)):
            name = declared[number] if number < len(declared) else one.name
            if name in ("", "*"):
                name = f"column_{number + 1}"
            while fold(name) in outputs:
                name += f"_{number + 1}"
            outputs[fold(name)] = replace(one, name=name)
        clause = self._clause(first)
        if not clause.sources or not outputs:
            return None
        return Defined("", tuple(outputs.values()), clause, is_cte=False)

    def _define(self, name: str, query: exp.Expr, declared: list[str], is_cte: bool) -> None:
        first = query
        while isinstance(first, exp.SetOperation | exp.Subquery):
            first = first.this
        if not name or not isinstance(first, exp.Select) or fold(name) in self._defined:
            return
        clause = self._clause(first)
        outputs = self._outputs(first)
        for number, given in enumerate(declared[: len(outputs)]):
            old = outputs[number]
            outputs[number] = Output(given, old.value_class, old.is_total)
        names = {fold(one.name) for one in outputs}
        if clause.sources and outputs and all(names) and len(names) == len(outputs):
            self._defined[fold(name)] = Defined(name, tuple(outputs), clause, is_cte)

    def _clause(self, select: exp.Select) -> FromClause:
        if id(select) not in self._clauses:
            # Set first: a query that reads from itself is not followed for ever.
            self._clauses[id(select)] = FromClause(())
            self._clauses[id(select)] = self._read_clause(select)
        return self._clauses[id(select)]

    def _read_clause(self, select: exp.Select) -> FromClause:
        sources = self._sources(select)
        aliases = {fold(item.alias) for item in select.expressions if isinstance(item, exp.Alias)}
        keys, order = [], []
        group = select.args.get("group")
        for term in group.expressions if group else ():
            if isinstance(term, exp.Literal) and not term.is_string:
                place = int(term.this) - 1
                if 0 <= place < len(select.expressions):
                    term = select.expressions[place].unalias()
            if isinstance(term, exp.Column):
                keys.append(_spelled(term))
        sorting = select.args.get("order")
        for term in sorting.expressions if sorting else ():
            column = term.this if isinstance(term, exp.Ordered) else term
            if isinstance(column, exp.Column) and not column.table and fold(column.name) in aliases:
                order.append(column.name)
        outer = self._outer(select, sources)
        pairs = _pairs(select, sources)
        return FromClause(
            tuple(sources), outer, tuple(dict.fromkeys(keys)), tuple(dict.fromkeys(order)), pairs
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
        for column in _own_columns(select):
            if not column.table or fold(column.table) in own:
                continue
            for around in _around(select):
                for source in self._sources_of(around):
                    if fold(source.alias or source.name) == fold(column.table):
                        found[source] = None
        return tuple(found)

    def _columns(self, source: Source) -> tuple[ScopeColumn, ...]:
        defined = self._defined.get(fold(source.name))
        if defined is not None:
            return tuple(ScopeColumn(one.name, one.value_class) for one in defined.outputs)
        table = self._schema.table(source.name)
        return table_columns(table, self._facts) if table is not None else ()

    def _resolver(self, select: exp.Select) -> Resolve:
        sources = self._clause(select).sources

        def resolve(column: exp.Column) -> str:
            for source in sources:
                if column.table and fold(column.table) != fold(source.alias or source.name):
                    continue
                for one in self._columns(source):
                    if fold(one.name) == fold(column.name):
                        return one.letter
            return ""

        return resolve

    def _outputs(self, select: exp.Select) -> list[Output]:
        resolve = self._resolver(select)
        found = []
        for item in select.expressions:
            if item.is_star:
                wanted = fold(item.table) if isinstance(item, exp.Column) else ""
                for source in self._clause(select).sources:
                    if not wanted or wanted == fold(source.alias or source.name):
                        found += [Output(c.name, _plain(c.letter)) for c in self._columns(source)]
                continue
            name = item.alias_or_name
            letter = _plain(infer_class(item.unalias(), resolve, self._facts))
            found.append(Output(name, letter, _is_total(item)))
        return found

    def _letters(self, select: exp.Select) -> Iterator[str]:
        for output in self._outputs(select):
            yield output.value_class


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


def _plain(letter: str) -> str:
    return "N" if letter in ("X", "") else letter


def _declared(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    return [column.name for column in alias.args.get("columns") or ()] if alias else []


def _is_total(item: exp.Expr) -> bool:
    """Whether an aggregate computes it, and not over a window."""
    return any(
        not isinstance(found.parent, exp.Window | exp.Filter)
        or (
            isinstance(found.parent, exp.Filter) and not isinstance(found.parent.parent, exp.Window)
        )
        for found in item.find_all(exp.AggFunc)
    )


def _own_columns(select: exp.Select) -> Iterator[exp.Column]:
    """The columns of a query, without those of queries inside of it."""
    pending: list[exp.Expr] = list(select.iter_expressions())
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Column):
            yield node
        elif not isinstance(node, exp.Query):
            pending += list(node.iter_expressions())


def _around(select: exp.Select) -> Iterator[exp.Expr]:
    """The queries around a query, the nearest first; an UPDATE or DELETE is one as well."""
    node = select.parent
    while node is not None:
        if isinstance(node, exp.Select | exp.Update | exp.Delete):
            yield node
        node = node.parent
