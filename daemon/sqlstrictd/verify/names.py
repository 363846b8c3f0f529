"""How a dialect compares names: the key under which two spellings are the same name.

Schemas hold names as the database has them. PostgreSQL folds what stands without quotes to lower
case and then compares letter by letter; MySQL compares columns without case and tables letter by
letter (as it does where file names have case); the others compare everything without case.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Schema, Table

# MySQL's is the name of a database, which a schema does not tell.
_DEFAULT_NAMESPACES: Final = {"sqlite": "main", "duckdb": "main", "postgres": "public"}


class Names:
    """The names of one dialect and one schema."""

    def __init__(self, dialect: str, schema: Schema) -> None:
        self._dialect = dialect
        self._is_exact = dialect == "postgres"
        self._has_exact_tables = dialect in ("postgres", "mysql")
        self._schema = schema

    def key(self, identifier: exp.Expr) -> str:
        """Return the key of a column's name as it stands in a statement."""
        text = str(identifier.this)
        if self._is_exact and identifier.args.get("quoted"):
            return text
        return fold(text)

    def label(self, identifier: exp.Expr) -> str:
        """Return the key of the name of a table, an alias of one, or of a query in WITH."""
        text = str(identifier.this)
        if self._is_exact and not identifier.args.get("quoted"):
            return fold(text)
        return text if self._has_exact_tables else fold(text)

    def column(self, name: str) -> str:
        """Return the key of a column of the schema."""
        return name if self._is_exact else fold(name)

    def columns(self, table: Table) -> dict[str, str]:
        """Return the names of a table's columns by their keys."""
        return {self.column(name): name for name in table.column_names}

    def table(self, identifier: exp.Expr) -> Table | None:
        """Find the table of the schema that a name in a statement means."""
        found = self._schema.table(str(identifier.this))
        if found is None or not self._has_exact_tables:
            return found
        return found if found.name == self.label(identifier) else None

    def is_plain(self, node: exp.Expr) -> bool:
        """Whether nothing but the namespace that tables are in by default stands before a name."""
        namespace = node.args.get("db")
        if namespace is None:
            return True
        is_default = self.label(namespace) == _DEFAULT_NAMESPACES.get(self._dialect)
        return is_default and node.args.get("catalog") is None

    def is_taken(self, identifier: exp.Expr) -> bool:
        """Whether the schema has a table whose name could not stand beside this one."""
        return self._schema.table(str(identifier.this)) is not None
