"""Prefill over gRPC: what a client is typing goes to the engine, and nowhere else."""

from __future__ import annotations

import logging
from pathlib import Path

import grpc
import pytest
from running_house import GOOD_SQL, QUESTION, SHOP, ask, details_of, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.prompt import beginning_pieces, question_pieces
from stand_in_engine import answering, until


async def test_a_beginning_is_sent_without_its_last_word_and_kept_from_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_house(tmp_path, answering(GOOD_SQL), log_content=True) as front:
        ref = pb.SchemaRef(ddl=SHOP)
        for beginning in ("", "Hush", "Hush hidden", "Hush hidden "):
            reply = await front.translation.Prefill(
                pb.PrefillRequest(question_beginning=beginning, schema=ref)
            )
            assert reply == pb.PrefillResponse()
        engine = front.engines.last
        await until(lambda: len(engine.prefills) == 4)
        answer = await front.translation.Translate(ask())
        assert answer.sql.text == GOOD_SQL
        texts = ["".join(piece.text for piece in one.question) for one in engine.prefills]
        assert texts == ["", "", "Hush", "Hush hidden"]
        assert all(one.is_guess for one in engine.prefills)
        assert not any(piece.is_scaffold for one in engine.prefills for piece in one.question)
        assert {one.schema for one in engine.prefills} == {engine.generates[0].schema}
        status = await front.status.GetStatus(pb.GetStatusRequest())
        assert (status.counters["beginnings"], status.counters["requests"]) == (4, 1)
    assert QUESTION in caplog.text
    assert "Hush" not in caplog.text and "hidden" not in caplog.text


@pytest.mark.parametrize(
    ("request_", "code", "field"),
    [
        (pb.PrefillRequest(question_beginning="How"), grpc.StatusCode.INVALID_ARGUMENT, "schema"),
        (
            pb.PrefillRequest(schema=pb.SchemaRef(name="none")),
            grpc.StatusCode.NOT_FOUND,
            "",
        ),
        (
            pb.PrefillRequest(question_beginning="a\x07", schema=pb.SchemaRef(ddl=SHOP)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "question_beginning",
        ),
        (
            pb.PrefillRequest(question_beginning="a" * 5000, schema=pb.SchemaRef(ddl=SHOP)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "question_beginning",
        ),
    ],
)
async def test_what_cannot_become_a_question_is_an_error(
    tmp_path: Path, request_: pb.PrefillRequest, code: grpc.StatusCode, field: str
) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Prefill(request_)
        details = details_of(caught.value)
        assert (details.code, details.field) == (code, field)
        assert not front.engines.last.prefills


@pytest.mark.parametrize(
    ("typed", "read"),
    [("", ""), ("H", ""), ("How ", "How"), (" How many", "How"), ("How many  or", "How many")],
)
def test_a_beginning_ends_before_its_last_word(typed: str, read: str) -> None:
    pieces = beginning_pieces(typed)
    assert "".join(piece.text for piece in pieces) == read
    assert question_pieces(typed + "ders?")[0].text.startswith(read)
