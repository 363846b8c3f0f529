"""A view's query -> its columns, with types as they would be declared.

`schema/ddl.py` is given `infer_columns` by whoever reads a user's schema in a worker. The names are
those of the scope check, which must find every name of the query; the types are those of the type
check, which may know less of a query that another program wrote: what it cannot tell has no type.
A column that is one of a table's own takes over its type, its closed list of values and its
comment. The query is never given to an engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from sqlglot import exp

from sqlstrictd import dialects
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Column, Schema
from sqlstrictd.schema.views import CannotFollow
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.rules import rules_of as statement_rules
from sqlstrictd.verify.scope import Resolver
from sqlstrictd.verify.sources import Output as NamedOutput
from sqlstrictd.verify.tree import parse
from sqlstrictd.verify.types import rules_of
from sqlstrictd.verify.types_parse import parse_calls
from sqlstrictd.verify.types_queries import Queries
from sqlstrictd.verify.types_rules import ANY, Called, Loose, Rules
from sqlstrictd.verify.types_scope import Meaning, Output, Outputs, TypedScope, Value, Wrong
from sqlstrictd.verify.verdict import Problem

# Namespaces that a database has by itself: a table's name means the same without it.
_DEFAULT_NAMESPACES: Final = frozenset({"main", "public", "dbo"})
# A value's type here where the type check cannot tell it; no dialect has a type of that name.
_UNTOLD: Final = "other "
# What is declared for the classes of `dialects/facts.py`, in the words of each dialect.
_BY_CLASS: Final = {
    "sqlite": dict(X="INTEGER", N="REAL", T="TEXT", D="DATE", S="TIMESTAMP", B="BOOLEAN"),
    "ansi": dict(X="INTEGER", N="REAL", T="VARCHAR", D="DATE", S="TIMESTAMP", B="BOOLEAN"),
    "mysql": dict(X="DECIMAL", N="DOUBLE", T="TEXT", D="DATE", S="DATETIME", B="BOOLEAN", J="JSON"),
    "duckdb": dict(
        I="BIGINT", N="DOUBLE", T="VARCHAR", D="DATE", S="TIMESTAMP", B="BOOLEAN", J="JSON",
        span="INTERVAL", time="TIME",
    ),
}  # fmt: skip
_COMPARISONS: Final = frozenset("= <> != < <= > >= ~~ ~~* ~ IS IN".split())
_WHOLE_CALLS: Final = frozenset({"COUNT", "LENGTH", "CHAR_LENGTH", "ROW_NUMBER", "RANK"})


def infer_columns(query: str, schema: Schema, namespace: str) -> tuple[Column, ...]:
    """Return the columns of a view that is made of this query.

    `namespace` may stand before the names of the schema's tables.

    Raises:
        CannotFollow: the query is none, or a name in it is not known; the text says which.
    """
    skipped = _DEFAULT_NAMESPACES | {namespace}
    try:
        named = _names(query, schema, skipped)
        typed = _types(query, schema, skipped)
    except RecursionError as error:
        raise CannotFollow("its query is nested too deeply") from error
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # The checks are made for statements that passed others first; this is anybody's text.
        raise CannotFollow("its query has a form that is not known") from error
    names = [output.key if schema.dialect == "postgres" else output.name for output in named]
    if typed is None or len(typed) != len(names):
        return tuple(map(Column, names))
    return tuple(replace(column, name=name) for name, column in zip(names, typed, strict=True))


def _names(query: str, schema: Schema, skipped: frozenset[str]) -> Sequence[NamedOutput]:
    """The outputs of a query, every name in it found."""
    reporter = Reporter(query)
    tree = parse(query, statement_rules(schema.dialect).facts.parser, reporter)
    if isinstance(tree, Problem) or not isinstance(tree, exp.Query | exp.Values):
        raise CannotFollow("its query cannot be read")
    resolver = Resolver(schema, schema.dialect, reporter)
    outputs = resolver.resolve(_without_namespaces(tree, skipped))
    if resolver.problems:
        raise CannotFollow(resolver.problems[0].message.removesuffix("."))
    return outputs


def _types(query: str, schema: Schema, skipped: frozenset[str]) -> list[Column] | None:
    """The outputs of a query as columns; None where the type check cannot follow it at all."""
    tree = parse_calls(query, schema.dialect)
    if tree is None:
        return None
    rules = rules_of(schema.dialect)
    if not rules.is_typed:
        rules = _Declared(schema.dialect)
    # Whether the query keeps the rules of GROUP BY is no matter: the database has the view.
    rules.has_strict_group_by = rules.has_strict_distinct = False
    check = _ViewQueries(schema, rules)
    try:
        outputs = check.query(_without_namespaces(tree, skipped), None, {})
    except Wrong:
        return None
    origins = check.origins_of(tree)
    if len(origins) != len(outputs):
        origins = [None] * len(outputs)
    return [
        replace(origin, not_null=False, is_generated=False)
        if origin is not None
        else check.column(output.value.type)
        for origin, output in zip(origins, outputs, strict=True)
    ]


def _without_namespaces(tree: exp.Expr, skipped: frozenset[str]) -> exp.Expr:
    """Leave out what stands before the names of tables, and of columns before their table."""
    for node in list(tree.find_all(exp.Table, exp.Column)):
        database = node.args.get("db")
        if database is not None and fold(database.name) in skipped and not node.args.get("catalog"):
            node.set("db", None)
    return tree


class _ViewQueries(Queries):
    """The type check, which goes on where it does not know a type."""

    def __init__(self, schema: Schema, rules: Rules) -> None:
        super().__init__(schema, rules)
        self._origins: dict[int, list[Column | None]] = {}
        self._values: dict[str, Column] = {}
        for table in schema.tables:
            for column in table.columns:
                self._values.setdefault(rules.column_type(column), column)

    def value(self, node: exp.Expr, scope: TypedScope) -> Value:
        """Type an expression; what is not known has a type of its own."""
        try:
            return super().value(node, scope)
        except Wrong:
            return Value(_UNTOLD)

    def condition(self, node: exp.Expr, scope: TypedScope, what: str) -> None:
        """Pass over conditions: they say nothing of a column."""

    def origins_of(self, tree: exp.Expr) -> list[Column | None]:
        """Return the tables' columns that a query returns as they are; None for its others."""
        while isinstance(tree, exp.Subquery):
            tree = tree.this
        return self._origins.get(id(tree), [])

    def column(self, type_: str) -> Column:
        """Return a column, still without a name, of a type as the check calls it."""
        if type_.startswith(("enum ", "other ")):
            known = self._values.get(type_)
            if known is None:
                return Column("")
            return Column("", known.type, values=known.values)
        if self.rules.name == "postgres":
            is_type = self.rules.column_type(Column("", type_.upper())) == type_
            return Column("", type_.upper() if is_type else "")
        suffix = "[]" * type_.count("[]")
        bare = type_.replace("[]", "")
        if self.rules.name == "duckdb":
            return Column("", _BY_CLASS["duckdb"].get(bare, bare) + suffix)
        return Column("", "" if bare == ANY else type_)

    def _outputs(self, node: exp.Select, scope: TypedScope) -> Outputs:
        outputs = super()._outputs(node, scope)
        self._origins[id(node)] = [self._origin(output, scope) for output in outputs]
        return outputs

    def _origin(self, output: Output, scope: TypedScope) -> Column | None:
        meaning: Meaning | None = output.meaning
        if meaning is None:
            node = output.node.unalias() if output.node is not None else None
            while isinstance(node, exp.Paren):
                node = node.this
            meaning = scope.find(node) if isinstance(node, exp.Column) else None
        table = meaning.source.table if meaning is not None else None
        return table.column(meaning.column) if table is not None and meaning is not None else None


