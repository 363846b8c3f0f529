"""People's statements as the grammar spells them, without changing what they say.

Aliases, the order of tables and of everything else stay as people wrote them. Names take the
schema's spelling, keywords upper case, strings single quotes, blanks their one form. Used by
coverage.py and masks.py.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.dialects.sqlite import SQLite
from sqlstrictd.schema.names import fold, quote_name
from sqlstrictd.schema.types import Schema, Table


class CannotRender(Exception):
    """The statement names what the schema does not have; says what."""


class Writer(SQLite.Generator):
    """SQLite's SQL as sqlglot writes it, but for what people spell otherwise."""

    def join_sql(self, expression: exp.Join) -> str:
        """Write JOIN without a condition as people did; sqlglot makes a comma of it."""
        on = expression.args.get("on")
        is_bare = on is None or isinstance(on, exp.Boolean)
        if is_bare and not expression.args.get("using") and not expression.args.get("kind"):
            return f" JOIN {self.sql(expression, 'this')}" if on else super().join_sql(expression)
        return super().join_sql(expression)

    def not_sql(self, expression: exp.Not) -> str:
        """Write NOT inside its predicate: a NOT LIKE b."""
        inner = expression.this
        words = {exp.Like: "LIKE", exp.In: "IN", exp.Between: "BETWEEN", exp.Is: "IS"}
        word = words.get(type(inner))
        if word is None:
            return super().not_sql(expression)
        text = self.sql(inner)
        done = " IS NOT " if word == "IS" else f" NOT {word} "
        head = self.sql(inner, "this")
        return head + text[len(head) :].replace(f" {word} ", done, 1)


def render(statement: str, schema: Schema) -> str:
    """Return the statement with its final semicolon.

    Raises:
        CannotRender: it names tables or columns that the schema does not have.
    """
    tree = sqlglot.parse_one(statement, dialect="sqlite")
    sources = {id(query): _sources(query, schema) for query in tree.find_all(exp.Select)}
    for column in list(tree.find_all(exp.Column)):
        _spell_column(column, sources)
    for table in list(tree.find_all(exp.Table)):
        known = schema.table(table.name)
        if known is None:
            raise CannotRender("a table that the schema does not have")
        text = quote_name(known.name)
        if table.alias:
            text += f" AS {table.alias}"
        table.replace(exp.Table(this=exp.Var(this=text)))
    tree = tree.transform(_tidy)
    return Writer(dialect="sqlite", normalize_functions="upper").generate(tree) + ";"


def _sources(query: exp.Select, schema: Schema) -> dict[str, tuple[str, Table | None]]:
    """The sources of a query by folded label: the label as it was declared, and the table."""
    clause = query.args.get("from_")
    nodes = [clause.this] if clause is not None else []
    nodes += [join.this for join in query.args.get("joins") or []]
    found = {}
    for node in nodes:
        table = schema.table(node.name) if isinstance(node, exp.Table) else None
        label = node.alias or (quote_name(table.name) if table else "")
        found[fold(node.alias or node.name)] = (label, table)
    return found


def _spell_column(
    column: exp.Column, sources: dict[int, dict[str, tuple[str, Table | None]]]
) -> None:
    for query in _around(column):
        for label, (declared, table) in sources[id(query)].items():
            if column.table and fold(column.table) != label:
                continue
            if isinstance(column.this, exp.Star):
                column.replace(exp.Var(this=f"{declared}.*"))
                return
            known = table.column(column.name) if table else None
            if known is None and (table is not None or not column.table):
                continue
            name = quote_name(known.name) if known else column.name
            column.replace(exp.Var(this=f"{declared}.{name}" if column.table else name))
            return
    query = next(_around(column))
    aliases = {fold(item.alias): item.alias for item in query.expressions if item.alias}
    if not column.table and fold(column.name) in aliases:
        column.replace(exp.Var(this=aliases[fold(column.name)]))
    elif any(table is None for _, table in sources[id(query)].values()):
        column.replace(exp.Var(this=column.sql("sqlite")))  # of a query in FROM
    elif isinstance(column.this, exp.Identifier) and column.this.quoted:
        column.replace(exp.Literal.string(column.name))  # SQLite takes "name" for a string
    else:
        raise CannotRender("a column that no table in scope has")


def _around(node: exp.Expression) -> Iterator[exp.Select]:
    current = node.parent
    while current is not None:
        if isinstance(current, exp.Select):
            yield current
        current = current.parent


def _tidy(node: exp.Expression) -> exp.Expression:
    """Drop parentheses that hold one operand only."""
    if isinstance(node, exp.Paren) and not isinstance(
        node.this, (exp.Binary, exp.Not, exp.Between)
    ):
        return node.this
    return node
