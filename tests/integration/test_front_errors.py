"""What a client is told when its request is wrong, late, too many, or not wanted any more."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from pathlib import Path

import grpc
import pytest
from running_house import GOOD_SQL, QUESTION, SHOP, RunningHouse, ask, details_of, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrict_proto.v1 import sqlstrict_pb2_grpc as stubs
from stand_in_engine import StandInEngine, Work, answering, silent, until

METHODS = {
    "/sqlstrict.v1.TranslationService/Translate": "unary",
    "/sqlstrict.v1.TranslationService/TranslateStream": "stream",
    "/sqlstrict.v1.SchemaService/RegisterSchema": "unary",
    "/sqlstrict.v1.SchemaService/GetSchema": "unary",
    "/sqlstrict.v1.SchemaService/ListSchemas": "unary",
    "/sqlstrict.v1.SchemaService/DeleteSchema": "unary",
    "/sqlstrict.v1.CheckService/Check": "unary",
    "/sqlstrict.v1.StatusService/GetStatus": "unary",
    "/grpc.health.v1.Health/Check": "unary",
    "/grpc.health.v1.Health/Watch": "stream",
}
BROKEN = b"\x0a\xff\xff"


async def send_raw(front: RunningHouse, method: str, data: bytes) -> None:
    if METHODS[method] == "unary":
        await front.channel.unary_unary(method)(data, timeout=20)
    else:
        async for _ in front.channel.unary_stream(method)(data, timeout=20):
            pass


async def error_of(front: RunningHouse, request: pb.TranslateRequest) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await front.translation.Translate(request)
    return caught.value


async def test_bytes_that_are_no_message_are_the_callers_fault(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        for method in METHODS:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await send_raw(front, method, BROKEN)
            details = details_of(caught.value)
            assert (details.code, details.reason) == (
                grpc.StatusCode.INVALID_ARGUMENT,
                "MALFORMED",
            ), method
        # In a batch it is the answer of that question, and the stream goes on.
        batch = front.channel.stream_stream("/sqlstrict.v1.TranslationService/TranslateBatch")
        good = pb.TranslateBatchRequest(request=ask()).SerializeToString()
        answers = [
            pb.TranslateBatchResponse.FromString(answer)
            async for answer in batch(iter([BROKEN, good]))
        ]
    assert answers[0].error.reason == "MALFORMED"
    assert answers[1].response.sql.text == GOOD_SQL


async def test_random_bytes_never_make_an_internal_error(tmp_path: Path) -> None:
    chance = random.Random(20)
    allowed = {grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        for number in range(600):
            method = list(METHODS)[number % 8]
            data = chance.randbytes(chance.randrange(1, 60))
            try:
                await send_raw(front, method, data)
            except grpc.aio.AioRpcError as error:
                assert error.code() in allowed, (method, data, error.details())
        counters = await front.counters()
    assert counters["internal_errors"] == 0


@pytest.mark.parametrize(
    ("request_pb", "reason", "field"),
    [
        (ask(""), "INVALID_FIELD", "question"),
        (ask("x" * 4097), "QUESTION_TOO_LONG", "question"),
        (ask("a\nb"), "INVALID_FIELD", "question"),
        (pb.TranslateRequest(question=QUESTION), "INVALID_FIELD", "schema"),
        (ask(ddl=""), "INVALID_FIELD", "schema.ddl"),
        (ask(ddl="-" * (2**20 + 1)), "SCHEMA_TOO_LARGE", "schema.ddl"),
        (ask(schema=pb.SchemaRef(name="../x")), "INVALID_FIELD", "schema.name"),
        (ask(schema=pb.SchemaRef(fingerprint="12")), "INVALID_FIELD", "schema.fingerprint"),
        (ask(dialect=99), "UNSUPPORTED_DIALECT", "dialect"),
        (ask(statement_kinds=[42]), "INVALID_FIELD", "statement_kinds"),
        (ask(statement_kinds=[0]), "INVALID_FIELD", "statement_kinds"),
        (
            ask(statement_kinds=[pb.STATEMENT_KIND_SELECT, pb.STATEMENT_KIND_OTHER]),
            "INVALID_FIELD",
            "statement_kinds",
        ),
        (ask(min_confidence=1.01), "INVALID_FIELD", "min_confidence"),
        (ask(min_confidence=float("nan")), "INVALID_FIELD", "min_confidence"),
        (
            ask(schema=pb.SchemaRef(name="shop", dialect=pb.DIALECT_SQLITE)),
            "INVALID_FIELD",
            "schema.dialect",
        ),
        (ask(schema=pb.SchemaRef(ddl=SHOP, dialect=77)), "UNSUPPORTED_DIALECT", "schema.dialect"),
        (ask(n=9), "INVALID_FIELD", "n"),
        (ask(n=2**32 - 1), "INVALID_FIELD", "n"),
        (ask(max_tokens=7), "INVALID_FIELD", "max_tokens"),
        (ask(max_tokens=2**31), "INVALID_FIELD", "max_tokens"),
        (ask(temperature=float("nan")), "INVALID_FIELD", "temperature"),
        (ask(temperature=-1), "INVALID_FIELD", "temperature"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_cap_has_its_error(
    tmp_path: Path, request_pb: pb.TranslateRequest, reason: str, field: str
) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        details = details_of(await error_of(front, request_pb))
        assert (details.code, details.reason, details.field) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            reason,
            field,
        )
        assert "request_id" in details.metadata
        assert not front.engines.last.generates


async def test_bad_ddl_is_told_with_line_and_column(tmp_path: Path) -> None:
    ddl = "CREATE TABLE a (id INT);\nCREATE TABLE b (id INT,, x INT);"
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        details = details_of(await error_of(front, ask(ddl=ddl)))
        assert details.reason == "SCHEMA_INVALID"
        assert details.field == "schema.ddl"
        assert details.metadata["line"] == "2"
        assert int(details.metadata["column"]) > 20
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            stream = front.translation.TranslateStream(
                pb.TranslateStreamRequest(request=ask(ddl=ddl))
            )
            async for _ in stream:
                pass
        assert details_of(caught.value).field == "request.schema.ddl"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name="a", ddl=ddl))
        assert details_of(caught.value).field == "ddl"


async def test_a_schema_that_nobody_registered(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        for ref in (pb.SchemaRef(name="shop"), pb.SchemaRef(fingerprint="0" * 64)):
            details = details_of(await error_of(front, ask(schema=ref)))
            assert (details.code, details.reason) == (
                grpc.StatusCode.NOT_FOUND,
                "SCHEMA_NOT_FOUND",
            )


async def test_a_full_house_turns_away_and_takes_in_again(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent, queue_limit=2) as front:
        inside = [front.translation.Translate(ask(f"{QUESTION} {n}")) for n in range(6)]
        waiting = [asyncio.ensure_future(call) for call in inside]
        await until(lambda: front.house.admission.n_inside == 6)
        details = details_of(await error_of(front, ask()))
        assert (details.code, details.reason) == (
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "QUEUE_FULL",
        )
        assert details.retry_s is not None and details.retry_s > 0
        assert (await front.counters())["queue_full"] == 1
        # Those in slots go; those that waited get the slots, and there is room again.
        await until(lambda: len(front.engines.last.generates) == 4)
        front.engines.last.script = answering(GOOD_SQL)
        first = {work.question[0].text for work in front.engines.last.generates}
        for n, call in enumerate(inside):
            if f"{QUESTION} {n}" in first:
                call.cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
        answered = [result for result in results if isinstance(result, pb.TranslateResponse)]
        assert len(answered) == 2
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL


async def test_a_question_that_is_given_up_frees_its_slot_in_the_engine(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent) as front:
        call = front.translation.Translate(ask())
        waiting = asyncio.ensure_future(call)
        engine = front.engines.last
        await until(lambda: len(engine.generates) == 1)
        call.cancel()
        await until(lambda: engine.cancelled == [engine.generates[0].id])
        await until(lambda: front.house.admission.n_inside == 0)
        await asyncio.gather(waiting, return_exceptions=True)
        assert (await front.counters())["cancelled"] == 1


async def test_the_clients_deadline_reaches_the_engine(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent) as front:
        engine = front.engines.last
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask(), timeout=1.0)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: engine.cancelled == [work.id for work in engine.generates])
        await until(lambda: front.house.counters["deadline_exceeded"] == 1)
        assert front.house.dispatch.n_running == 0


async def test_without_a_deadline_the_daemons_own_holds(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent, max_deadline_s=1.0) as front:
        error = await error_of(front, ask())
        details = details_of(error)
        assert (details.code, details.reason) == (
            grpc.StatusCode.DEADLINE_EXCEEDED,
            "DEADLINE_EXCEEDED",
        )
        assert "cap of 1 s" in (error.details() or "")
        engine = front.engines.last
        await until(lambda: engine.cancelled == [work.id for work in engine.generates])


async def test_a_question_that_waits_too_long_never_reaches_the_engine(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent, slots=1) as front:
        # The stand-in says that it has four slots.
        holders = [
            asyncio.ensure_future(front.translation.Translate(ask(f"holder {n}"), timeout=200))
            for n in range(4)
        ]
        engine = front.engines.last
        await until(lambda: len(engine.generates) == 4)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask("late"), timeout=1.0)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await until(lambda: front.house.dispatch.n_waiting == 0)
        assert len(engine.generates) == 4
        for holder in holders:
            holder.cancel()
        await asyncio.gather(*holders, return_exceptions=True)


async def test_a_message_over_the_limit_is_refused_by_its_size(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask(ddl="x" * (3 * 2**20)))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL


async def test_reflection_is_there_only_when_asked_for(tmp_path: Path) -> None:
    from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

    request = reflection_pb2.ServerReflectionRequest(list_services="")
    for is_on in (False, True):
        folder = tmp_path / str(is_on)
        folder.mkdir()
        async with running_house(folder, answering(GOOD_SQL), reflection=is_on) as front:
            stub = reflection_pb2_grpc.ServerReflectionStub(front.channel)
            answers = stub.ServerReflectionInfo(iter([request]))
            if is_on:
                (answer,) = [answer async for answer in answers]
                names = {service.name for service in answer.list_services_response.service}
                assert {"sqlstrict.v1.TranslationService", "grpc.health.v1.Health"} <= names
            else:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    [answer async for answer in answers]
                assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


async def test_one_clients_schema_text_is_parsed_once_for_many(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL), queue_limit=50) as front:
        calls = [front.translation.Translate(ask(f"{QUESTION} {n}", ddl=SHOP)) for n in range(12)]
        responses = await asyncio.gather(*calls)
        assert {response.sql.text for response in responses} == {GOOD_SQL}
        keys = {work.grammar_key for work in front.engines.last.generates}
        assert len(keys) == 1


async def test_of_a_crowd_as_many_come_in_as_may_and_nobody_is_lost(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def held(engine: StandInEngine, work: Work) -> None:
        await go.wait()
        await answering(GOOD_SQL)(engine, work)

    async with running_house(tmp_path, held, queue_limit=16) as front:
        target = f"unix:{front.house.config.socket_path}"

        async def client(number: int) -> str:
            options = [("grpc.use_local_subchannel_pool", 1)]
            async with grpc.aio.insecure_channel(target, options=options) as channel:
                stub = stubs.TranslationServiceStub(channel)
                try:
                    response = await stub.Translate(ask(f"question {number}"))
                except grpc.aio.AioRpcError as error:
                    return details_of(error).reason
                return str(response.sql.text)

        clients = [asyncio.create_task(client(number)) for number in range(64)]
        await until(lambda: sum(task.done() for task in clients) == 44)
        assert front.house.admission.n_inside == 20
        go.set()
        outcomes = Counter(await asyncio.gather(*clients))
    assert outcomes == {GOOD_SQL: 20, "QUEUE_FULL": 44}
