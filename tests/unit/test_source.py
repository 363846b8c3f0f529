"""Where a schema comes from: names, files, databases, standard input; what SQLite files hold."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlstrict.errors import SourceError, UnsupportedSource
from sqlstrict.introspect import read_sqlite_schema, without_password
from sqlstrict.source import MAX_DDL_BYTES, SchemaSource, resolve_source
from sqlstrictd.schema.ddl import parse_schema

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL);\n"


def no_stdin() -> bytes:
    raise AssertionError("standard input was read")


def resolve(text: str) -> SchemaSource:
    return resolve_source(text, no_stdin)


def make_database(path: Path, *statements: str) -> Path:
    connection = sqlite3.connect(path)
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def test_a_name_is_a_registered_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").write_text(DDL)
    assert resolve("shop") == SchemaSource(name="shop")
    assert resolve("a.b_c-1") == SchemaSource(name="a.b_c-1")
    assert resolve("./shop") == SchemaSource(ddl=DDL, place="shop")


def test_a_file_of_ddl(tmp_path: Path) -> None:
    path = tmp_path / "shop.sql"
    path.write_bytes(b"\xef\xbb\xbf" + DDL.encode())
    assert resolve(str(path)) == SchemaSource(ddl=DDL, place=str(path))


def test_standard_input() -> None:
    assert resolve_source("-", DDL.encode) == SchemaSource(ddl=DDL, place="standard input")


def test_a_database_is_known_by_its_content(tmp_path: Path) -> None:
    path = make_database(tmp_path / "shop.txt", DDL)
    source = resolve(str(path))
    assert source.database == path
    assert source.ddl == DDL


def test_other_addresses_are_refused_by_name() -> None:
    with pytest.raises(UnsupportedSource) as caught:
        resolve("https://example.org/shop.sql")
    assert "https://" in caught.value.message
    assert ".sql file" in caught.value.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("mysql://me:secret@localhost", "names no database"),
        ("mysql://me:secret@localhost/shop?ssl=1", "ssl is not known"),
        ("mysql://me:secret@localhost:x/shop", "Port could not"),
        ("mysql:shop", "has // behind the colon"),
        ("duckdb://shop.duckdb", "write duckdb:///shop.duckdb"),
        ("duckdb:///", "write duckdb:///shop.duckdb"),
        ("duckdb:///no/such.duckdb", r"no/such\.duckdb: No such file"),
    ],
)
def test_addresses_that_name_no_database(text: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem) as caught:
        resolve(text)
    assert "secret" not in caught.value.message


def test_a_password_is_not_shown() -> None:
    for scheme in ("postgresql", "mysql"):
        address = f"{scheme}://me:se:cr@et@host:1/shop?sslpassword=more"
        assert without_password(address) == f"{scheme}://me@host:1/shop"
    assert without_password("postgresql://host/shop") == "postgresql://host/shop"
    assert without_password("postgresql:///shop?password=x") == "postgresql:///shop"


@pytest.mark.parametrize("text", ["", "no such thing", "-x", "é", "a" * 65])
def test_what_is_neither_file_nor_name(text: str) -> None:
    with pytest.raises(SourceError, match="neither a file nor a schema's name"):
        resolve(text)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"CREATE\n\0", "neither a SQLite database nor text"),
        ("ok\nCREATE TABLE é".encode("latin-1"), "line 2: not UTF-8"),
        (b"-" * (MAX_DDL_BYTES + 1), "larger than 1 MiB"),
    ],
)
def test_files_that_are_no_schema(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "shop.sql"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=problem):
        resolve(str(path))


def test_text_named_like_a_database(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    path.write_text("CREATE TABLE orders (id INTEGER);")
    with pytest.raises(SourceError, match=r"shop\.db is not a SQLite database; .* name it \.sql"):
        resolve(str(path))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"none\.sql: No such file"):
        resolve(str(tmp_path / "none.sql"))
    with pytest.raises(SourceError, match="Is a directory"):
        resolve(f"{tmp_path}/")


def test_odd_names_come_through_as_they_are(tmp_path: Path) -> None:
    statements = [
        'CREATE TABLE "order" ("select" TEXT, "a ""b""" INT)',
        "CREATE TABLE [line items] (`group by` TEXT, 数量 INTEGER)",
        "CREATE TABLE größe (id INTEGER PRIMARY KEY, n INT) WITHOUT ROWID",
        "CREATE TABLE g (a INT, b INT GENERATED ALWAYS AS (a * 2) STORED) STRICT",
        "CREATE TABLE 'with;semicolon' (x -- a comment; too\n)",
    ]
    path = make_database(tmp_path / "odd ?#%.db", *statements)
    found = read_sqlite_schema(path)
    assert found.warnings == ()
    assert found.ddl == "".join(f"{statement};\n" for statement in statements)
    copy = sqlite3.connect(":memory:")
    copy.executescript(found.ddl)
    original = sqlite3.connect(path)
    query = "SELECT name FROM pragma_table_list WHERE type = 'table' ORDER BY name"
    assert copy.execute(query).fetchall() == original.execute(query).fetchall()
    copy.close()
    original.close()


