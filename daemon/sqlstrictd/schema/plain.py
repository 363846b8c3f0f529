"""Schema <-> plain values that JSON can hold, for the catalog's files and the workers' pipes.

Reading takes nothing on trust: whatever does not have the form of a schema raises ValueError.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from sqlstrictd.schema.types import USE_KINDS, Column, ForeignKey, Schema, Table, Use, UseKind


def to_plain(schema: Schema) -> dict[str, Any]:
    """Return the schema as dictionaries, lists and strings."""
    return asdict(schema)


def from_plain(plain: object) -> Schema:
    """Return the schema of plain values. Raises ValueError for anything that is not one."""
    fields = _mapping(plain)
    return Schema(
        dialect=_text(fields["dialect"]),
        tables=tuple(_table(_mapping(table)) for table in _list(fields["tables"])),
        warnings=_texts(fields["warnings"]),
        # Files of earlier versions have none of these.
        other_names=_texts(fields.get("other_names", ())),
        unread_views=_texts(fields.get("unread_views", ())),
    )


def _table(fields: dict[str, Any]) -> Table:
    return Table(
        name=_text(fields["name"]),
        columns=tuple(_column(_mapping(column)) for column in _list(fields["columns"])),
        primary_key=_texts(fields["primary_key"]),
        foreign_keys=tuple(_foreign_key(_mapping(key)) for key in _list(fields["foreign_keys"])),
        # Files of earlier versions have none of these.
        comment=_text(fields.get("comment", "")),
        is_view=_flag(fields.get("is_view", False)),
        uses=tuple(_use(_mapping(use)) for use in _list(fields.get("uses", ()))),
    )


def _column(fields: dict[str, Any]) -> Column:
    return Column(
        _text(fields["name"]),
        _text(fields["type"]),
        _flag(fields["not_null"]),
        # Files of earlier versions have none of these.
        values=_texts(fields.get("values", ())),
        comment=_text(fields.get("comment", "")),
        has_number_values=_flag(fields.get("has_number_values", False)),
        is_generated=_flag(fields.get("is_generated", False)),
    )


def _foreign_key(fields: dict[str, Any]) -> ForeignKey:
    return ForeignKey(
        columns=_texts(fields["columns"]),
        referenced_table=_text(fields["referenced_table"]),
        referenced_columns=_texts(fields["referenced_columns"]),
    )


def _use(fields: dict[str, Any]) -> Use:
    kind = _text(fields["kind"])
    if kind not in USE_KINDS:
        raise ValueError("another kind of use was expected")
    return Use(cast(UseKind, kind), _text(fields["name"]), _texts(fields["columns"]))


class _Fields(dict[str, Any]):
    """A dictionary whose missing keys are ValueErrors."""

    def __missing__(self, key: str) -> Any:
        raise ValueError(f"the field {key} is missing")


def _mapping(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    return _Fields(value)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError("a list was expected")
    return list(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a string was expected")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false was expected")
    return value


def _texts(value: object) -> tuple[str, ...]:
    return tuple(_text(item) for item in _list(value))
