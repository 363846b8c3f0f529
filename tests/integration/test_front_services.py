"""SchemaService, CheckService, StatusService and Health, over gRPC."""

from __future__ import annotations

import os
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running_house import GOOD_SQL, SHOP, ask, details_of, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.counters import MEANINGS
from sqlstrictd.engine import wire
from sqlstrictd.schema.ddl import parse_schema
from stand_in_engine import StandInEngine, Work, answering, until


async def test_a_registered_schema_is_read_by_the_model_and_asked_by_name(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        response = await front.schemas.RegisterSchema(
            pb.RegisterSchemaRequest(name="shop", ddl=SHOP)
        )
        schema = response.schema
        assert not response.replaced
        assert (schema.name, schema.table_count, schema.column_count) == ("shop", 2, 7)
        assert schema.dialect == pb.DIALECT_SQLITE
        assert schema.fingerprint == parse_schema(SHOP).fingerprint
        engine = front.engines.last
        await until(lambda: len(engine.prefills) == 1)
        for ref in (pb.SchemaRef(name="shop"), pb.SchemaRef(fingerprint=schema.fingerprint)):
            answer = await front.translation.Translate(ask(schema=ref))
            assert answer.sql.certificate.schema_fingerprint == schema.fingerprint
        assert engine.generates[0].schema == engine.prefills[0].schema
        again = await front.schemas.RegisterSchema(
            pb.RegisterSchemaRequest(name="shop", ddl="CREATE TABLE t (a INT)")
        )
        assert again.replaced


async def test_registered_schemas_outlive_the_daemon_and_are_read_again(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name="shop", ddl=SHOP))
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        engine = front.engines.last
        await until(lambda: len(engine.prefills) == 1)
        answer = await front.translation.Translate(ask(schema=pb.SchemaRef(name="shop")))
        assert answer.sql.text == GOOD_SQL
        # A new engine reads it again before anybody asks.
        engine.crash()
        await until(lambda: len(front.engines.lives) == 2)
        await until(lambda: len(front.engines.last.prefills) >= 1)


async def test_a_schema_is_shown_with_its_tables(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name="shop", ddl=SHOP))
        shown = await front.schemas.GetSchema(pb.GetSchemaRequest(name="shop"))
    assert [table.name for table in shown.tables] == ["customers", "orders"]
    orders = shown.tables[1]
    assert [(column.name, column.type) for column in orders.columns] == [
        ("id", "INTEGER"),
        ("customer_id", "INTEGER"),
        ("price", "REAL"),
        ("status", "TEXT"),
    ]
    assert list(orders.primary_key) == ["id"]
    (key,) = orders.foreign_keys
    assert (list(key.columns), key.referenced_table) == (["customer_id"], "customers")
    assert list(key.referenced_columns) == ["id"]
    assert (
        parse_schema(shown.ddl).tables[1].column_names == parse_schema(SHOP).tables[1].column_names
    )


async def test_schemas_are_listed_in_pages(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        for name in ("d", "a", "c", "b", "e"):
            await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name=name, ddl=SHOP))
        everything = await front.schemas.ListSchemas(pb.ListSchemasRequest())
        assert [schema.name for schema in everything.schemas] == ["a", "b", "c", "d", "e"]
        assert everything.next_page_token == ""
        names, token, n_pages = [], "", 0
        while token or not n_pages:
            page = await front.schemas.ListSchemas(
                pb.ListSchemasRequest(page_size=2, page_token=token)
            )
            names += [schema.name for schema in page.schemas]
            token, n_pages = page.next_page_token, n_pages + 1
        assert (names, n_pages) == (["a", "b", "c", "d", "e"], 3)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.schemas.ListSchemas(pb.ListSchemasRequest(page_token="../.."))
        assert details_of(caught.value).field == "page_token"


async def test_a_deleted_schema_is_gone(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name="shop", ddl=SHOP))
        await front.schemas.DeleteSchema(pb.DeleteSchemaRequest(name="shop"))
        for call in (
            front.schemas.GetSchema(pb.GetSchemaRequest(name="shop")),
            front.schemas.DeleteSchema(pb.DeleteSchemaRequest(name="shop")),
            front.translation.Translate(ask(schema=pb.SchemaRef(name="shop"))),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert details_of(caught.value).reason == "SCHEMA_NOT_FOUND"


async def test_a_name_cannot_lead_out_of_the_data_folder(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        for name in ("../../x", "/etc/x", "a/b", "..", "", "a\0b"):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name=name, ddl=SHOP))
            assert details_of(caught.value).field == "name"


async def matching_up_to(engine: StandInEngine, work: Work) -> None:
    """A matcher whose grammar knows no other function than COUNT."""
    assert isinstance(work, wire.Match)
    matched = work.text.encode().find(b"ABS(")
    if matched < 0:
        engine.send(wire.Matched(work.id, True, len(work.text.encode())))
    else:
        engine.send(wire.Matched(work.id, False, matched))


