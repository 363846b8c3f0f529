"""What kind of statement a tree is, and what nodes and arguments a statement of a kind may hold.

The lists say what is allowed and not what is forbidden: a kind of node that nobody thought of is
refused. What only a statement that writes may hold never stands inside a query.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.verify.verdict import StatementKind

_WRITING: Final = (exp.DML, exp.DDL, exp.Command, exp.Pragma, exp.Into, exp.Lock)
_CREATED: Final[dict[str, StatementKind]] = {
    "TABLE": "create_table",
    "VIEW": "create_view",
    "INDEX": "create_index",
}

_COLUMN_NODES: Final = frozenset(
    """
    Schema ColumnDef ColumnConstraint NotNullColumnConstraint PrimaryKeyColumnConstraint
    UniqueColumnConstraint CheckColumnConstraint DefaultColumnConstraint Reference IndexParameters
    AutoIncrementColumnConstraint
    """.split()
)
_OPTION_NODES: Final = frozenset(
    "Properties EngineProperty CharacterSetProperty CollateProperty SchemaCommentProperty"
    " AutoIncrementProperty".split()
)
# Nodes of each kind outside queries; the root's own type comes first.
KIND_NODES: Final[dict[str, frozenset[str]]] = {
    "select": frozenset(),
    "insert": frozenset({"Insert", "Schema"}),
    "update": frozenset({"Update"}),
    "delete": frozenset({"Delete"}),
    "create_table": _COLUMN_NODES
    | _OPTION_NODES
    | {"Create", "PrimaryKey", "ForeignKey", "Constraint"},
    "create_view": frozenset({"Create", "Schema"}),
    "create_index": frozenset({"Create", "Index", "IndexParameters"}),
    "alter_table": _COLUMN_NODES | {"Alter", "RenameColumn", "AlterRename", "Drop"},
}
# What nodes may hold: the rest of their arguments belongs to other dialects and statements.
_ARGUMENTS: Final = {
    "Select": "with_ distinct expressions from_ joins where group having windows qualify order "
    "limit offset",
    "Table": "this alias joins db catalog",
    "Subquery": "this alias joins",
    "Values": "expressions alias joins",
    "Lateral": "this alias joins",
    "Unnest": "expressions alias joins",
    "Join": "this on using kind side method",
    "Group": "expressions rollup cube grouping_sets all",
    "Rollup": "expressions",
    "Cube": "expressions",
    "In": "this query expressions",
    "Star": "except_",
    "Limit": "expression",
    "Fetch": "direction count limit_options",
    "LimitOptions": "rows",
    "Offset": "expression",
    "Distinct": "expressions on",
    "With": "expressions recursive",
    "CTE": "this alias materialized",
    "TableAlias": "this columns",
    "Ordered": "this desc nulls_first",
    "Column": "this table db catalog",
    "Cast": "this to _type",
    "CurrentDate": "",
    "CurrentTime": "",
    "CurrentTimestamp": "",
    "Localtime": "",
    "Localtimestamp": "",
    "Bracket": "this expressions offset",
    "Slice": "this expression",
    "Insert": "this expression",
    "Update": "this expressions where",
    "Delete": "this where",
    "Create": "this kind expression unique exists replace properties",
    "Alter": "this kind actions",
    "Drop": "tables kind",
    "AlterRename": "this",
    "RenameColumn": "this to",
    "Schema": "this expressions",
    "ColumnDef": "this kind constraints",
    "ColumnConstraint": "kind",
    "NotNullColumnConstraint": "allow_null",
    "PrimaryKeyColumnConstraint": "include",
    "UniqueColumnConstraint": "this include",
    "CheckColumnConstraint": "this",
    "DefaultColumnConstraint": "this",
    "AutoIncrementColumnConstraint": "",
    "Reference": "this options",
    "PrimaryKey": "expressions include",
    "ForeignKey": "expressions reference delete update",
    "Constraint": "this expressions",
    "Index": "this table params",
    "IndexParameters": "columns where",
}
ALLOWED_ARGUMENTS: Final = {name: frozenset(keys.split()) for name, keys in _ARGUMENTS.items()}


def kind_of(tree: exp.Expr) -> StatementKind:
    """Return the kind of a statement; "other" for what is none of those that can be allowed."""
    if isinstance(tree, exp.Insert):
        return "insert"
    if isinstance(tree, exp.Update):
        return "update"
    if isinstance(tree, exp.Delete):
        return "delete"
    if isinstance(tree, exp.Create):
        return _CREATED.get(str(tree.kind).upper(), "other")
    if isinstance(tree, exp.Alter):
        return "alter_table" if str(tree.args.get("kind")).upper() == "TABLE" else "other"
    if isinstance(tree, exp.Query | exp.Values) and not _writes(tree):
        return "select"
    return "other"


def _writes(tree: exp.Expr) -> bool:
    """Whether a query writes or locks somewhere inside."""
    return any(
        isinstance(node, _WRITING) and not isinstance(node, exp.Query) for node in tree.walk()
    )
