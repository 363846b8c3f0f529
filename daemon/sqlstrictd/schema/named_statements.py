"""CREATE TYPE, CREATE DOMAIN and ALTER TYPE, as far as they give a column its type or its values.

`statements.py` calls these behind the first words. What is no enum and no other name for a type (a
composite, a range, a type in C) says nothing of any column and is passed over with a warning.
"""

from __future__ import annotations

from sqlstrictd.schema.column import read_type, strings_of
from sqlstrictd.schema.cursor import Cursor
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.keys import read_table_name
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.values import ClosedList, closed_lists


def read_type_statement(cursor: Cursor, draft: SchemaDraft) -> bool:
    """Read what follows CREATE TYPE, and say whether it was understood."""
    cursor.take_words("IF", "NOT", "EXISTS")
    name = read_table_name(cursor).token
    if not cursor.take_words("AS") or cursor.sees_symbol("(") or cursor.sees_word("RANGE"):
        return False
    declared, values = read_type(cursor)
    if declared == "ENUM":
        draft.types.enums[fold(name.value)] = list(values)
        return bool(values)
    draft.types.add_domain(name.value, declared, [])
    return bool(declared)


def read_domain_statement(cursor: Cursor, draft: SchemaDraft) -> bool:
    """Read what follows CREATE DOMAIN up to the semicolon, and say whether it was understood."""
    name = read_table_name(cursor).token
    cursor.take_words("AS")
    declared, _ = read_type(cursor)
    lists: list[ClosedList] = []
    while (token := cursor.peek()) is not None and not token.is_symbol(";"):
        if cursor.take_words("CHECK") and cursor.sees_symbol("("):
            lists.extend(closed_lists(cursor.skip_group(), cursor.literals))
        else:
            cursor.take()
    draft.types.add_domain(name.value, declared, lists)
    return bool(declared)


def read_type_alteration(cursor: Cursor, draft: SchemaDraft) -> bool:
    """Read what follows ALTER TYPE: values that an enum gains or that change their names."""
    members = draft.types.enums.get(fold(read_table_name(cursor).token.value))
    if cursor.take_words("ADD", "VALUE"):
        cursor.take_words("IF", "NOT", "EXISTS")
        added = strings_of(cursor, (cursor.take(),))
        if members is not None and added and added[0] not in members:
            members.append(added[0])
        return True
    if cursor.take_words("RENAME", "VALUE"):
        before = strings_of(cursor, (cursor.take(),))
        cursor.take_words("TO")
        after = strings_of(cursor, (cursor.take(),))
        if members is not None and before and after:
            members[:] = [after[0] if value == before[0] else value for value in members]
        return True
    return False