def test_a_comment_at_the_end_does_not_swallow_the_next_table(tmp_path: Path) -> None:
    path = make_database(
        tmp_path / "s.db", "CREATE TABLE a (x) -- the last word", "CREATE TABLE b (y)"
    )
    copy = sqlite3.connect(":memory:")
    copy.executescript(read_sqlite_schema(path).ddl)
    assert [row[0] for row in copy.execute("SELECT name FROM sqlite_master")] == ["a", "b"]
    copy.close()


def test_views_are_told_without_their_queries_and_virtual_tables_named(tmp_path: Path) -> None:
    path = make_database(
        tmp_path / "s.db",
        "CREATE TABLE docs (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT)",
        "CREATE VIEW short AS SELECT id, body AS 'the \"text\"' FROM docs WHERE body <> 'secret'",
        "CREATE VIEW broken AS SELECT missing FROM docs",
        "CREATE VIEW lost AS SELECT id FROM gone",
        "CREATE VIRTUAL TABLE found USING fts5 (body)",
        "CREATE TABLE found_by_hand (x)",
        "CREATE INDEX i ON docs (body)",
        "CREATE TRIGGER t AFTER INSERT ON docs BEGIN SELECT 1; END",
    )
    source = resolve(str(path))
    assert source.ddl is not None
    lines = [line for line in source.ddl.splitlines() if "SEQUENCE" not in line]
    assert lines == [
        "CREATE TABLE docs (id INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT);",
        'CREATE VIEW "short" AS SELECT CAST(NULL AS INTEGER) AS "id",'
        ' CAST(NULL AS TEXT) AS "the ""text""" WHERE EXISTS (SELECT "id", "body" FROM "docs");',
        "CREATE TABLE found_by_hand (x);",
        "CREATE INDEX i ON docs (body);",
        "CREATE TRIGGER t AFTER INSERT ON docs BEGIN SELECT  0 ; END;",
        'CREATE VIEW "broken";',
        'CREATE VIEW "lost";',
    ]
    schema = parse_schema(source.ddl)
    assert schema.unread_views == ("broken", "lost")
    assert {"found", "found_data", "found_config"} <= set(schema.other_names)
    assert source.warnings == (
        "s.db: views left out: broken, lost",
        "s.db: virtual table left out: found",
    )


def test_a_database_without_tables(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no table to ask about"):
        resolve(str(make_database(tmp_path / "empty.db", "CREATE VIEW v AS SELECT x FROM t")))
    (tmp_path / "new.db").touch()
    with pytest.raises(SourceError, match="no table to ask about"):
        resolve(str(tmp_path / "new.db"))


def test_a_damaged_database_is_said_so(tmp_path: Path) -> None:
    path = make_database(tmp_path / "s.db", DDL)
    path.write_bytes(path.read_bytes()[:100] + b"\xff" * 4000)
    with pytest.raises(SourceError, match=r"s\.db: "):
        resolve(str(path))


def test_reading_leaves_nothing_behind(tmp_path: Path) -> None:
    path = make_database(tmp_path / "s.db", DDL)
    before = path.read_bytes()
    resolve(str(path))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
