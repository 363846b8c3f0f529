"""People's statements in the style that the constraint writes, without changing what they return.

Aliases give way to table names (or to T1, T2 where a table joins itself), columns are qualified
where there are several tables, names take the schema's spelling, keywords upper case, strings
single quotes, and conditions of ON move to the join that they belong to. Used by coverage.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlstrictd.schema.names import fold, quote_name
from sqlstrictd.schema.types import Schema, Table


class CannotRender(Exception):
    """The statement has something that the canonical style has no place for; says what."""


@dataclass
class Source:
    """A table of a FROM clause: how the statement calls it, and how the rendering does."""

    called: str
    table: Table
    qualifier: str = ""  # SQL; empty where columns stand bare


class Writer(SQLite.Generator):
    """SQLite's SQL as sqlglot writes it, but for what the canonical style spells otherwise."""

    def not_sql(self, expression: exp.Not) -> str:
        """Write NOT inside its predicate: a NOT LIKE b."""
        inner = expression.this
        words = {exp.Like: "LIKE", exp.In: "IN", exp.Between: "BETWEEN", exp.Is: "IS"}
        word = words.get(type(inner))
        if word is None:
            return super().not_sql(expression)
        text = self.sql(inner)
        spot = f" {word} "
        done = " IS NOT " if word == "IS" else f" NOT {word} "
        head = self.sql(inner, "this")
        return head + text[len(head) :].replace(spot, done, 1)


def render(statement: str, schema: Schema) -> str:
    """Return the statement in canonical style, with its final semicolon.

    Raises:
        CannotRender: it uses what the style does not have, or names that the schema does not have.
    """
    tree = sqlglot.parse_one(statement, dialect="sqlite")
    for query in list(tree.find_all(exp.Select)):
        _check_sources(query, schema)
    scopes: dict[int, list[Source]] = {}
    for query in tree.find_all(exp.Select):
        scopes[id(query)] = _sources(query, schema)
    for query in tree.find_all(exp.Select):
        _place_conditions(query, schema)
    for query in tree.find_all(exp.Select):
        _name_columns(query, scopes)
    for query in tree.find_all(exp.Select):
        _name_tables(query, scopes[id(query)])
    tree = tree.transform(_tidy)
    return Writer(dialect="sqlite", normalize_functions="upper").generate(tree) + ";"


def _tables_of(query: exp.Select) -> list[exp.Expression]:
    clause = query.args.get("from_")
    if clause is None:
        raise CannotRender("no FROM")
    return [clause.this, *(join.this for join in query.args.get("joins") or [])]


def _check_sources(query: exp.Select, schema: Schema) -> None:
    for source in _tables_of(query):
        if isinstance(source, exp.Subquery):
            if any(next(_enclosing(column)) is query for column in query.find_all(exp.Column)):
                raise CannotRender("columns of a subquery in FROM")
            continue
        if not isinstance(source, exp.Table) or schema.table(source.name) is None:
            raise CannotRender("source in FROM is no table")


def _sources(query: exp.Select, schema: Schema) -> list[Source]:
    found = []
    for source in _tables_of(query):
        table = schema.table(source.name)
        if table is None:
            continue  # a subquery
        found.append(Source(fold(source.alias or source.name), table))
    names = [source.table.name for source in found]
    for number, source in enumerate(found, 1):
        if len(set(names)) < len(names):
            source.qualifier = f"T{number}"
        elif len(found) > 1:
            source.qualifier = quote_name(source.table.name)
    return found


def _place_conditions(query: exp.Select, schema: Schema) -> None:
    """Give every inner join the conditions that its tables need, reordering joins if that helps."""
    joins = query.args.get("joins") or []
    if not joins:
        return
    if any(join.side or join.args.get("using") or join.kind == "CROSS" for join in joins):
        if all(join.args.get("on") for join in joins):
            return
        raise CannotRender("outer or USING join without ON")
    conditions = [part for join in joins for part in _conjuncts(join.args.get("on"))]
    sources = {fold(s.alias or s.name): s for s in _tables_of(query)}
    first, *rest = sources
    seen, order = {first}, []
    where: list[exp.Expression] = []
    while rest:
        for name in rest:
            own = [c for c in conditions if _mentions(c, sources, schema) <= seen | {name}]
            if any(
                name in _mentions(c, sources, schema) and len(_mentions(c, sources, schema)) > 1
                for c in own
            ):
                break
        else:
            raise CannotRender("join without ON")
        rest.remove(name)
        seen.add(name)
        on = [c for c in own if len(_mentions(c, sources, schema)) > 1]
        where += [c for c in own if len(_mentions(c, sources, schema)) <= 1]
        conditions = [c for c in conditions if c not in own]
        order.append(exp.Join(this=sources[name], on=exp.and_(*on, copy=False)))
    where += conditions
    query.set("joins", order)
    for condition in where:
        query.where(condition, copy=False)


