"""The last gate on corpora: what it refuses without SQLite's help, and what it lets pass."""

import sqlite3
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import canonical, check_statement
from sqlstrictd.verify.sqlite_engine import Database

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
STATEMENTS = FIXTURES / "statements"
SHOP = parse_schema((FIXTURES / "schemas" / "shop.sql").read_text(encoding="utf-8"))
ODD = parse_schema((FIXTURES / "schemas" / "odd_names.sql").read_text(encoding="utf-8"))
FORBIDDEN = [
    line
    for line in (STATEMENTS / "forbidden.sql").read_text(encoding="utf-8").splitlines()
    if not line.startswith("--#")
]
VALID = (STATEMENTS / "valid.sql").read_text(encoding="utf-8").splitlines()

INVISIBLE = [
    "SELECT id FROM orders\0",
    "SELECT id FROM orders; \0 DROP TABLE orders",
    "SELECT id\x01 FROM orders",
    "SELECT 'a\x1bb' FROM orders",
    "SELECT id FROM orders\x7f",
    "SELECT id FROM orders WHERE status = '\x85'",
    "SELECT\u00a0id\u00a0FROM\u00a0orders",
    "SELECT id\u2028FROM orders",
    "SELECT id\u3000FROM orders",
    "SELECT i\u200bd FROM orders",
    "SELECT id\ufeff FROM orders",
    "\ufeffSELECT id FROM orders",
    "SELECT \u202eid FROM orders",
    'SELECT id AS "a\u202eb" FROM orders',
    "SELECT \u0456d FROM orders",  # a Cyrillic letter that looks like i
    "SELECT id FROM orders\u037e DROP TABLE orders",  # a Greek question mark looks like ;
    "SELECT id FROM orders\uff1b DROP TABLE orders",  # a full-width semicolon
    "SELECT id FROM orders WHERE status = \u2018open\u2019",
    "SELECT id FROM orders WHERE status = \u02bcopen\u02bc",
    "SELECT \uff29\uff24 FROM orders",  # full-width letters that NFKC folds to ID
    "SELECT id FROM ord\u0131ers",
    "SELECT id FROM orders WHERE status = '\ud800'",
    "",
    " \n\t",
]


def test_the_corpus_is_large() -> None:
    assert len(FORBIDDEN) >= 150
    assert len(set(FORBIDDEN)) == len(FORBIDDEN)


@pytest.mark.parametrize("sql", FORBIDDEN + INVISIBLE)
def test_refused_before_sqlite_is_asked(sql: str) -> None:
    verdict = check_statement(sql, SHOP)
    assert not verdict.in_scope
    assert not verdict.prepares
    assert verdict.engine == ""
    assert verdict.problems
    assert all(problem.check != "prepare" for problem in verdict.problems)


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_refused_in_every_case_and_with_other_blanks(sql: str) -> None:
    for variant in (sql.lower(), sql.upper(), sql.replace(" ", "\n"), f"  {sql}\t"):
        assert not check_statement(variant, SHOP).in_scope


@pytest.mark.parametrize("sql", VALID)
def test_let_through(sql: str) -> None:
    verdict = check_statement(sql, SHOP)
    assert verdict.problems == ()
    assert (verdict.kind, verdict.is_single, verdict.in_scope) == ("select", True, True)
    assert verdict.prepares
    assert verdict.engine == f"sqlite {sqlite3.sqlite_version}"
    ended = sql if sql.endswith(";") else f"{sql};"
    assert check_statement(ended, SHOP) == verdict
    assert canonical(sql) == canonical(ended)


@pytest.mark.parametrize("sql", VALID)
def test_let_through_statements_prepare_on_the_users_own_tables(sql: str) -> None:
    """Our database is made by our own CREATEs; the user's has keys, checks and defaults."""
    connection = sqlite3.connect(":memory:")
    connection.executescript((FIXTURES / "schemas" / "shop.sql").read_text(encoding="utf-8"))
    connection.execute(f"EXPLAIN {sql}")
    connection.close()