class _Declared(Loose):
    """An engine that converts all types, asked what type it would declare for an expression."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        facts = dialects.get(name)
        self._letters = {
            word.upper(): call.result
            for call in (*facts.calls, *facts.aggregates, *facts.windows)
            for word in call.names.split()
        }

    def column_type(self, column: Column) -> str:
        """A column has the type that it is declared with."""
        return column.type or ANY

    def operator(self, symbol: str, operands: Sequence[Value], node: exp.Expr) -> Value:
        """Comparisons are true or false; arithmetic keeps what both sides are."""
        super().operator(symbol, operands, node)
        if symbol.upper() in _COMPARISONS:
            return Value(_BY_CLASS[self.name]["B"])
        if symbol == "||" and self.name != "mysql":
            return Value(_BY_CLASS[self.name]["T"])
        return self.common(operands, "", node)

    def call(self, name: str, arguments: Sequence[Value], node: exp.Expr, wants: str) -> Called:
        """A function returns what the facts of the dialect say."""
        called = super().call(name, arguments, node, wants)
        letter = self._letters.get(name.upper(), "")
        if name.upper() in _WHOLE_CALLS:
            type_ = "BIGINT" if self.name == "mysql" else "INTEGER"
        elif letter == "K":
            type_ = self.common(arguments, "", node).type
        else:
            type_ = _BY_CLASS[self.name].get(letter, ANY)
        return replace(called, value=Value(type_))

    def common(self, values: Sequence[Value], what: str, node: exp.Expr) -> Value:
        """Branches of one type are of that type; NULL and literals say nothing."""
        types = {value.type for value in values} - {ANY}
        return Value(types.pop() if len(types) == 1 else ANY)

    def cast(self, value: Value, written: str, node: exp.Expr) -> Value:
        """A cast is of the type that it names."""
        return Value(" ".join(written.upper().split()))
