"""Kinds of statement and dialects through all layers: request, grammar, last check, answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from running_house import GOOD_SQL, SHOP, ask, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_engine import answering

INSERT = "INSERT INTO customers (id, name, city) VALUES (1, 'Ada', 'Lisbon');"
UPDATE = "UPDATE orders SET status = 'done' WHERE id = 1;"
DELETE = "DELETE FROM orders WHERE status = 'open';"
UPDATE_ALL = "UPDATE orders SET status = 'done';"
DELETE_ALL = "DELETE FROM orders;"
WRITES = [
    (INSERT, pb.STATEMENT_KIND_INSERT),
    (UPDATE, pb.STATEMENT_KIND_UPDATE),
    (DELETE, pb.STATEMENT_KIND_DELETE),
    ("CREATE TABLE notes (id INTEGER, body TEXT);", pb.STATEMENT_KIND_CREATE_TABLE),
    ("CREATE VIEW placed AS SELECT id FROM orders;", pb.STATEMENT_KIND_CREATE_VIEW),
    ("CREATE INDEX by_city ON customers (city);", pb.STATEMENT_KIND_CREATE_INDEX),
    ("ALTER TABLE orders ADD COLUMN note TEXT;", pb.STATEMENT_KIND_ALTER_TABLE),
]
PASSED, UNSET = pb.CHECK_RESULT_PASSED, pb.CHECK_RESULT_UNSPECIFIED


@pytest.mark.parametrize(
    ("statement", "kind"), WRITES, ids=[pb.StatementKind.Name(kind) for _, kind in WRITES]
)
async def test_what_writes_leaves_only_where_its_kind_is_named(
    tmp_path: Path, statement: str, kind: pb.StatementKind
) -> None:
    others = [other for _, other in WRITES if other != kind]
    async with running_house(tmp_path, answering(statement)) as front:
        allowed = await front.translation.Translate(ask(statement_kinds=[kind]))
        with_others = await front.translation.Translate(
            ask(statement_kinds=[pb.STATEMENT_KIND_SELECT, kind])
        )
        refused = [
            await front.translation.Translate(ask()),
            await front.translation.Translate(ask(statement_kinds=others)),
        ]
    assert allowed.sql.text == with_others.sql.text == statement
    assert allowed.sql.kind == with_others.sql.kind == kind
    assert {answer.refusal.reason for answer in refused} == {pb.REFUSAL_REASON_VERIFY_FAILED}
    assert not any(statement.encode() in answer.SerializeToString() for answer in refused)


async def test_the_policy_is_in_the_grammar_too(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        for kinds in ([], [pb.STATEMENT_KIND_SELECT, pb.STATEMENT_KIND_DELETE]):
            await front.translation.Translate(ask(statement_kinds=kinds))
        for unfiltered in (False, True):
            await front.translation.Translate(
                ask(statement_kinds=[pb.STATEMENT_KIND_UPDATE], allow_unfiltered_writes=unfiltered)
            )
        works = front.engines.last.generates
    reads, deletes, *_ = works
    assert '"DELETE ' not in reads.grammar and '"INSERT ' not in reads.grammar
    assert '"DELETE ' in deletes.grammar and '"INSERT ' not in deletes.grammar
    # A statement that may be for all rows has a grammar of its own.
    assert len({work.grammar_key for work in works if not work.draft}) == 4


ALWAYS = DELETE_ALL.replace(";", " WHERE id = id OR id = 3;")


@pytest.mark.parametrize("statement", [UPDATE_ALL, DELETE_ALL, ALWAYS])
async def test_all_rows_at_once_must_be_asked_for_by_name(tmp_path: Path, statement: str) -> None:
    kinds = [pb.STATEMENT_KIND_UPDATE, pb.STATEMENT_KIND_DELETE]
    async with running_house(tmp_path, answering(statement)) as front:
        refused = await front.translation.Translate(ask(statement_kinds=kinds))
        allowed = await front.translation.Translate(
            ask(statement_kinds=kinds, allow_unfiltered_writes=True)
        )
    assert refused.refusal.reason == pb.REFUSAL_REASON_POLICY
    assert "would change every row" in refused.refusal.message
    assert allowed.sql.text == statement


async def test_a_check_takes_the_same_policy(tmp_path: Path) -> None:
    schema = pb.SchemaRef(ddl=SHOP)
    delete = pb.STATEMENT_KIND_DELETE
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:

        async def check(statement: str, **fields: object) -> pb.CheckResponse:
            request = pb.CheckRequest(statement=statement, schema=schema, **fields)
            found: pb.CheckResponse = await front.checks.Check(request)
            return found

        unasked = await check(DELETE)
        asked = await check(DELETE, statement_kinds=[delete])
        unfiltered = await check(DELETE_ALL, statement_kinds=[delete])
        named = await check(DELETE_ALL, statement_kinds=[delete], allow_unfiltered_writes=True)
    assert [found.kind for found in (unasked, asked, unfiltered, named)] == [delete] * 4
    assert [found.prepares for found in (unasked, asked, unfiltered, named)] == [
        *(False, True, False, True)
    ]
    assert unasked.problems and unfiltered.problems
    assert not asked.problems and not named.problems


DIALECTS = {
    "SQLITE": (PASSED, "sqlite "),
    "ANSI": (PASSED, "sqlite "),
    "POSTGRES": (UNSET, ""),
    "MYSQL": (UNSET, ""),
}


@pytest.mark.parametrize("name", DIALECTS)
async def test_inline_ddl_and_answers_of_every_dialect(tmp_path: Path, name: str) -> None:
    prepare, engine = DIALECTS[name]
    dialect = pb.Dialect.Value(f"DIALECT_{name}")
    quote = "`" if name == "MYSQL" else '"'
    ddl = f"CREATE TABLE {quote}order{quote} (id INTEGER PRIMARY KEY, status VARCHAR(20));"
    statement = f"SELECT COUNT(*) FROM {quote}order{quote} WHERE status = 'open';"
    async with running_house(tmp_path, answering(statement)) as front:
        response = await front.translation.Translate(ask(ddl=ddl, dialect=dialect))
    assert response.sql.text == statement, response
    certificate = response.sql.certificate
    assert certificate.dialect == dialect
    assert (certificate.grammar, certificate.scope) == (PASSED, PASSED)
    assert certificate.prepare == prepare
    assert certificate.engine.startswith(engine) and bool(certificate.engine) == bool(engine)
    # Of these dialects, PostgreSQL alone is held to the types of arguments.
    assert certificate.types == (PASSED if name == "POSTGRES" else UNSET)


async def test_duckdb_prepares_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        response = await front.translation.Translate(ask(dialect=pb.DIALECT_DUCKDB))
    assert response.sql.text == GOOD_SQL
    assert response.sql.certificate.prepare == PASSED
    assert response.sql.certificate.engine.startswith("duckdb ")


async def test_a_schema_of_one_dialect_serves_answers_in_another(tmp_path: Path) -> None:
    ddl = "CREATE TABLE `order` (id INT AUTO_INCREMENT PRIMARY KEY, status ENUM('open', 'done'));"
    statement = "SELECT COUNT(*) FROM \"order\" WHERE status = 'open';"
    schema = pb.SchemaRef(ddl=ddl, dialect=pb.DIALECT_MYSQL)
    async with running_house(tmp_path, answering(statement)) as front:
        response = await front.translation.Translate(
            ask(schema=schema, dialect=pb.DIALECT_POSTGRES)
        )
        (work,) = front.engines.last.generates
    assert response.sql.text == statement, response
    # Names are quoted as the answer's dialect quotes them.
    assert "`order`" not in work.grammar


async def test_a_schema_tells_the_values_and_comments_of_its_columns(tmp_path: Path) -> None:
    ddl = (
        "CREATE TABLE tickets (id INT PRIMARY KEY,"
        " state ENUM('open', 'done') COMMENT 'how far it is') COMMENT = 'what people ask for';"
    )
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        request = pb.RegisterSchemaRequest(name="desk", ddl=ddl, dialect=pb.DIALECT_MYSQL)
        registered = await front.schemas.RegisterSchema(request)
        found = await front.schemas.GetSchema(pb.GetSchemaRequest(name="desk"))
    assert registered.schema.dialect == pb.DIALECT_MYSQL
    (table,) = found.tables
    assert table.comment == "what people ask for"
    assert [column.name for column in table.columns] == ["id", "state"]
    assert list(table.columns[1].values) == ["open", "done"]
    assert table.columns[1].comment == "how far it is"
    assert not table.columns[0].values