@pytest.mark.parametrize("sql", FORBIDDEN)
def test_the_database_stays_empty_whatever_it_is_asked(
    sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second line of defence alone: nothing is run, nothing is written, nothing is attached."""
    monkeypatch.chdir(tmp_path)
    database = Database(SHOP)
    database.prepare(sql)
    error, reads = database.prepare("SELECT COUNT(*) FROM orders")
    assert (error, reads) == ("", frozenset())
    assert database.count_tables() == len(SHOP.tables)
    database.close()
    assert list(tmp_path.iterdir()) == []


WRITES = [
    "INSERT INTO orders (id) VALUES (1)",
    "UPDATE orders SET price = 0",
    "DELETE FROM orders",
    "DROP TABLE orders",
    "CREATE TABLE t (a)",
    "CREATE TEMP VIEW v AS SELECT 1",
    "ALTER TABLE orders RENAME TO o",
    "WITH d AS (SELECT 1) DELETE FROM orders",
    "PRAGMA user_version = 7",
    "ATTACH DATABASE 'x.db' AS x",
    "SELECT load_extension('x')",
    "SELECT zeroblob(10)",
    "SELECT sqlite_version()",
    "SELECT name FROM sqlite_master",
    "SELECT * FROM pragma_table_info('orders')",
    "BEGIN",
    "SAVEPOINT s",
    "SELECT id FROM orders WHERE id = ?",
    "SELECT 1; SELECT 2",
]


@pytest.mark.parametrize("sql", WRITES)
def test_sqlite_refuses_by_itself(
    sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = Database(SHOP)
    error, _ = database.prepare(sql)
    database.close()
    assert error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sql", "line", "column", "check", "part", "nearest"),
    [
        ("SELECT pric FROM orders", 1, 8, "scope", "no column pric in orders", "orders.price"),
        ("SELECT id\nFROM order_s", 2, 6, "scope", "no table order_s", "orders"),
        ("SELECT o.pric\r\nFROM orders o", 1, 10, "scope", "no column pric in o", "o.price"),
        ("SELECT c.id FROM orders", 1, 8, "scope", "c is no table or alias", None),
        ("SELECT id FROM orders JOIN customers ON 1", 1, 8, "scope", "ambiguous", "orders.id"),
        ('SELECT id FROM orders WHERE status = "open"', 1, 38, "scope", "single quotes", None),
        ("SELECT city FROM orders", 1, 8, "scope", "no column city", "customers.city"),
        ("SELECT SUMM(price) FROM orders", 1, 8, "kind", "SUMM", "SUM"),
        ("SELECT id FROM orders; SELECT 1", 1, 24, "kind", "more than one statement", None),
        ("DELETE FROM orders", 1, 1, "kind", "DELETE", None),
        ("SELECT id FRM orders x", 1, 15, "syntax", "cannot be parsed at orders", None),
        ("SELECT 'x", 1, 8, "syntax", "string is not closed", None),
        ("SELECT id -- x", 1, 11, "syntax", "comment", None),
        ("SELECT id FROM orders WHERE id = ?", 1, 34, "syntax", "?", None),
        ("SELECT id FROM orders GROUP ORDER BY id", 1, 29, "prepare", "syntax error", None),
        ("SELECT MAX(COUNT(*)) FROM orders", 0, 0, "prepare", "misuse of aggregate", None),
        ("SELECT id, price FROM orders UNION SELECT id FROM customers", 1, 43, "scope",
         "same number", None),
    ],
)  # fmt: skip
def test_problems_say_what_where_and_what_is_nearest(
    sql: str, line: int, column: int, check: str, part: str, nearest: str | None
) -> None:
    problem = check_statement(sql, SHOP).problems[0]
    assert (problem.check, problem.line, problem.column) == (check, line, column)
    assert part in problem.message
    if nearest is not None:
        assert problem.nearest[0] == nearest


def test_tables_and_columns_are_those_read_in_the_schemas_spelling() -> None:
    verdict = check_statement(
        "select NAME, (select max(PRICE) from ORDERS o where o.CUSTOMER_ID = c.ID) "
        "from Customers c where exists (select * from items) order by name",
        SHOP,
    )
    assert verdict.tables == ("customers", "items", "orders")
    assert verdict.columns == (
        "customers.id",
        "customers.name",
        "items.order_id",
        "items.quantity",
        "items.sku",
        "orders.customer_id",
        "orders.price",
    )


@pytest.mark.parametrize(
    "sql",
    [
        'SELECT "select", "from", "where", "group", "limit" FROM "order"',
        'SELECT "it\'s", "say ""hi""", "semi;colon", "par(en" FROM "two words" WHERE "a b" = 1',
        "SELECT Länge, É, é, 名前, имя FROM Größe",
        "SELECT a.ID FROM MixedCase AS a JOIN MIXEDCASE AS b ON a.ref = b.id",
        "SELECT key, date, year, action, first, last, match, rowid, _x FROM words",
    ],
)
def test_odd_names_pass(sql: str) -> None:
    assert check_statement(sql, ODD).problems == ()


