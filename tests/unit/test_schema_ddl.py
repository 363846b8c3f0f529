"""Schema text to Schema: what people have, and what is refused with its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlstrictd.errors import SchemaError
from sqlstrictd.schema.ddl import MAX_TEXT_LENGTH, parse_schema
from sqlstrictd.schema.types import ForeignKey, Schema


def columns(schema: Schema, table: str) -> list[tuple[str, str, bool]]:
    found = schema.table(table)
    assert found is not None
    return [(column.name, column.type, column.not_null) for column in found.columns]


def keys(schema: Schema, table: str) -> tuple[ForeignKey, ...]:
    found = schema.table(table)
    assert found is not None
    return found.foreign_keys


def refusal(text: str) -> SchemaError:
    with pytest.raises(SchemaError) as caught:
        parse_schema(text)
    return caught.value


def test_a_table_keeps_names_types_and_keys_and_drops_expressions() -> None:
    schema = parse_schema(
        """CREATE TABLE IF NOT EXISTS orders (
             id integer PRIMARY KEY AUTOINCREMENT,
             price decimal(10, 2) NOT NULL DEFAULT (1 + (2)) CHECK (price > 0),
             "x y" REAL GENERATED ALWAYS AS (price * 2) STORED,
             untyped DEFAULT -1,
             customer INT CONSTRAINT c REFERENCES customers ON DELETE SET NULL DEFERRABLE,
             CONSTRAINT one UNIQUE (price, customer)
           ) STRICT, WITHOUT ROWID; -- the end
           CREATE TABLE customers (id INT, PRIMARY KEY (id DESC) ON CONFLICT REPLACE)"""
    )
    assert columns(schema, "orders") == [
        ("id", "INTEGER", False),
        ("price", "DECIMAL(10,2)", True),
        ("x y", "REAL", False),
        ("untyped", "", False),
        ("customer", "INT", False),
    ]
    assert schema.tables[0].primary_key == ("id",)
    assert keys(schema, "orders") == (ForeignKey(("customer",), "customers", ("id",)),)
    assert schema.warnings == ()


@pytest.mark.parametrize(
    ("text", "tables"),
    [
        ("Table 'orders' (id, price)", {"orders": ("id", "price")}),
        ("TABLE \"a b\" (`x`, [y], 'z', \"q q\")", {"a b": ("x", "y", "z", "q q")}),
        ("table a (order, select); Table b (x), Table c (y)\n\nTable d (z);",
         {"a": ("order", "select"), "b": ("x",), "c": ("y",), "d": ("z",)}),
        ("-- a comment\nTable 'o''clock' (\"say \"\"hi\"\"\")", {"o'clock": ('say "hi"',)}),
        ("\ufeffTable t (名前, É, é)", {"t": ("名前", "É", "é")}),
    ],
)  # fmt: skip
def test_the_compact_form(text: str, tables: dict[str, tuple[str, ...]]) -> None:
    assert {table.name: table.column_names for table in parse_schema(text).tables} == tables


def test_names_are_matched_by_ascii_case_alone() -> None:
    schema = parse_schema("CREATE TABLE É (ID INT, Ä INT, ä INT); CREATE TABLE é (id INT)")
    assert [table.name for table in schema.tables] == ["É", "é"]
    assert schema.table("É") is schema.tables[0]
    assert schema.tables[0].column("id") == schema.tables[0].columns[0]
    assert schema.tables[0].column("Ä") != schema.tables[0].column("ä")


def test_statements_without_tables_are_left_out_by_kind_and_line() -> None:
    schema = parse_schema(
        "CREATE TABLE a (x INT);\nCREATE INDEX i ON a (x);\nCREATE VIEW v AS SELECT 1;\n"
        "CREATE INDEX j ON a (x);\nINSERT INTO a VALUES (1);\nPRAGMA user_version = 1;\n"
        "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT 1; END;\n"
        "CREATE VIRTUAL TABLE f USING fts5(x);\nCREATE TABLE sqlite_sequence(name, seq);\n"
        "CREATE TABLE b (y INT)"
    )
    assert [table.name for table in schema.tables] == ["a", "b"]
    assert schema.warnings == (
        "line 5: INSERT left out",
        "line 8: CREATE VIRTUAL left out",
        "line 3: view v left out",
        "line 9: SQLite's own table sqlite_sequence left out",
    )


@pytest.mark.parametrize(
    ("key", "warning"),
    [
        ("REFERENCES nowhere", "foreign key of a left out: there is no table nowhere"),
        ("REFERENCES b (nothing)", "foreign key of a left out: b has no such column"),
        ("REFERENCES b (y, z)", "it has another number of columns than b's"),
        ("REFERENCES b", "it has another number of columns than b's"),
        ("REFERENCES other.b (y)", "there is no table b"),
    ],
)
def test_a_key_to_what_is_not_there_is_dropped_with_a_warning(key: str, warning: str) -> None:
    schema = parse_schema(f"CREATE TABLE a (x INT {key});\nCREATE TABLE b (y INT, z INT)")
    assert keys(schema, "a") == ()
    assert len(schema.warnings) == 1
    assert schema.warnings[0].startswith("line 1: ")
    assert warning in schema.warnings[0]


def test_added_columns_and_keys_count() -> None:
    schema = parse_schema(
        "CREATE TABLE a (x INT); CREATE TABLE b (y INT);"
        "ALTER TABLE a ADD COLUMN z TEXT NOT NULL DEFAULT '';"
        "ALTER TABLE ONLY a ADD CONSTRAINT p PRIMARY KEY (x), ADD FOREIGN KEY (z) REFERENCES b (y);"
    )
    assert columns(schema, "a") == [("x", "INT", False), ("z", "TEXT", True)]
    assert schema.tables[0].primary_key == ("x",)
    assert keys(schema, "a") == (ForeignKey(("z",), "b", ("y",)),)


def test_constraints_of_a_table_need_no_comma_between_them() -> None:
    schema = parse_schema(
        "CREATE TABLE a (x INT, y INT, UNIQUE (x) CHECK (y > 0) CONSTRAINT p PRIMARY KEY (x) "
        "FOREIGN KEY (y) REFERENCES a (x) UNIQUE (y))"
    )
    assert schema.tables[0].column_names == ("x", "y")
    assert schema.tables[0].primary_key == ("x",)
    assert keys(schema, "a") == (ForeignKey(("y",), "a", ("x",)),)


def test_a_dropped_table_may_come_again() -> None:
    schema = parse_schema("CREATE TABLE a (x); DROP TABLE IF EXISTS a; CREATE TABLE a (y)")
    assert columns(schema, "a") == [("y", "", False)]


def test_one_namespace_is_dropped() -> None:
    schema = parse_schema(
        'CREATE TABLE sales.a (id INT PRIMARY KEY); CREATE TABLE "Sales".b (x INT REFERENCES a,'
        " y INT REFERENCES sales.a (id))"
    )
    assert [table.name for table in schema.tables] == ["a", "b"]
    assert [key.referenced_table for key in keys(schema, "b")] == ["a", "a"]


def test_several_namespaces_are_refused_by_name() -> None:
    error = refusal("CREATE TABLE sales.orders (x INT);\nCREATE TABLE hr.orders (x INT)")
    assert "sales.orders and hr.orders" in error.message
    assert (error.line, error.column) == (2, 17)


@pytest.mark.parametrize(
    ("text", "line", "column", "part"),
    [
        ("", 1, 1, "empty"),
        (" \n ", 1, 1, "empty"),
        ("SELECT 1", 1, 1, "no CREATE TABLE"),
        ("CREATE TABLE sqlite_x (a)", 1, 1, "left to ask about: line 1: SQLite's own table"),
        ("hello", 1, 1, "hello stands where a statement is expected"),
        ("CREATE TABL t (a)", 1, 8, "TABL stands where TABLE"),
        ("CREATE TABLE t (a INT, A TEXT)", 1, 24, "Column A is defined twice in t"),
        ("CREATE TABLE t (a);\nCREATE TABLE T (b)", 2, 14, "Table T is defined twice"),
        ("Table x (a)\nTable y (b, B)", 2, 13, "Column B is defined twice in y"),
        ("CREATE TABLE t AS SELECT 1", 1, 14, "takes its columns from elsewhere (AS)"),
        ("CREATE TABLE t (a) AS SELECT 1", 1, 14, "takes its columns from elsewhere (AS)"),
        ("CREATE TABLE t LIKE u", 1, 14, "(LIKE)"),
        ("CREATE TABLE t (LIKE u)", 1, 14, "(LIKE)"),
        ("CREATE TABLE t (a INT) INHERITS (u)", 1, 14, "(INHERITS)"),
        ("CREATE TABLE t (\n  a INT", 2, 8, "The text ends where ) is expected"),
        ("CREATE TABLE t ()", 1, 17, ") stands where the name of a column"),
        ("CREATE TABLE t (a,)", 1, 19, ") stands where the name of a column"),
        ("CREATE TABLE t (a INT) nonsense", 1, 24, "nonsense stands where ;"),
        ("CREATE TABLE t (a)\nCREATE TABLE u (b)", 2, 1, "CREATE stands where ;"),
        ("PRAGMA x\nCREATE TABLE u (b)", 2, 1, "a semicolon is expected"),
        ("CREATE TABLE t (a INT name TEXT)", 1, 23, "comma is missing before name"),
        ("CREATE TABLE t (a VARCHAR(9) name VARCHAR(9))", 1, 30, "comma is missing"),
        ("CREATE TABLE t (order INT)", 1, 17, "as a name it needs double quotes"),
        ("CREATE TABLE where (a INT)", 1, 14, "as a name it needs double quotes"),
        ("CREATE TABLE t (a INT, AS b INT)", 1, 24, "as a name it needs double quotes"),
        ("CREATE TABLE t (a CHAR(3,))", 1, 25, ", cannot stand in a type"),
        ("CREATE TABLE t (a CHAR(3 NOT))", 1, 26, "NOT cannot stand in a type"),
        ("CREATE TABLE t (a CHAR())", 1, 23, "Nothing stands between"),
        ("CREATE TABLE t (a INT PRIMARY KEEY)", 1, 31, "KEEY stands where KEY"),
        ("CREATE TABLE t (a INT DEFAULT)", 1, 30, "a value is expected"),
        ("CREATE TABLE t (a INT CHECK)", 1, 28, "( is expected"),
        ("CREATE TABLE t (a INT CHECK ((a > 1)", 1, 29, "The ( here is not closed"),
        ("CREATE TABLE t (a INT REFERENCES u ON DELETE FLY)", 1, 46, "FLY stands where an action"),
        ("CREATE TABLE t (a, PRIMARY KEY (b))", 1, 33, "Table t has no column b"),
        ("CREATE TABLE t (a, FOREIGN KEY (b) REFERENCES t)", 1, 33, "Table t has no column b"),
        ("CREATE TABLE t (a PRIMARY KEY, PRIMARY KEY (a))", 1, 45, "two primary keys"),
        ('CREATE TABLE t ("a\x01b")', 1, 19, "U+0001"),
        ("CREATE TABLE t (a\u202eb)", 1, 18, "U+202E (RIGHT-TO-LEFT OVERRIDE)"),
        ("CREATE TABLE t (a\u00a0INT)", 1, 18, "U+00A0 (NO-BREAK SPACE)"),
        ("CREATE TABLE t (a \x00)", 1, 19, "U+0000"),
        ("CREATE TABLE t (a)\ud800", 1, 19, "U+D800"),
        ('CREATE TABLE "" (a)', 1, 14, "empty"),
        ("CREATE TABLE t (a 'x", 1, 19, "string is not closed"),
        ('CREATE TABLE t (a, "x', 1, 20, "name in quotes is not closed"),
        ("CREATE TABLE t (a) /* x", 1, 20, "comment is not closed"),
        ("Table 'x' (a b)", 1, 14, "quote names with blanks"),
        ("Table 'SQLite_x' (a)", 1, 7, "SQLite's own"),
        ("Table 'x' (a) foo", 1, 15, "the word Table is expected"),
        ("CREATE TABLE t (a);\nALTER TABLE t RENAME TO u", 2, 15, "(RENAME)"),
        ("CREATE TABLE t (a);\r\nALTER TABLE t DROP COLUMN a", 2, 15, "(DROP)"),
        ("CREATE TABLE t (a); DROP TABLE t", 1, 1, "no CREATE TABLE"),
        ("CREATE TABLE " + "x" * 256 + " (a)", 1, 14, "256 characters"),
        ("CREATE TABLE t (a " + "x " * 60 + ")", 1, 19, "A type has 119 characters"),
        ("ATTACH DATABASE 'x' AS y", 1, 1, "no CREATE TABLE"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(
    text: str, line: int, column: int, part: str
) -> None:
    error = refusal(text)
    assert part in error.message
    assert (error.line, error.column) == (line, column)


def test_caps() -> None:
    names = ",".join(f"c{number}" for number in range(2001))
    assert "more than 2000 columns" in refusal(f"CREATE TABLE t ({names})").message
    tables = ";\n".join(f"CREATE TABLE t{number} (a)" for number in range(2001))
    error = refusal(tables)
    assert "more than 2000 tables" in error.message
    assert error.line == 2001
    assert len(parse_schema(tables.rpartition(";")[0]).tables) == 2000
    assert "at most" in refusal(" " * (MAX_TEXT_LENGTH + 1)).message


def test_any_nesting_is_read_without_recursion() -> None:
    deep = "(" * 100_000 + "1" + ")" * 100_000
    schema = parse_schema(f"CREATE TABLE t (a INT CHECK {deep} DEFAULT {deep})")
    assert columns(schema, "t") == [("a", "INT", False)]
    assert "is not closed" in refusal("CREATE TABLE t (a CHECK " + "(" * 100_000).message


def test_the_fingerprint_counts_what_queries_depend_on_and_no_warnings() -> None:
    plain = parse_schema("CREATE TABLE t (a INT)")
    again = parse_schema("-- x\nCREATE TABLE  t(a int);;INSERT INTO t VALUES (1)")
    assert again.fingerprint == plain.fingerprint
    indexed = parse_schema("CREATE TABLE t (a INT); CREATE INDEX i ON t (a)")
    assert indexed.fingerprint != plain.fingerprint
    assert parse_schema("CREATE TABLE t (b INT)").fingerprint != plain.fingerprint
    assert parse_schema("CREATE TABLE t (a INT)", "ansi").fingerprint != plain.fingerprint


PIECES = st.lists(
    st.sampled_from(
        "CREATE TABLE t u a b ( ) ( ) , ; INT TEXT PRIMARY KEY NOT NULL DEFAULT 1 'x' \"y\" `z` "
        "[w] "
        "REFERENCES FOREIGN CHECK UNIQUE CONSTRAINT ON DELETE CASCADE ALTER ADD COLUMN DROP IF "
        "EXISTS INDEX VIEW AS SELECT BEGIN END TRIGGER COPY FROM stdin -- /* */ \n . :: [] $$ "
        "DELIMITER GENERATED COLLATE COMMENT ENGINE = KEY Table É \u202e \x00 \\' \\".split(" ")
    ),
    max_size=40,
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), PIECES.map(" ".join), PIECES.map("".join)))
def test_any_text_is_a_schema_or_a_schema_error(text: str) -> None:
    try:
        schema = parse_schema(text)
    except SchemaError as error:
        lines = text.count("\n") + text.count("\r") + 1
        assert 1 <= error.line <= lines
        assert 1 <= error.column <= len(text) + 1
    else:
        assert schema.tables
        assert all(table.columns for table in schema.tables)
