"""How failed calls end: typed, in time, and tried again where that is safe."""

from __future__ import annotations

import time
from typing import Any

import grpc
import pytest
import sqlstrict
from contract_replies import SQL
from sqlstrict import Client
from stand_in_daemon import Failure, Forever, StandInDaemon

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize(
    ("failure", "kind", "attributes"),
    [
        (
            Failure(
                grpc.StatusCode.INVALID_ARGUMENT,
                "unknown type",
                "SCHEMA_INVALID",
                "schema.ddl",
                {"line": "3", "column": "14", "request_id": "r7"},
            ),
            sqlstrict.SchemaError,
            {"field": "schema.ddl", "line": 3, "column": 14, "request_id": "r7"},
        ),
        (
            Failure(grpc.StatusCode.INVALID_ARGUMENT, "long", "QUESTION_TOO_LONG", "question"),
            sqlstrict.InvalidRequest,
            {"field": "question", "line": 0, "reason": "QUESTION_TOO_LONG"},
        ),
        (
            Failure(grpc.StatusCode.NOT_FOUND, "none", "SCHEMA_NOT_FOUND"),
            sqlstrict.NotFound,
            {"reason": "SCHEMA_NOT_FOUND", "code": "NOT_FOUND"},
        ),
        (
            Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "QUEUE_FULL", retry_after_s=1.25),
            sqlstrict.Busy,
            {"retry_after_s": 1.25},
        ),
        (
            Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "TOO_MANY_SCHEMAS"),
            sqlstrict.Busy,
            {"retry_after_s": None},
        ),
        (
            Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "its cap", "DEADLINE_EXCEEDED"),
            sqlstrict.DeadlineExceeded,
            {"message": "its cap"},
        ),
        (
            Failure(grpc.StatusCode.FAILED_PRECONDITION, "no model", "MODEL_UNUSABLE"),
            sqlstrict.NotReady,
            {"reason": "MODEL_UNUSABLE"},
        ),
        (
            Failure(grpc.StatusCode.INTERNAL, "a bug", "ENGINE_FAULT"),
            sqlstrict.DaemonError,
            {"reason": "ENGINE_FAULT", "code": "INTERNAL"},
        ),
        (
            Failure(grpc.StatusCode.UNIMPLEMENTED, "what?"),
            sqlstrict.DaemonError,
            {"code": "UNIMPLEMENTED"},
        ),
        (
            Failure(grpc.StatusCode.INTERNAL, "a bug", raw_details=b"\xff\xff"),
            sqlstrict.DaemonError,
            {"reason": ""},
        ),
    ],
    ids=lambda value: value.reason or value.code.name if isinstance(value, Failure) else None,
)
def test_errors_come_typed(
    daemon: StandInDaemon,
    either: Any,
    failure: Failure,
    kind: type[sqlstrict.SqlstrictError],
    attributes: dict[str, Any],
) -> None:
    daemon.reply("Translate", failure)
    daemon.reply("TranslateStream", [failure])
    for ask in (either.translate, lambda *a, **o: list(either.stream(*a, **o))):
        with pytest.raises(kind) as caught:
            ask("q", schema="shop")
        assert type(caught.value) is kind
        assert {name: getattr(caught.value, name) for name in attributes} == attributes
        assert isinstance(caught.value.__cause__, grpc.RpcError)


def test_unavailable_is_tried_again(daemon: StandInDaemon, either: Any) -> None:
    crashed = Failure(UNAVAILABLE, "crashed", "ENGINE_CRASHED")
    daemon.reply("Translate", crashed, crashed, SQL)
    assert either.translate("q", schema="shop").sql
    assert len(daemon.asked("Translate")) == 3


def test_trying_again_ends(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Translate", Failure(UNAVAILABLE, "crashed", "ENGINE_CRASHED"))
    with pytest.raises(sqlstrict.EngineCrashed, match="crashed"):
        either.translate("q", schema="shop")
    assert len(daemon.asked("Translate")) == 4


def test_deleting_is_not_tried_again(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("DeleteSchema", Failure(UNAVAILABLE, "stopping", "SHUTTING_DOWN"))
    with pytest.raises(sqlstrict.ShuttingDown):
        either.delete_schema("shop")
    assert len(daemon.asked("DeleteSchema")) == 1


def test_a_deadline_ends_the_call_on_both_sides(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Translate", Forever())
    with pytest.raises(sqlstrict.DeadlineExceeded, match=r"within 0\.2 s"):
        either.translate("q", schema="shop", timeout_s=0.2)
    assert daemon.cancelled.wait(10)


def test_every_call_has_a_deadline(daemon: StandInDaemon, connect: Any) -> None:
    daemon.reply("GetStatus", Forever())
    with connect(daemon.address, timeout_s=0.2) as impatient:
        with pytest.raises(sqlstrict.DeadlineExceeded):
            impatient.status()
    with pytest.raises(sqlstrict.InvalidRequest, match="over 0"):
        Client(daemon.address, timeout_s=0)


def test_time_is_kept_over_waiting_and_asking(daemon: StandInDaemon, client: Client) -> None:
    daemon.reply("Translate", Forever())
    began = time.monotonic()
    with pytest.raises(sqlstrict.DeadlineExceeded):
        client.translate("q", schema="shop", timeout_s=0.5)
    assert time.monotonic() - began >= 0.5
