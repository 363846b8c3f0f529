"""Streams and batches of the client, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import sqlstrict
from contract_replies import REFUSAL, SQL
from sqlstrict import Accepted, Answer, AsyncClient, Client, Progress
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import Forever, StandInDaemon


def events() -> list[pb.TranslateStreamResponse]:
    return [
        pb.TranslateStreamResponse(accepted=pb.Accepted(request_id="r1", queue_position=2)),
        pb.TranslateStreamResponse(
            progress=pb.Progress(output_tokens=4, draft="SELECT", attempt=1)
        ),
        pb.TranslateStreamResponse(),  # a kind of event that this client does not know
        pb.TranslateStreamResponse(final=SQL),
    ]


def test_a_stream_ends_with_the_answer(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("TranslateStream", events())
    found = list(either.stream("q", schema="shop", include_draft=True))
    assert found[:2] == [Accepted("r1", 2), Progress(4, "SELECT", 1)]
    assert isinstance(found[2], Answer) and found[2].sql
    assert len(found) == 3
    assert daemon.asked("TranslateStream")[0].include_draft


def test_a_stream_without_an_answer_is_an_error(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("TranslateStream", events()[:2])
    with pytest.raises(sqlstrict.DaemonError, match="without an answer"):
        list(either.stream("q", schema="shop"))


def test_leaving_a_stream_cancels_it(daemon: StandInDaemon, client: Client) -> None:
    daemon.reply("TranslateStream", [events()[0], Forever()])
    stream = client.stream("q", schema="shop")
    assert isinstance(next(stream), Accepted)
    assert daemon.waiting.wait(10)
    stream.close()  # type: ignore[attr-defined]
    assert daemon.cancelled.wait(10)


async def test_cancelling_a_task_cancels_the_question(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", Forever())
    async with AsyncClient(daemon.address) as client:
        asking = asyncio.create_task(client.translate("q", schema="shop"))
        await asyncio.to_thread(daemon.waiting.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert await asyncio.to_thread(daemon.cancelled.wait, 10)


def batch_replies() -> list[pb.TranslateBatchResponse]:
    error = pb.BatchError(code=3, reason="QUESTION_TOO_LONG", message="too long")
    return [
        pb.TranslateBatchResponse(index=0, response=SQL),
        pb.TranslateBatchResponse(index=1, error=error),
        pb.TranslateBatchResponse(index=2, response=REFUSAL),
    ]


def test_a_batch_goes_on_after_an_error(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("TranslateBatch", *batch_replies())
    results = list(either.batch(iter(["a", "b", "c"]), schema="shop"))
    assert [result.index for result in results] == [0, 1, 2]
    assert results[0].answer.sql and results[0].error is None
    assert results[1].answer is None
    assert isinstance(results[1].error, sqlstrict.InvalidRequest)
    assert results[1].error.reason == "QUESTION_TOO_LONG"
    assert results[2].answer.refusal
    assert [asked.request.question for asked in daemon.asked("TranslateBatch")] == ["a", "b", "c"]


def test_a_batch_that_ends_early_is_an_error(daemon: StandInDaemon, either: Any) -> None:
    daemon.batch_ends_after = 2
    daemon.reply("TranslateBatch", *batch_replies())
    found = []
    with pytest.raises(sqlstrict.DaemonError, match="after 2 of 3 answers"):
        for result in either.batch(["a", "b", "c"], schema="shop"):
            found.append(result.index)
    assert found == [0, 1]


def test_an_error_of_the_callers_own_iterator_is_raised(daemon: StandInDaemon, either: Any) -> None:
    class OutOfQuestions(Exception):
        pass

    def questions() -> Iterator[str]:
        yield "a"
        raise OutOfQuestions

    daemon.reply("TranslateBatch", *batch_replies())
    found = []
    with pytest.raises(OutOfQuestions):
        for result in either.batch(questions(), schema="shop"):
            found.append(result)
    assert [result.index for result in found] == [0]


async def test_a_batch_takes_an_async_iterator(daemon: StandInDaemon) -> None:
    async def questions() -> AsyncIterator[str]:
        for question in ["a", "b", "c"]:
            await asyncio.sleep(0)
            yield question

    daemon.reply("TranslateBatch", *batch_replies())
    async with AsyncClient(daemon.address) as client:
        results = [result async for result in client.batch(questions(), schema="shop")]
    assert [result.index for result in results] == [0, 1, 2]
