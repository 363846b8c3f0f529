"""Questions through the client, sync and async: SQL, refusals and options."""

from __future__ import annotations

from typing import Any

import pytest
import sqlstrict
from contract_replies import REFUSAL, SQL
from sqlstrict import Client, Outcome, RefusalReason
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon


def test_sql_comes_with_all_that_is_known_of_it(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Translate", SQL)
    answer = either.translate("How many orders?", schema="shop", n=2, temperature=0.5, seed=7)
    assert answer.sql == "SELECT COUNT(*) FROM orders;"
    assert answer.refusal is None
    assert answer.kind == "select"
    assert answer.tables == ("orders",)
    assert answer.certificate.grammar is Outcome.PASSED
    assert answer.certificate.types is Outcome.PASSED
    assert answer.certificate.prepare is Outcome.NOT_RUN
    assert answer.certificate.dialect == "sqlite"
    assert answer.confidence.min_log_probability == -1.5
    assert [other.sql for other in answer.alternatives] == ["SELECT COUNT(id) FROM orders;"]
    assert (answer.confidence.score, answer.confidence.matched_words) == (0.75, 0.5)
    assert answer.usage.cached_tokens == 30
    assert answer.usage.attempts == 2
    assert answer.request_id == "r1"
    assert daemon.asked("Translate") == [
        pb.TranslateRequest(
            question="How many orders?",
            schema=pb.SchemaRef(name="shop"),
            n=2,
            temperature=0.5,
            seed=7,
        )
    ]


def test_every_option_reaches_the_daemon(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Translate", SQL)
    either.translate(
        "q",
        ddl="CREATE TABLE t (a)",
        dialect="ansi",
        ddl_dialect="mysql",
        statements=("select", "update"),
        allow_unfiltered=True,
        min_confidence=0.5,
    )
    either.translate("q", fingerprint="ab" * 32, max_tokens=99)
    assert daemon.asked("Translate") == [
        pb.TranslateRequest(
            question="q",
            schema=pb.SchemaRef(ddl="CREATE TABLE t (a)", dialect=pb.DIALECT_MYSQL),
            dialect=pb.DIALECT_ANSI,
            statement_kinds=[pb.STATEMENT_KIND_SELECT, pb.STATEMENT_KIND_UPDATE],
            allow_unfiltered_writes=True,
            min_confidence=0.5,
        ),
        pb.TranslateRequest(
            question="q", schema=pb.SchemaRef(fingerprint="ab" * 32), max_tokens=99
        ),
    ]


def test_a_refusal_is_an_answer(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Translate", REFUSAL)
    answer = either.translate("?", schema="shop")
    assert answer.sql is None
    assert answer.refusal.reason is RefusalReason.NO_CANDIDATE
    assert answer.refusal.reason == "no_candidate"
    assert [(near.name, near.word) for near in answer.refusal.nearest] == [
        ("orders.status", "state")
    ]


def test_a_reason_of_a_newer_daemon_is_unknown(daemon: StandInDaemon, client: Client) -> None:
    daemon.reply("Translate", pb.TranslateResponse(refusal=pb.Refusal(reason=99)))  # type: ignore[arg-type]
    answer = client.translate("?", schema="shop")
    assert answer.refusal is not None
    assert answer.refusal.reason is RefusalReason.UNKNOWN


@pytest.mark.parametrize("empty", [pb.TranslateResponse(), pb.TranslateResponse(sql=pb.Sql())])
def test_no_outcome_is_never_taken_for_sql(
    daemon: StandInDaemon, either: Any, empty: pb.TranslateResponse
) -> None:
    daemon.reply("Translate", empty)
    with pytest.raises(sqlstrict.DaemonError, match="neither SQL nor a refusal"):
        either.translate("?", schema="shop")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "schema"),
        ({"schema": "a", "ddl": "b"}, "schema"),
        ({"schema": "a", "dialect": "oracle"}, "dialect"),
        ({"schema": "a", "statements": ["drop"]}, "statements"),
        ({"schema": "a", "statements": ["select", "other"]}, "statements"),
        ({"schema": "a", "ddl_dialect": "mysql"}, "ddl_dialect"),
        ({"ddl": "a", "ddl_dialect": "oracle"}, "ddl_dialect"),
        ({"schema": "a", "n": -1}, "n"),
        ({"schema": "a", "seed": 2**64}, "seed"),
        ({"schema": "\ud800"}, "name"),
        ({"schema": "a", "timeout_s": 0}, "timeout_s"),
    ],
)
def test_what_no_message_can_hold_is_refused_here(
    daemon: StandInDaemon, either: Any, options: dict[str, Any], field: str
) -> None:
    for ask in (either.translate, lambda *a, **o: list(either.stream(*a, **o))):
        with pytest.raises(sqlstrict.InvalidRequest) as caught:
            ask("q", **options)
        assert caught.value.field == field
    assert daemon.requests == []


def test_an_unknown_option_is_a_type_error(either: Any) -> None:
    for method in (either.translate, either.stream, either.batch):
        with pytest.raises(TypeError, match="temprature"):
            method("q", schema="shop", temprature=1.0)
