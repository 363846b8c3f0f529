"""What happens to the requests in the house when the engine ends, hangs or loses its model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running_house import GOOD_SQL, QUICK, SHOP, ask, details_of, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.engine_process import EngineLink
from stand_in_engine import (
    READY,
    Script,
    StandInEngine,
    StandInEngines,
    Work,
    answering,
    silent,
    until,
)

READINESS = health_pb2.HealthCheckRequest(service="sqlstrict.v1.TranslationService")


LIVENESS = health_pb2.HealthCheckRequest(service="liveness")


SERVING = health_pb2.HealthCheckResponse.SERVING


NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def crashing_on(is_fatal: Callable[[str], bool]) -> Script:
    """Crash at the questions that are fatal, and answer the others after a moment."""

    async def script(engine: StandInEngine, work: Work) -> None:
        assert isinstance(work, wire.Generate)
        engine.send(wire.Started(work.id, 20, 12))
        await asyncio.sleep(0.02)
        if is_fatal(work.question[0].text):
            engine.crash()
        else:
            await answering(GOOD_SQL)(engine, work)

    return script


async def test_requests_without_a_token_go_to_the_next_engine(tmp_path: Path) -> None:
    engines = StandInEngines(silent)
    async with running_house(tmp_path, silent, engines=engines) as front:
        calls = [
            asyncio.ensure_future(front.translation.Translate(ask(f"question {n}")))
            for n in range(10)
        ]
        first = engines.last
        await until(lambda: len(first.generates) == 4 and front.house.dispatch.n_waiting == 6)
        engines.script = answering(GOOD_SQL)
        first.crash()
        responses = await asyncio.gather(*calls)
        counters = await front.counters()
    assert [response.sql.text for response in responses] == [GOOD_SQL] * 10
    assert (counters["engine_crashes"], counters["requeued"]) == (1, 4)
    # Those that were in slots come first and, being suspects, one at a time.
    before = [work.question[0].text for work in first.generates]
    after = [work.question[0].text for work in engines.lives[1].generates]
    assert after[:4] == before


async def test_a_request_that_has_written_is_told_to_ask_again(tmp_path: Path) -> None:
    async def begun(engine: StandInEngine, work: Work) -> None:
        engine.send(wire.Started(work.id, 20, 12))
        engine.send(wire.Progress(work.id, 3))
        await asyncio.sleep(3600)

    async with running_house(tmp_path, begun) as front:
        stream = front.translation.TranslateStream(pb.TranslateStreamRequest(request=ask()))
        events = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for event in stream:
                events.append(event.WhichOneof("event"))
                if events[-1] == "progress":
                    front.engines.script = answering(GOOD_SQL)
                    front.engines.last.crash()
        details = details_of(caught.value)
        assert (details.code, details.reason) == (grpc.StatusCode.UNAVAILABLE, "ENGINE_CRASHED")
        assert "final" not in events
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL


async def test_the_request_that_kills_is_found_and_the_others_are_answered(
    tmp_path: Path,
) -> None:
    script = crashing_on(lambda question: "poison" in question)
    async with running_house(tmp_path, script) as front:
        questions = ["a", "b", "poison", "c", "d", "e"]
        calls = [front.translation.Translate(ask(question)) for question in questions]
        results = await asyncio.gather(*calls, return_exceptions=True)
        for question, result in zip(questions, results, strict=True):
            if question == "poison":
                assert isinstance(result, grpc.aio.AioRpcError)
                details = details_of(result)
                assert (details.code, details.reason) == (
                    grpc.StatusCode.INTERNAL,
                    "POISON_REQUEST",
                )
            else:
                assert isinstance(result, pb.TranslateResponse), result
                assert result.sql.text == GOOD_SQL
        # Where it was the last to run alone, the third engine is still to come.
        await until(lambda: len(front.engines.lives) == 3)
        # It is not tried again.
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask("poison"))
        assert details_of(caught.value).reason == "POISON_REQUEST"
        assert len(front.engines.lives) == 3


class DyingOfPrefill(StandInEngine):
    """Crashes at the first schema that it is to read in the background."""

    def _take(self, message: wire.Message) -> None:
        if isinstance(message, wire.Prefill):
            self.crash()
        else:
            super()._take(message)


class EnginesDyingOfPrefill(StandInEngines):
    async def spawn(self) -> EngineLink:
        self.lives.append(DyingOfPrefill(self.script, self.ready, self.beats))
        return await self.last.connect()


async def test_a_schema_that_kills_in_the_background_kills_one_engine_alone(tmp_path: Path) -> None:
    engines = EnginesDyingOfPrefill(answering(GOOD_SQL))
    async with running_house(tmp_path, answering(GOOD_SQL), engines=engines) as front:
        await front.schemas.RegisterSchema(pb.RegisterSchemaRequest(name="shop", ddl=SHOP))
        await until(lambda: len(engines.lives) == 2)
        response = await front.translation.Translate(ask(schema=pb.SchemaRef(name="shop")))
        assert response.sql.text == GOOD_SQL
        assert len(engines.lives) == 2


class EnginesBehindAGate(StandInEngines):
    """Engines that start only while the gate is open, so that a pause lasts as long as wanted."""

    def __init__(self, script: Script) -> None:
        super().__init__(script)
        self.gate = asyncio.Event()
        self.gate.set()

    async def spawn(self) -> EngineLink:
        await self.gate.wait()
        return await super().spawn()


async def test_five_crashes_open_the_circuit_and_an_answer_closes_it(tmp_path: Path) -> None:
    engines = EnginesBehindAGate(silent)
    async with running_house(tmp_path, silent, engines=engines) as front:
        health = health_pb2_grpc.HealthStub(front.channel)
        assert (await health.Check(READINESS)).status == SERVING
        for n_lives in range(1, 6):
            await until(lambda n=n_lives: len(engines.lives) == n and front.house.supervisor.model)
            if n_lives == 5:
                engines.gate.clear()
            engines.last.crash()
            await until(lambda n=n_lives: front.house.counters["engine_crashes"] == n)
        assert (await health.Check(READINESS)).status == NOT_SERVING
        assert (await health.Check(LIVENESS)).status == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask())
        details = details_of(caught.value)
        assert (details.code, details.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "ENGINE_UNSTABLE",
        )
        # After the pause one more engine is tried; one crash is then enough to pause again.
        engines.gate.set()
        await until(lambda: len(engines.lives) == 6 and front.house.supervisor.is_ready)
        engines.script = answering(GOOD_SQL)
        engines.gate.clear()
        engines.last.crash()
        await until(lambda: front.house.counters["engine_crashes"] == 6)
        with pytest.raises(grpc.aio.AioRpcError):
            await front.translation.Translate(ask())
        engines.gate.set()
        await until(lambda: len(engines.lives) == 7 and front.house.supervisor.is_ready)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL
        # It has answered: the next crash is the first again.
        engines.last.crash()
        await until(lambda: len(engines.lives) == 8 and front.house.supervisor.is_ready)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL


async def test_an_engine_that_says_nothing_is_killed(tmp_path: Path) -> None:
    async def falling_silent(engine: StandInEngine, work: Work) -> None:
        engine.beats = False  # Not before: it is to be killed with the question at hand.
        await silent(engine, work)

    patience = replace(QUICK, heartbeat_s=2.0)
    engines = StandInEngines(answering(GOOD_SQL))
    async with running_house(tmp_path, silent, patience, engines) as front:
        await front.translation.Translate(ask())
        first = engines.last
        first.script = falling_silent
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL
        assert len(first.generates) == 2
        counters = await front.counters()
    assert (counters["engine_hangs"], counters["requeued"]) == (1, 1)


async def test_an_engine_that_beats_but_does_not_work_is_killed(tmp_path: Path) -> None:
    async def stalling(engine: StandInEngine, work: Work) -> None:
        engine.send(wire.Started(work.id, 20, 12))
        while True:
            engine.send(wire.Heartbeat(99.0, 1, 0, 0))
            await asyncio.sleep(0.01)

    engines = StandInEngines(stalling)
    async with running_house(tmp_path, stalling, engines=engines) as front:
        engines.script = answering(GOOD_SQL)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL
        assert (await front.counters())["engine_hangs"] == 1


async def test_an_engine_that_is_slow_and_beats_is_left_to_work(tmp_path: Path) -> None:
    patience = replace(QUICK, stall_s=15.0)

    async def slow(engine: StandInEngine, work: Work) -> None:
        engine.beats = False  # Those that the script sends are the only ones.
        for _ in range(50):
            engine.send(wire.Heartbeat(10.0, 1, 0, 0))
            await asyncio.sleep(0.01)
        await answering(GOOD_SQL)(engine, work)

    async with running_house(tmp_path, slow, patience) as front:
        call = asyncio.ensure_future(front.translation.Translate(ask()))
        await until(lambda: getattr(front.house.supervisor.heartbeat, "stalled_s", 0.0) == 10.0)
        assert front.house.supervisor.is_ready
        assert (await call).sql.text == GOOD_SQL
        assert front.house.counters["engine_hangs"] == 0
        assert len(front.engines.lives) == 1


async def test_an_engine_that_breaks_the_protocol_is_replaced(tmp_path: Path) -> None:
    async def babbling(engine: StandInEngine, work: Work) -> None:
        engine._writer.write(wire.HEADER.pack(5) + b"hello")

    engines = StandInEngines(babbling)
    async with running_house(tmp_path, babbling, engines=engines) as front:
        engines.script = answering(GOOD_SQL)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL
        status = await front.status.GetStatus(pb.GetStatusRequest())
    assert any("broke the protocol" in error for error in status.last_errors)


async def test_a_model_lost_later_is_told_and_tried_again(tmp_path: Path) -> None:
    engines = StandInEngines(silent)
    # However often it is tried in vain before the question comes, the circuit stays closed.
    patience = replace(QUICK, backoff_s=(0.5,), circuit_crashes=1000)
    async with running_house(tmp_path, silent, patience, engines) as front:
        engines.ready = wire.LoadFailed("the file is gone")
        engines.last.crash()
        await until(lambda: len(engines.lives) >= 2 and front.house.supervisor.pid == 0)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask())
        details = details_of(caught.value)
        assert (details.code, details.reason) == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "MODEL_UNUSABLE",
        )
        engines.ready, engines.script = READY, answering(GOOD_SQL)
        await until(lambda: front.house.supervisor.is_ready)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL


async def test_what_the_engine_could_not_do_has_its_error(tmp_path: Path) -> None:
    reasons = {
        "PROMPT_TOO_LONG": (grpc.StatusCode.INVALID_ARGUMENT, "PROMPT_TOO_LONG"),
        "CONTEXT_FULL": (grpc.StatusCode.RESOURCE_EXHAUSTED, "CONTEXT_FULL"),
        "MASK_EMPTY": (grpc.StatusCode.INTERNAL, "ENGINE_FAULT"),
        "SOMETHING_NEW": (grpc.StatusCode.INTERNAL, "ENGINE_FAULT"),
    }

    async def failing(engine: StandInEngine, work: Work) -> None:
        assert isinstance(work, wire.Generate)
        engine.send(wire.Failed(work.id, work.question[0].text, "why"))

    async with running_house(tmp_path, failing) as front:
        for reason, expected in reasons.items():
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await front.translation.Translate(ask(reason))
            details = details_of(caught.value)
            assert (details.code, details.reason) == expected
