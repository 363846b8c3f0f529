"""Functions that may stand in FROM: what their columns are called, and that they do nothing else.

They make rows of their arguments alone. Functions that read files or the server's own tables are
not here, and so are refused. `from_clause.py` and `types_from.py` ask.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

# A column without a name of its own: PostgreSQL calls it by the alias, or else by the function.
_BY_ALIAS: Final = ("",)
_PAIR: Final = ("key", "value")
_SQLITE_JSON: Final = ("key", "value", "type", "atom", "id", "parent", "fullkey", "path")
_COLUMNS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "postgres": {
        **dict.fromkeys(
            "unnest generate_series generate_subscripts json_object_keys jsonb_object_keys"
            " regexp_split_to_table regexp_matches string_to_table jsonb_path_query".split(),
            _BY_ALIAS,
        ),
        **dict.fromkeys(
            "json_array_elements jsonb_array_elements json_array_elements_text"
            " jsonb_array_elements_text".split(),
            ("value",),
        ),
        **dict.fromkeys("json_each jsonb_each json_each_text jsonb_each_text".split(), _PAIR),
    },
    "duckdb": {name: (name,) for name in ("unnest", "generate_series", "range")},
    "sqlite": {name: _SQLITE_JSON for name in ("json_each", "json_tree")},
}


def names_of(dialect: str) -> frozenset[str]:
    """Return the names of a dialect's functions for FROM, in lower case."""
    return frozenset(_COLUMNS.get(dialect, ()))


def columns_of(name: str, label: str, dialect: str) -> tuple[str, ...] | None:
    """Return the columns of a function under an alias (or none); None where it may not stand."""
    columns = _COLUMNS.get(dialect, {}).get(name)
    return (label or name,) if columns == _BY_ALIAS else columns


def called_in_from(node: exp.Expr) -> tuple[str, exp.Expr] | None:
    """Return the name of the function that stands in FROM, in lower case, and its call."""
    call = node if isinstance(node, exp.Unnest) else node.this
    if isinstance(call, exp.Unnest):
        return "unnest", call
    if isinstance(call, exp.Anonymous):
        return str(call.this).lower(), call
    if isinstance(call, exp.GenerateSeries | exp.ExplodingGenerateSeries):
        return "range" if call.args.get("is_end_exclusive") else "generate_series", call
    return None
