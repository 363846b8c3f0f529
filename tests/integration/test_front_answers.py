"""What leaves the front: SQL that passed every check, or a refusal; and what each says."""

from __future__ import annotations

import asyncio
import logging
import math
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import FrameType

import grpc
import pytest
from running_house import GOOD_SQL, QUESTION, SHOP, ask, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import nearest_names
from stand_in_engine import StandInEngine, Work, answering, output

HOSTILE = [
    "DROP TABLE orders;",
    "DELETE FROM orders;",
    "UPDATE orders SET price = 0;",
    "SELECT nothing FROM orders;",
    'SELECT "nothing" FROM orders;',
    "SELECT id FROM nowhere;",
    "SELECT customers.name FROM orders;",
    "SELECT id FROM orders; DELETE FROM orders;",
    "SELECT id FROM orders -- and more",
    "SELECT load_extension('evil') FROM orders;",
    "PRAGMA writable_schema = 1;",
    "ATTACH DATABASE '/tmp/evil' AS evil;",
    "WITH gone AS (DELETE FROM orders RETURNING id) SELECT id FROM gone;",
    "SELECT id FROM orders WHERE",
    "SELECT id FROM orders",
    "```sql\nSELECT id FROM orders;\n```",
    "Sure! SELECT id FROM orders;",
    "",
]


