"""Statements changed at random: columns, operators, literals, functions, clauses in wrong places.

Most of what results is wrong in its types or groups, and some of it is not; a real engine says
which. The same seed gives the same changes.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema

OPERATORS = (
    *(exp.EQ, exp.NEQ, exp.LT, exp.GTE, exp.Like, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod),
    *(exp.And, exp.Or, exp.DPipe),
)
LITERALS = (
    *("1", "2.5", "'a'", "'7'", "'2020-01-01'", "NULL", "TRUE", "'2020-01-01 10:00:00'", "''"),
    *("99999999999", "'a%'", "CURRENT_DATE"),
)
WRAPPERS = {
    "": (
        *("COUNT({})", "SUM({})", "MAX({})", "AVG({})", "UPPER({})", "LENGTH({})", "ABS({})"),
        *("ROUND({})", "ROUND({}, 1)", "COALESCE({}, 0)", "COALESCE({}, 'x')", "NULLIF({}, '')"),
        *("-{}", "NOT {}", "{} IS NULL", "SUBSTR({}, 1, 2)", "CONCAT({}, 'x')", "MIN(MAX({}))"),
        *("CASE WHEN {} > 1 THEN 'a' ELSE 'b' END", "CASE WHEN {0} IS NULL THEN 0 ELSE {0} END"),
        *("EXTRACT(YEAR FROM {})", "TRIM({})", "REPLACE({}, 'a', 'b')", "{} IN (1, 2)"),
        *("{} IN ('a', 'b')", "{} BETWEEN 1 AND 5", "(SELECT MAX({}))", "COUNT(DISTINCT {})"),
        *("RANK() OVER (ORDER BY {})", "SUM({}) OVER ()", "MOD({}, 2)", "SQRT({})", "{} LIKE 'a%'"),
        *("GREATEST({}, 1)", "FLOOR({})", "LEFT({}, 1)", "REVERSE({})", "LOWER({})"),
    ),
    "postgres": (
        *("{}::text", "{}::int", "{}::date", "DATE_TRUNC('month', {})", "TO_CHAR({}, 'YYYY')"),
        *("{} ->> 'a'", "{}[1]", "STRING_AGG({}, ',')", "{} + INTERVAL '1 day'", "{} ILIKE 'a'"),
        *("DATE_PART('year', {})", "ARRAY_AGG({})", "AGE({})", "SUM({}) FILTER (WHERE TRUE)"),
        *("{}::numeric", "UNNEST({})", "SPLIT_PART({}, 'a', 1)", "1 = ANY ({})", "{} ~ 'a'"),
    ),
    "mysql": (
        *("YEAR({})", "DATE_FORMAT({}, '%Y')", "IFNULL({}, 0)", "IF({}, 1, 2)", "{} REGEXP 'a'"),
        *("GROUP_CONCAT({})", "DATE_ADD({}, INTERVAL 1 DAY)", "DATEDIFF({}, NOW())"),
        *("CAST({} AS SIGNED)", "LPAD({}, 2)", "LOCATE({})", "CONCAT({})"),
    ),
    "duckdb": ("{}::text", "{}::int", "DATE_TRUNC('month', {})", "STRFTIME({}, '%Y')", "YEAR({})"),
}


def mutate(sql: str, schema: Schema, dialect: str, rng: random.Random) -> str:
    """Return a statement with one to three changes; the statement itself where none can be made."""
    try:
        tree = sqlglot.parse_one(sql, read=dialect)
    except SqlglotError:
        return sql
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        rng.choice(_CHANGES)(tree, schema, dialect, rng)
    return tree.sql(dialect)


def _columns(tree: exp.Expr) -> list[exp.Column]:
    return [c for c in tree.find_all(exp.Column) if isinstance(c.this, exp.Identifier)]


def _tables(tree: exp.Expr, schema: Schema) -> dict[str, list[str]]:
    """Columns by the label of each table of the schema that the statement reads."""
    found = {}
    for node in tree.find_all(exp.Table):
        table = schema.table(node.name)
        if table is not None:
            found[node.alias_or_name] = list(table.column_names)
    return found


def _other_column(
    column: exp.Column, tree: exp.Expr, schema: Schema, rng: random.Random
) -> exp.Column | None:
    tables = _tables(tree, schema)
    if column.table:
        names = tables.get(column.table, [])
    else:
        owners = [names for names in tables.values() if fold(column.name) in map(fold, names)]
        names = owners[0] if owners else []
    if not names:
        return None
    changed = column.copy()
    changed.set("this", exp.to_identifier(rng.choice(names), quoted=True))
    assert isinstance(changed, exp.Column)
    return changed


def _swap_column(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    columns = _columns(tree)
    if columns:
        column = rng.choice(columns)
        changed = _other_column(column, tree, schema, rng)
        if changed is not None:
            column.replace(changed)


def _swap_operator(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    nodes = [node for node in tree.walk() if type(node) in OPERATORS]
    if nodes:
        node = rng.choice(nodes)
        left, right = node.this.copy(), node.expression.copy()
        node.replace(exp.paren(rng.choice(OPERATORS)(this=left, expression=right)))


def _swap_literal(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    literals = list(tree.find_all(exp.Literal))
    if literals:
        new = sqlglot.parse_one(rng.choice(LITERALS), read=dialect)
        rng.choice(literals).replace(new)


def _wrap(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    nodes = [*_columns(tree), *tree.find_all(exp.Literal)]
    if nodes:
        node = rng.choice(nodes)
        pattern = rng.choice(WRAPPERS[""] + WRAPPERS.get(dialect, ()))
        text = pattern.format(node.sql(dialect))
        try:
            node.replace(exp.paren(sqlglot.parse_one(text, read=dialect)))
        except SqlglotError:
            return  # too many arguments, which the parser itself refuses


def _unwrap(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    nodes = [node for node in tree.find_all(exp.Func) if isinstance(node.this, exp.Column)]
    if nodes:
        node = rng.choice(nodes)
        node.replace(node.this.copy())


def _change_group(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    """Add or remove a GROUP BY, or take another column for it."""
    selects = [s for s in tree.find_all(exp.Select) if s.args.get("from_")]
    if not selects:
        return
    select = rng.choice(selects)
    columns = _columns(select)
    if select.args.get("group") and rng.random() < 0.5:
        select.set("group", None)
    elif columns:
        column = rng.choice(columns)
        column = _other_column(column, tree, schema, rng) or column
        select.group_by(column.copy(), append=rng.random() < 0.5, copy=False)


def _change_select(tree: exp.Expr, schema: Schema, dialect: str, rng: random.Random) -> None:
    """Add an output, make the query DISTINCT, or sort it by something else."""
    selects = [s for s in tree.find_all(exp.Select) if s.args.get("from_")]
    if not selects:
        return
    select = rng.choice(selects)
    columns = _columns(select)
    if not columns:
        return
    column = rng.choice(columns)
    column = (_other_column(column, tree, schema, rng) or column).copy()
    choice = rng.randrange(4)
    if choice == 0:
        select.select(column, copy=False)
    elif choice == 1:
        select.distinct(copy=False)
    elif choice == 2:
        select.order_by(column, copy=False)
    else:
        select.having(exp.GT(this=column, expression=exp.Literal.number(1)), copy=False)


_CHANGES: tuple[Callable[[exp.Expr, Schema, str, random.Random], None], ...] = (
    *(_swap_column, _swap_column, _swap_operator, _swap_literal, _wrap, _wrap, _wrap, _unwrap),
    *(_change_group, _change_select),
)