async def test_a_check_says_what_is_wrong_where(tmp_path: Path) -> None:
    async with running_house(tmp_path, matching_up_to) as front:

        async def check(statement: str, **fields: object) -> pb.CheckResponse:
            request = pb.CheckRequest(statement=statement, schema=pb.SchemaRef(ddl=SHOP), **fields)
            response: pb.CheckResponse = await front.checks.Check(request)
            return response

        good = await check("SELECT COUNT(*) FROM orders")
        assert good.kind == pb.STATEMENT_KIND_SELECT
        assert good.in_scope and good.prepares and good.writable
        assert not good.problems

        scope = await check("SELECT id,\n  prize FROM orders")
        assert not scope.in_scope and not scope.prepares
        problem = next(problem for problem in scope.problems if problem.check == "scope")
        assert (problem.line, problem.column) == (2, 3)
        assert any("price" in name for name in problem.nearest)

        unwritable = await check("  SELECT COUNT(*),\n ABS(price) FROM orders;")
        assert unwritable.prepares
        assert unwritable.HasField("writable") and not unwritable.writable
        (problem,) = unwritable.problems
        assert (problem.check, problem.line, problem.column) == ("grammar", 2, 2)

        other = await check("VACUUM", check_writable=False)
        assert other.kind == pb.STATEMENT_KIND_OTHER
        assert not other.HasField("writable")
        assert other.problems

        nothing = await check("this is no SQL")
        assert not nothing.in_scope and not nothing.writable and nothing.problems


async def test_a_statement_without_its_semicolon_is_matched_as_if_it_had_one(
    tmp_path: Path,
) -> None:
    seen: list[str] = []

    async def script(engine: StandInEngine, work: Work) -> None:
        assert isinstance(work, wire.Match)
        seen.append(work.text)
        engine.send(wire.Matched(work.id, True, len(work.text.encode())))

    async with running_house(tmp_path, script) as front:
        for statement in ("SELECT id FROM orders", " SELECT id FROM orders;\n"):
            await front.checks.Check(
                pb.CheckRequest(statement=statement, schema=pb.SchemaRef(ddl=SHOP))
            )
    assert seen == ["SELECT id FROM orders;"] * 2


async def test_a_check_without_the_matcher_needs_no_engine(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        front.house.supervisor.is_stopping = True
        front.engines.last.crash()
        await until(lambda: front.house.supervisor.model is None)
        response = await front.checks.Check(
            pb.CheckRequest(statement=GOOD_SQL, schema=pb.SchemaRef(ddl=SHOP), check_writable=False)
        )
        assert response.prepares


@pytest.mark.parametrize("statement", ["", "  ", "SELECT '\0'", "x" * (16 * 1024 + 1)])
async def test_statements_that_are_not_checked(tmp_path: Path, statement: str) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.checks.Check(
                pb.CheckRequest(statement=statement, schema=pb.SchemaRef(ddl=SHOP))
            )
        assert details_of(caught.value).field == "statement"


async def test_the_status_tells_everything(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL), queue_limit=7) as front:
        await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name="shop", ddl=SHOP))
        await front.translation.Translate(ask())
        await until(lambda: front.house.supervisor.heartbeat is not None)
        await until(lambda: front.house.supervisor.heartbeat.resident_schemas == 1)
        status = await front.status.GetStatus(pb.GetStatusRequest())
        engine_pid = front.engines.last.pid
    assert status.ready
    assert status.model.name == "stand-in"
    assert status.model.sha256 == "ab" * 32
    assert status.model.schema_rendering == pb.SCHEMA_RENDERING_COMPACT
    assert (status.slots, status.slots_busy, status.queued, status.queue_limit) == (4, 0, 0, 7)
    assert (status.registered_schemas, status.resident_schemas) == (1, 1)
    assert status.front_memory_bytes > 10_000_000
    assert status.engine_memory_bytes == 1000
    assert status.uptime_s > 0
    assert (status.front_pid, status.engine_pid) == (os.getpid(), engine_pid)
    assert set(status.counters) == set(MEANINGS)
    assert status.counters["answers"] == 1
    assert status.counters["schemas_registered"] == 1
    assert list(status.last_errors) == []


async def test_health_knows_its_services(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        health = health_pb2_grpc.HealthStub(front.channel)
        serving = health_pb2.HealthCheckResponse.SERVING
        for name in ("", "liveness", "sqlstrict.v1.TranslationService"):
            request = health_pb2.HealthCheckRequest(service=name)
            assert (await health.Check(request)).status == serving
        listed = await health.List(health_pb2.HealthListRequest())
        assert {status.status for status in listed.statuses.values()} == {serving}
        assert len(listed.statuses) == 3
        unknown = health_pb2.HealthCheckRequest(service="nobody")
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health.Check(unknown)
        assert caught.value.code() == grpc.StatusCode.NOT_FOUND
        watch = health.Watch(unknown)
        answer = await watch.read()
        assert answer.status == health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
        watch.cancel()