def _conjuncts(condition: exp.Expression | None) -> list[exp.Expression]:
    if condition is None or isinstance(condition, exp.Boolean):
        return []  # sqlglot writes ON TRUE where there is no ON
    if isinstance(condition, exp.And):
        return _conjuncts(condition.left) + _conjuncts(condition.right)
    return [condition]


def _mentions(
    condition: exp.Expression, sources: dict[str, exp.Expression], schema: Schema
) -> set[str]:
    """The names of the sources that a condition has columns of."""
    found = set()
    for column in condition.find_all(exp.Column):
        if column.table:
            found.add(fold(column.table))
            continue
        for name, source in sources.items():
            table = schema.table(source.name)
            if table and _column_name(table, column.name):
                found.add(name)
    return found


def _column_name(table: Table, name: str) -> str:
    """The column's name as the schema spells it; empty where the table has none of that name."""
    return next((own for own in table.column_names if fold(own) == fold(name)), "")


def _enclosing(node: exp.Expression) -> Iterator[exp.Select]:
    """The SELECTs around a node, innermost first."""
    current = node.parent
    while current is not None:
        if isinstance(current, exp.Select):
            yield current
        current = current.parent


def _name_columns(query: exp.Select, scopes: dict[int, list[Source]]) -> None:
    outputs = {
        fold(item.alias): item.this for item in query.expressions if isinstance(item, exp.Alias)
    }
    for column in list(query.find_all(exp.Column)):
        if next(_enclosing(column)) is not query:
            continue
        if isinstance(column.this, exp.Star):
            source = _find_source(column.table, scopes[id(query)])
            column.replace(_star(source))
            continue
        for depth, around in enumerate(_enclosing(column)):
            source = _source_of(column, scopes[id(around)])
            if source is not None:
                name = _column_name(source.table, column.name)
                prefix = source.qualifier or (quote_name(source.table.name) if depth else "")
                text = f"{prefix}.{quote_name(name)}" if prefix else quote_name(name)
                column.replace(exp.Var(this=text))
                break
        else:
            if fold(column.name) in outputs and not column.table:
                column.replace(outputs[fold(column.name)].copy())
            elif isinstance(column.this, exp.Identifier) and column.this.quoted:
                column.replace(exp.Literal.string(column.name))
            else:
                raise CannotRender("column that no table in scope has")


def _star(source: Source) -> exp.Expression:
    return exp.Var(this=f"{source.qualifier}.*") if source.qualifier else exp.Star()


def _find_source(called: str, sources: list[Source]) -> Source:
    for source in sources:
        if source.called == fold(called):
            return source
    raise CannotRender("star of a table that is not in FROM")


def _source_of(column: exp.Column, sources: list[Source]) -> Source | None:
    for source in sources:
        fits = source.called == fold(column.table) if column.table else True
        if fits and _column_name(source.table, column.name):
            return source
    return None


def _name_tables(query: exp.Select, sources: list[Source]) -> None:
    for node in _tables_of(query):
        if isinstance(node, exp.Subquery):
            continue
        source = _find_source(node.alias or node.name, sources)
        text = quote_name(source.table.name)
        if source.qualifier and source.qualifier != text:
            text += f" AS {source.qualifier}"
        node.replace(exp.Table(this=exp.Var(this=text)))


def _tidy(node: exp.Expression) -> exp.Expression:
    """Drop parentheses that hold one operand only."""
    if isinstance(node, exp.Paren) and not isinstance(
        node.this, (exp.Binary, exp.Not, exp.Between)
    ):
        return node.this
    return node