async def test_a_question_becomes_sql_with_its_certificate(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        response = await front.translation.Translate(ask())
        sql, usage = response.sql, response.usage
        counters = await front.counters()
    assert sql.text == GOOD_SQL
    assert list(sql.tables) == ["orders"]
    assert list(sql.columns) == ["orders.status"]
    certificate = sql.certificate
    assert certificate.schema_fingerprint == parse_schema(SHOP).fingerprint
    assert certificate.dialect == pb.DIALECT_SQLITE
    assert certificate.model == "stand-in@" + "ab" * 32
    assert certificate.engine.startswith("sqlite ")
    passed = pb.CHECK_RESULT_PASSED
    assert (certificate.grammar, certificate.scope, certificate.prepare) == (passed,) * 3
    assert sql.confidence.mean_log_probability == pytest.approx(-0.1)
    assert sql.confidence.min_log_probability == pytest.approx(-0.5)
    assert (usage.prompt_tokens, usage.cached_tokens) == (20, 12)
    assert usage.output_tokens == len(GOOD_SQL.split())
    assert (usage.prefill_us, usage.decode_us) == (100, 200)
    assert usage.verify_us > 0
    assert usage.total_us >= usage.verify_us
    assert len(response.request_id) == 12
    assert counters["answers"] == counters["requests"] == 1


@pytest.mark.parametrize("statement", HOSTILE)
async def test_a_statement_that_fails_the_last_check_never_leaves(
    tmp_path: Path, statement: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with running_house(tmp_path, answering(statement)) as front:
        response = await front.translation.Translate(ask())
        status = await front.status.GetStatus(pb.GetStatusRequest())
    assert response.refusal.reason == pb.REFUSAL_REASON_VERIFY_FAILED
    assert not response.HasField("sql")
    assert status.counters["verify_failures"] == status.counters["refusals_verify_failed"] == 1
    assert any("VERIFY_FAILED statement=" in error for error in status.last_errors)
    if statement:
        assert statement.encode() not in response.SerializeToString()
        assert statement not in caplog.text
        assert not any(statement in error for error in status.last_errors)


async def test_a_statement_that_is_not_whole_is_refused_and_not_sent(tmp_path: Path) -> None:
    script = answering("SELECT COUNT(*) FROM ord", finish="budget")
    async with running_house(tmp_path, script) as front:
        response = await front.translation.Translate(ask(max_tokens=8))
    assert response.refusal.reason == pb.REFUSAL_REASON_BUDGET
    assert "8 tokens" in response.refusal.message
    assert b"SELECT COUNT" not in response.SerializeToString()


async def test_a_refusal_names_what_is_near(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering("x", finish="budget")) as front:
        response = await front.translation.Translate(ask("the price of each costumer"))
    names = {(nearest.name, nearest.word) for nearest in response.refusal.nearest}
    assert any(name.endswith("price") for name, _ in names)
    assert all(0 < nearest.score <= 1 for nearest in response.refusal.nearest)


async def test_near_names_are_looked_for_beside_the_event_loop(tmp_path: Path) -> None:
    calls = []

    def note_call(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is nearest_names.__code__:
            calls.append(frame.f_code)

    async with running_house(tmp_path, answering("SELECT", finish="length")) as front:
        sys.setprofile(note_call)  # Of this thread alone, which is the event loop's.
        try:
            response = await front.translation.Translate(ask("how many orders?"))
            assert calls == []
            nearest_names(parse_schema(SHOP), "orders")
            assert len(calls) == 1
        finally:
            sys.setprofile(None)
    assert response.refusal.nearest


async def test_a_bad_statement_does_not_spoil_a_good_one(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering("DROP TABLE orders;", GOOD_SQL)) as front:
        response = await front.translation.Translate(ask(n=2))
        counters = await front.counters()
    assert response.sql.text == GOOD_SQL
    assert not response.sql.alternatives
    assert counters["verify_failures"] == 1
    assert counters["refusals_verify_failed"] == 0


async def test_alternatives_are_distinct_as_trees(tmp_path: Path) -> None:
    other = "SELECT COUNT(id) FROM orders WHERE status = 'open';"
    script = answering(GOOD_SQL, "select count(*) from orders where status = 'open';", other)
    async with running_house(tmp_path, script) as front:
        response = await front.translation.Translate(ask(n=3))
    assert response.sql.text == GOOD_SQL
    assert [alternative.text for alternative in response.sql.alternatives] == [other]


async def test_what_the_engine_is_given(tmp_path: Path) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        request = ask(n=3, max_tokens=99, temperature=0.5, seed=7)
        await front.translation.Translate(request)
        (work,) = front.engines.last.generates
    assert (work.n, work.max_tokens, work.temperature, work.seed) == (3, 99, 0.5, 7)
    assert not work.wants_text
    prompt = "".join(piece.text for piece in work.schema + work.question)
    assert "Table 'orders' (id, customer_id, price, status)" in prompt
    assert prompt.endswith(f"{QUESTION}<|im_end|>\n<|im_start|>assistant\n")
    assert "orders" in work.grammar and work.grammar_key


async def test_a_statement_that_the_model_is_unsure_of_is_refused_on_request(
    tmp_path: Path,
) -> None:
    async with running_house(tmp_path, answering(GOOD_SQL)) as front:
        question = "How many customers are there in each city?"
        sure = await front.translation.Translate(ask(question))
        confidence = sure.sql.confidence
        # The stand-in's tokens have probability exp(-0.1).
        assert confidence.matched_words == 1.0
        assert confidence.score == pytest.approx((1 + math.exp(-0.1)) / 2)
        kept = await front.translation.Translate(ask(question, min_confidence=0.95))
        refused = await front.translation.Translate(ask(question, min_confidence=0.96))
        other = await front.translation.Translate(
            ask("which pilots flew a glider?", min_confidence=0.1)
        )
        counters = await front.counters()
    assert "'pilot" in other.refusal.message and "'glider'" in other.refusal.message
    assert kept.sql.text == GOOD_SQL
    assert refused.refusal.reason == pb.REFUSAL_REASON_LOW_CONFIDENCE
    assert "0.96" in refused.refusal.message
    assert b"SELECT" not in refused.SerializeToString()
    assert counters["refusals_low_confidence"] == 2


async def test_a_stream_ends_with_the_answer_and_shows_drafts_when_asked(tmp_path: Path) -> None:
    async def script(engine: StandInEngine, work: Work) -> None:
        assert isinstance(work, wire.Generate)
        engine.send(wire.Started(work.id, 20, 12))
        for n_tokens in (1, 2, 3):
            text = GOOD_SQL[: 7 * n_tokens] if work.wants_text else ""
            engine.send(wire.Progress(work.id, n_tokens, text))
            await asyncio.sleep(0.05)
        engine.send(wire.Finished(work.id, (output(GOOD_SQL),), 1, 1))

    async with running_house(tmp_path, script) as front:
        for include_draft in (False, True):
            request = pb.TranslateStreamRequest(request=ask(), include_draft=include_draft)
            events = [event async for event in front.translation.TranslateStream(request)]
            kinds = [event.WhichOneof("event") for event in events]
            assert kinds[0] == "accepted" and kinds[-1] == "final"
            assert set(kinds[1:-1]) == {"progress"}
            assert events[0].accepted.request_id == events[-1].final.request_id
            assert events[-1].final.sql.text == GOOD_SQL
            drafts = [event.progress.draft for event in events[1:-1]]
            assert any(drafts) == include_draft
            assert all(GOOD_SQL.startswith(draft) for draft in drafts)


async def test_a_batch_keeps_its_order_and_survives_an_error(tmp_path: Path) -> None:
    async def script(engine: StandInEngine, work: Work) -> None:
        assert isinstance(work, wire.Generate)
        # The earlier the question, the later its answer.
        number = int("".join(filter(str.isdigit, work.question[0].text)))
        await asyncio.sleep(0.004 * (30 - number))
        statement = f"SELECT id FROM orders LIMIT {number};"
        engine.send(wire.Started(work.id, 20, 12))
        engine.send(wire.Finished(work.id, (output(statement),), 1, 1))

    async def questions() -> AsyncIterator[pb.TranslateBatchRequest]:
        for number in range(30):
            text = "\0" if number == 7 else f"the first {number} orders"
            yield pb.TranslateBatchRequest(request=ask(text))

    async with running_house(tmp_path, script, queue_limit=2) as front:
        answers = [answer async for answer in front.translation.TranslateBatch(questions())]
    assert [answer.index for answer in answers] == list(range(30))
    for number, answer in enumerate(answers):
        if number == 7:
            assert answer.error.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
            assert answer.error.reason == "INVALID_FIELD"
        else:
            assert answer.response.sql.text == f"SELECT id FROM orders LIMIT {number};"


async def test_nothing_of_a_request_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canary = "canary47"
    ddl = SHOP.replace("status", f"status_{canary}")
    good = GOOD_SQL.replace("status", f"status_{canary}")
    async with running_house(tmp_path, answering(good)) as front:
        await front.translation.Translate(ask(f"orders of {canary}?", ddl=ddl))
        front.engines.script = answering(f"SELECT {canary} FROM orders;")
        front.engines.last.script = front.engines.script
        await front.translation.Translate(ask(f"orders of {canary}?", ddl=ddl))
        for request in (
            ask(f"{canary}\0"),
            ask(ddl=f"CREATE TABLE {canary} (id INT,"),
            ask(schema=pb.SchemaRef(name=canary)),
        ):
            with pytest.raises(grpc.aio.AioRpcError):
                await front.translation.Translate(request)
        await front.checks.Check(
            pb.CheckRequest(statement=f"SELECT {canary}", schema=pb.SchemaRef(ddl=ddl))
        )
        status = await front.status.GetStatus(pb.GetStatusRequest())
    assert "code=OK" in caplog.text and "INVALID_ARGUMENT" in caplog.text
    assert canary not in caplog.text
    assert canary not in str(status)
