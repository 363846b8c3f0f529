"""Clients that open a stream and do not read it, or give it up: their slots come free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
from running_house import GOOD_SQL, ask, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.service.call import Boundary
from stand_in_engine import StandInEngine, Work, answering, silent, until


async def chatty(engine: StandInEngine, work: Work) -> None:
    """Write drafts without end, more than any window of flow control takes."""
    engine.send(wire.Started(work.id, 20, 12))
    n_tokens = 0
    while True:
        n_tokens += 1
        engine.send(wire.Progress(work.id, n_tokens, "x" * 50_000))
        await asyncio.sleep(0.002)


async def test_a_stream_that_nobody_reads_is_ended(tmp_path: Path) -> None:
    async with running_house(tmp_path, chatty) as front:
        request = pb.TranslateStreamRequest(request=ask(), include_draft=True)
        stream = front.translation.TranslateStream(request)
        first = await stream.read()
        assert first.WhichOneof("event") == "accepted"
        # From here on nothing is read.
        engine = front.engines.last
        await until(lambda: len(engine.generates) == 1)
        await until(lambda: engine.cancelled == [engine.generates[0].id])
        assert front.house.counters["slow_readers"] == 1
        await until(lambda: front.house.admission.n_inside == 0)
        # Others are served; and the slow one, when it reads at last, is told.
        engine.script = answering(GOOD_SQL)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL
        code = None
        try:
            while (await stream.read()) is not grpc.aio.EOF:
                pass
            code = await stream.code()
        except grpc.aio.AioRpcError as error:
            code = error.code()
        assert code == grpc.StatusCode.CANCELLED


async def test_a_batch_that_is_given_up_frees_every_slot(tmp_path: Path) -> None:
    async with running_house(tmp_path, silent) as front:

        async def questions() -> AsyncIterator[pb.TranslateBatchRequest]:
            for number in range(100):
                yield pb.TranslateBatchRequest(request=ask(f"question {number}"))

        call = front.translation.TranslateBatch(questions())
        engine = front.engines.last
        await until(lambda: len(engine.generates) == 4)
        # It reads ahead by so many and no more.
        await until(lambda: front.house.counters["requests"] >= 8)
        assert front.house.counters["requests"] <= 10
        call.cancel()
        await until(lambda: front.house.admission.n_inside == 0)
        # Some that waited may have had a slot for a moment, while those before them went.
        await until(lambda: sorted(engine.cancelled) == [w.id for w in engine.generates])
        engine.script = answering(GOOD_SQL)
        assert (await front.translation.Translate(ask())).sql.text == GOOD_SQL


class QuietCall:
    """gRPC's side of a call whose client sends nothing, and has set no deadline."""

    def time_remaining(self) -> None:
        return None

    async def requests(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(3600)
        yield b""


async def test_a_batch_that_is_cancelled_between_questions_leaves_no_task(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        service = front.house._services["sqlstrict.v1.TranslationService"]
        handlers = service.handlers(Boundary(front.house.counters, 60.0))
        before = asyncio.all_tasks()
        quiet = QuietCall()
        call = asyncio.create_task(
            handlers["TranslateBatch"].stream_stream(quiet.requests(), quiet)
        )
        await until(lambda: len(asyncio.all_tasks() - before) == 3)
        call.cancel()
        await asyncio.wait({call})
        await asyncio.sleep(0)
        assert asyncio.all_tasks() - before == set()
