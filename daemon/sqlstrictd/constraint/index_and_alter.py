"""CREATE INDEX and ALTER TABLE of one table of the schema.

New names are free words that no table, or no column of the table, has. What others depend on (keys,
columns with a closed list of values, columns that others are computed of) is not dropped.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from sqlstrictd.constraint.assembly import Assembly, alias_terminal
from sqlstrictd.constraint.column_definitions import NewColumns
from sqlstrictd.constraint.column_literals import WrittenColumn, written_columns, written_values
from sqlstrictd.constraint.skeleton import Change
from sqlstrictd.constraint.terminals import any_of, literal
from sqlstrictd.schema.dependents import (
    against_drop,
    against_rename,
    against_table_rename,
    index_names,
)
from sqlstrictd.schema.names import fold, quote_name
from sqlstrictd.schema.types import Schema, Table

# Columns of one index.
_MAX_INDEXED = 3
# Words that begin something else where a new name stands.
BEGINNING = """ADD AS CHECK COLUMN CONCURRENTLY CONSTRAINT DEFAULT EXCLUDE FOREIGN FULLTEXT IF
INDEX KEY LIKE ON ONLY PERIOD PRIMARY RENAME SELECT SPATIAL TABLE TO UNIQUE USING VALUES
WITH""".split()
# Types that no index is on.
_NO_INDEX = re.compile(r".*(TEXT|BLOB|BINARY).*")


class Definitions:
    """Writes the definitions of one grammar."""

    def __init__(self, assembly: Assembly, schema: Schema, columns: NewColumns) -> None:
        self._assembly = assembly
        self._schema = schema
        self._dialect = assembly.manner.dialect
        self._columns = columns
        taken = [re.escape(table.name).replace("/", "\\/") for table in schema.tables]
        words = {*self._dialect.reserved_words, *BEGINNING}
        self.words = words
        taken += map(re.escape, index_names(schema, self._dialect.name))
        plain = [name for name in taken if re.fullmatch(r"\w+", name, re.ASCII)]
        assembly.terminals.define("NEWNAME", alias_terminal([*words, *plain, "sqlite_.*", "pg_.*"]))
        assembly.terminals.define("NEWCOLUMN", alias_terminal(words))

    def create_index(
        self, table: Table, change: Change | None, is_draft: bool = False
    ) -> list[str]:
        """Write CREATE INDEX on one table; a draft may name its columns in any order."""
        columns = [one for one in written_columns(table, self._dialect) if self._may_index(one)]
        if not columns:
            return []
        rule = f"indexed_{self._number(table)}"
        if is_draft:
            self._assembly.add(rule, any_of(self._name(one.name) for one in columns))
            listed = [f'{rule} WAY? (", " {rule} WAY?){{0,4}}']
        else:
            self._chain(rule, [self._name(one.name) for one in columns])
            listed = [f"{rule}_{_MAX_INDEXED}_0"]
        if change is not None and change.table == table.name:
            names = {one.name for one in columns}
            own = [literal(self._name(one)) for one in change.columns if one in names]
            if 1 < len(own) <= _MAX_INDEXED:
                listed.append(' WAY? ", " '.join(own) + " WAY?")
        where = self._index_condition(table, rule) if self._has_partial_index() else ""
        name = literal(self._name(table.name) + " (")
        head = f'"CREATE " "UNIQUE "? "INDEX " NEWNAME " ON " {name}'
        return [f'{head} ({" | ".join(listed)}) ")" {where}']

    def alter(self, table: Table, is_draft: bool = False) -> list[str]:
        """Write ALTER TABLE of one table; a draft may name a new column like an old one."""
        head = literal(f"ALTER TABLE {self._name(table.name)}")
        taken = [re.escape(c.name) for c in table.columns if re.fullmatch(r"\w+", c.name, re.ASCII)]
        new = "NEWCOLUMN"
        if not is_draft:
            new = self._assembly.terminals.define(
                f"NEWCOLUMN{self._number(table)}_", alias_terminal([*self.words, *taken])
            )
        added = self._columns.added()
        found = [f'{head} " ADD COLUMN " {new} " " ({added})']
        if self._dialect.name == "duckdb" and self._is_bound(table):
            return found  # what others depend on cannot be changed
        name = self._dialect.name
        if not against_table_rename(self._schema, table, name):
            found.append(f'{head} " RENAME TO " NEWNAME')
        columns = written_columns(table, self._dialect)
        free = [
            one.name for one in columns if not against_rename(self._schema, table, one.name, name)
        ]
        renamed = any_of(map(self._name, free))
        is_computing = any(one.is_generated for one in columns)
        if free and not (is_computing and self._dialect.name in ("duckdb", "mysql")):
            found.append(f'{head} " RENAME COLUMN " ({renamed}) " TO " {new}')
        kept = self._kept_columns(table)
        dropped = [
            one
            for one in columns
            if fold(one.name) not in kept and not against_drop(self._schema, table, one.name, name)
        ]
        if is_computing:  # others may be computed of it
            dropped = [one for one in dropped if one.is_generated]
        if dropped and len(columns) > 1:
            names = any_of(self._name(one.name) for one in dropped)
            found.append(f'{head} " DROP COLUMN " ({names})')
        return found

    def _index_condition(self, table: Table, rule: str) -> str:
        """Write the condition of an index on a part of its table."""
        for column in written_columns(table, self._dialect):
            name = literal(self._name(column.name))
            self._assembly.add(f"{rule}_where", f"{name} ISNULL")
            if column.letter == "B":
                self._assembly.add(f"{rule}_where", f"{name} EQ BOOL")
            elif column.values:
                values = any_of(written_values(column, self._dialect.name))
                self._assembly.add(f"{rule}_where", f"{name} EQ ({values})")
            elif column.letter in "XNTDS":
                text = {"X": "NUM", "N": "NUM", "T": "SHORT", "D": "DATE_STRING"}.get(
                    column.letter, "TIMESTAMP_STRING"
                )
                self._assembly.add(f"{rule}_where", f"{name} CMP {text}")
        return f'(" WHERE " {rule}_where (AO {rule}_where){{0,3}})?'

    def _chain(self, rule: str, names: Sequence[str]) -> None:
        """Add rules `rule_LEFT_AT` that name as many columns at most, from a place on, in order."""
        for at, name in enumerate(names):
            is_last = at + 1 == len(names)
            for left in range(1, _MAX_INDEXED + 1):
                later = "" if is_last or left == 1 else f'(", " {rule}_{left - 1}_{at + 1})?'
                further = () if is_last else (f"{rule}_{left}_{at + 1}",)
                self._assembly.add(f"{rule}_{left}_{at}", f"{literal(name)} WAY? {later}", *further)

    def _may_index(self, column: WrittenColumn) -> bool:
        if column.letter in "UJ":
            return False
        if self._dialect.name == "mysql":  # which indexes no long texts without a length
            return not _NO_INDEX.fullmatch(column.type)
        if column.letter == "O" and self._dialect.is_typed:
            return bool(re.fullmatch("TIME|UUID|BYTEA|INET", column.type))
        return True

    def _has_partial_index(self) -> bool:
        return self._dialect.name in ("sqlite", "postgres")

    def _is_bound(self, table: Table) -> bool:
        """Whether foreign keys hold a table, its own or others'."""
        return bool(table.foreign_keys) or any(
            key.referenced_table == table.name
            for other in self._schema.tables
            for key in other.foreign_keys
        )

    def _kept_columns(self, table: Table) -> Collection[str]:
        """The folded names of columns that keys are made of, or a CHECK where that holds them."""
        found = set(table.primary_key)
        if self._dialect.name not in ("postgres", "mysql"):
            found |= {one.name for one in table.columns if one.values}
        for other in self._schema.tables:
            for key in other.foreign_keys:
                if other is table:
                    found |= set(key.columns)
                if key.referenced_table == table.name:
                    found |= set(key.referenced_columns)
        return {fold(name) for name in found}

    def _number(self, table: Table) -> int:
        return self._schema.tables.index(table)

    def _name(self, name: str) -> str:
        return quote_name(name, self._dialect.name)