@pytest.mark.parametrize(
    "sql", ["SELECT ä FROM Größe", "SELECT LÄNGE FROM Größe", "SELECT oid FROM words"]
)
def test_letters_beyond_ascii_are_not_folded(sql: str) -> None:
    assert not check_statement(sql, ODD).in_scope


def test_standard_sql_has_fewer_functions_and_aliases() -> None:
    ansi = Schema("ansi", SHOP.tables)
    assert check_statement("SELECT UPPER(name) FROM customers ORDER BY 1", ansi, "ansi").prepares
    for sql in (
        "SELECT STRFTIME('%Y', created_at) FROM orders",
        "SELECT GROUP_CONCAT(name) FROM customers",
        "SELECT price AS p FROM orders WHERE p > 1",
        "SELECT `name` FROM customers",
        "SELECT [name] FROM customers",
    ):
        assert not check_statement(sql, ansi, "ansi").in_scope


def test_deep_and_long_statements_end_in_a_verdict() -> None:
    nested = "SELECT " + "(" * 25 + "1" + ")" * 25
    assert check_statement(nested, SHOP).prepares
    for sql in (
        "SELECT " + "(" * 5000 + "1" + ")" * 5000,
        "SELECT " + "NOT " * 3000 + "1",
        "SELECT " + "- " * 5000 + "1",
        "SELECT " + "CASE WHEN " * 500 + "1" + " THEN 1 END" * 500,
        "SELECT " + "(SELECT " * 1500 + "1" + ")" * 1500,
        "SELECT " + "1 + " * 3500 + "1",
        "SELECT 1" + " UNION SELECT 1" * 1000,
        "SELECT * FROM " + ", ".join(["orders"] * 2000),
        "SELECT " + ", ".join(["*"] * 5000) + " FROM orders",
        "SELECT '" + "x" * 20_000 + "'",
    ):
        verdict = check_statement(sql, SHOP)
        assert not verdict.prepares
        assert verdict.problems


def test_every_thread_has_its_own_database() -> None:
    verdicts = []

    def check() -> None:
        verdicts.append(check_statement("SELECT COUNT(*) FROM orders", SHOP).prepares)

    threads = [threading.Thread(target=check) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == [True] * 4


def test_more_schemas_than_are_kept() -> None:
    schemas = [parse_schema(f"CREATE TABLE t{number} (a)") for number in range(40)]
    for _ in range(2):
        for number, schema in enumerate(schemas):
            assert check_statement(f"SELECT a FROM t{number}", schema).prepares


def test_canonical_tells_trees_apart_and_nothing_else() -> None:
    same = [
        "SELECT name FROM customers WHERE id = 1;",
        "select  NAME\nfrom Customers where ID=1",
        'SELECT "name" FROM "customers" WHERE "id" = 1',
    ]
    assert len({canonical(sql) for sql in same}) == 1
    others = [
        "SELECT name FROM customers WHERE id = 2",
        "SELECT name FROM customers WHERE name = 'A'",
        "SELECT name FROM customers WHERE name = 'a'",
        "SELECT name AS n FROM customers WHERE id = 1",
    ]
    assert len({canonical(sql) for sql in [*same, *others]}) == 1 + len(others)


WORDS = (
    "SELECT FROM orders customers items id name price status WHERE GROUP BY HAVING ORDER LIMIT "
    "JOIN "
    'ON USING NATURAL LEFT AS a b ( ) , . ; * = < + - \'x\' "y" "id" 1 2.5 COUNT SUM UNION IN '
    "EXISTS NOT NULL IS BETWEEN AND OR CASE WHEN THEN END CAST DISTINCT WITH OVER PARTITION INTO "
    "DELETE UPDATE DROP PRAGMA FOR -- /* */ [ ] ` { } ? : @ rowid sqlite_master É \u202e \x00"
).split(" ")


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.text(max_size=120),
        st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join),
        st.tuples(st.sampled_from(VALID), st.sampled_from(WORDS), st.integers(0, 200)).map(
            lambda parts: f"{parts[0][: parts[2]]} {parts[1]} {parts[0][parts[2] :]}"
        ),
    )
)
def test_any_text_gets_a_verdict_and_what_passes_prepares(sql: str) -> None:
    verdict = check_statement(sql, SHOP)
    assert verdict.prepares == (not verdict.problems)
    if verdict.prepares:
        connection = sqlite3.connect(":memory:")
        connection.executescript((FIXTURES / "schemas" / "shop.sql").read_text(encoding="utf-8"))
        connection.execute(f"EXPLAIN {sql}")
        connection.close()
    canonical(sql)
