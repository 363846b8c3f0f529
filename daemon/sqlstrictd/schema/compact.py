"""The model card's form of a schema: `Table 'orders' (id, price)`, one table after another."""

from __future__ import annotations

from sqlstrictd.schema.cursor import Cursor
from sqlstrictd.schema.draft import SchemaDraft
from sqlstrictd.schema.table_draft import TableDraft, TableName
from sqlstrictd.schema.types import Column


def is_compact(cursor: Cursor) -> bool:
    """Whether the text begins in this form."""
    return cursor.sees_word("TABLE")


def read_compact(cursor: Cursor, draft: SchemaDraft) -> None:
    """Read every table to the end of the text; commas and semicolons may stand between them.

    Names may be in quotes of any kind; a bare one may be any word, reserved or not.

    Raises:
        SchemaError: the text has another form somewhere.
    """
    while cursor.peek() is not None:
        if not cursor.take_words("TABLE"):
            raise cursor.unexpected("the word Table is expected")
        table = TableDraft(TableName(cursor.take_any_name("a table")))
        cursor.expect_symbol("(", "before the columns of a table")
        while True:
            name = cursor.take_any_name("a column")
            table.add_column(cursor, name, Column(name.value))
            if not cursor.take_symbol(","):
                break
        cursor.expect_symbol(
            ")", "after the columns of a table, or a comma between them; quote names with blanks"
        )
        draft.add(table)
        if not cursor.take_symbol(","):
            cursor.take_symbol(";")
