"""What happens to requests while the model loads, and when the house ends or cannot start."""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running_house import GOOD_SQL, ask, details_of, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.errors import CannotStart
from stand_in_engine import (
    READY,
    StandInEngine,
    StandInEngines,
    Work,
    answering,
    silent,
    until,
)

READINESS = health_pb2.HealthCheckRequest(service="sqlstrict.v1.TranslationService")


SERVING = health_pb2.HealthCheckResponse.SERVING


NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_model_that_cannot_be_used_stops_the_start(tmp_path: Path) -> None:
    engines = StandInEngines(silent, ready=wire.LoadFailed("model.gguf is no LFM2"))
    with pytest.raises(CannotStart, match="no LFM2"):
        async with running_house(tmp_path, silent, engines=engines):
            pass
    assert len(engines.lives) == 1


async def test_an_engine_that_always_dies_while_loading_stops_the_start(tmp_path: Path) -> None:
    class Dying(StandInEngines):
        async def spawn(self):  # type: ignore[no-untyped-def]
            link = await super().spawn()
            self.last.crash(-6)
            return link

    engines = Dying(silent, ready=None)
    with pytest.raises(CannotStart, match="SIGABRT"):
        async with running_house(tmp_path, silent, engines=engines):
            pass
    assert len(engines.lives) == 3


async def test_a_drain_lets_those_in_slots_end_and_turns_the_others_away(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(engine: StandInEngine, work: Work) -> None:
        await release.wait()
        await answering(GOOD_SQL)(engine, work)

    async with running_house(tmp_path, held) as front:
        calls = [
            asyncio.ensure_future(front.translation.Translate(ask(f"question {n}")))
            for n in range(9)
        ]
        await until(lambda: front.house.dispatch.n_waiting == 5)
        health = health_pb2_grpc.HealthStub(front.channel)
        watch = health.Watch(READINESS)
        assert (await watch.read()).status == SERVING
        draining = asyncio.create_task(front.house.drain(30.0, asyncio.Event()))
        assert (await watch.read()).status == NOT_SERVING
        assert (await health.Check(READINESS)).status == NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask("late"))
        assert details_of(caught.value).reason == "SHUTTING_DOWN"
        assert not draining.done()
        release.set()
        await draining
        results = await asyncio.gather(*calls, return_exceptions=True)
    answered = [result for result in results if isinstance(result, pb.TranslateResponse)]
    assert [response.sql.text for response in answered] == [GOOD_SQL] * 4
    for result in results:
        if isinstance(result, grpc.aio.AioRpcError):
            details = details_of(result)
            assert (details.code, details.reason) == (
                grpc.StatusCode.UNAVAILABLE,
                "SHUTTING_DOWN",
            )


async def test_questions_may_come_while_the_model_loads(tmp_path: Path) -> None:
    engines = StandInEngines(answering(GOOD_SQL), ready=None)
    async with running_house(tmp_path, silent, engines=engines, waits=False) as front:
        health = health_pb2_grpc.HealthStub(front.channel)
        assert (await health.Check(READINESS)).status == NOT_SERVING
        call = asyncio.ensure_future(front.translation.Translate(ask()))
        await until(lambda: front.house.admission.n_inside == 1)
        engines.last.send(READY)
        assert (await call).sql.text == GOOD_SQL
        assert (await health.Check(READINESS)).status == SERVING


async def test_a_stop_while_the_model_loads_tells_those_who_wait(tmp_path: Path) -> None:
    engines = StandInEngines(silent, ready=None)
    async with running_house(tmp_path, silent, engines=engines, waits=False) as front:
        call = asyncio.ensure_future(front.translation.Translate(ask()))
        await until(lambda: front.house.admission.n_inside == 1)
        await front.house.drain(0.0, asyncio.Event())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert details_of(caught.value).reason == "SHUTTING_DOWN"


async def test_a_drain_in_a_hurry_tells_those_in_slots_too(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent) as front:
        call = asyncio.ensure_future(front.translation.Translate(ask()))
        await until(lambda: front.house.dispatch.n_running == 1)
        hurry = asyncio.Event()
        draining = asyncio.create_task(front.house.drain(3600.0, hurry))
        await asyncio.sleep(0.05)
        assert not draining.done()
        hurry.set()
        await draining
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert details_of(caught.value).reason == "SHUTTING_DOWN"
