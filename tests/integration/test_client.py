"""The Python client, sync and async, against a stand-in daemon over a real Unix socket."""

from __future__ import annotations

import asyncio
import inspect
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import sqlstrict
from sqlstrict import (
    Accepted,
    Answer,
    AsyncClient,
    Client,
    Outcome,
    Progress,
    RefusalReason,
)
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import Failure, Forever, StandInDaemon

SQL = pb.TranslateResponse(
    sql=pb.Sql(
        text="SELECT COUNT(*) FROM orders;",
        tables=["orders"],
        columns=[],
        certificate=pb.Certificate(
            schema_fingerprint="ab" * 32,
            dialect=pb.DIALECT_SQLITE,
            model="tiny@0",
            grammar=pb.CHECK_RESULT_PASSED,
            scope=pb.CHECK_RESULT_PASSED,
            engine="sqlite 3.45.1",
        ),
        confidence=pb.Confidence(mean_log_probability=-0.25, min_log_probability=-1.5),
        alternatives=[pb.Alternative(text="SELECT COUNT(id) FROM orders;")],
    ),
    usage=pb.Usage(prompt_tokens=40, cached_tokens=30, total_us=1234),
    request_id="r1",
)
REFUSAL = pb.TranslateResponse(
    refusal=pb.Refusal(
        reason=pb.REFUSAL_REASON_NO_CANDIDATE,
        message="no table fits",
        nearest=[pb.NearestName(name="orders.status", word="state", score=0.5)],
    ),
    request_id="r2",
)
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[StandInDaemon]:
    # A path that gRPC would misread if it were not encoded.
    with StandInDaemon(tmp_path / "a b%20#?é" / "s.sock") as running:
        yield running


@pytest.fixture
def client(daemon: StandInDaemon) -> Iterator[Client]:
    with Client(daemon.address, timeout_s=20) as connected:
        yield connected


class Awaited:
    """An `AsyncClient` called as if it were a `Client`, so that both take the same tests."""

    def __init__(self, address: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._connect(address, options))

    async def _connect(self, address: str, options: dict[str, Any]) -> AsyncClient:
        return AsyncClient(address, **options)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*arguments: Any, **options: Any) -> Any:
            found = method(*arguments, **options)
            if inspect.isawaitable(found):
                return self._loop.run_until_complete(found)
            return self._drawn(found)

        return call

    def _drawn(self, events: AsyncIterator[Any]) -> Iterator[Any]:
        while True:
            try:
                yield self._loop.run_until_complete(anext(events))
            except StopAsyncIteration:
                return

    def __enter__(self) -> Awaited:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


@pytest.fixture(params=[Client, Awaited], ids=["sync", "async"])
def connect(request: pytest.FixtureRequest) -> Any:
    """Make a client of either kind."""
    return request.param


@pytest.fixture
def either(daemon: StandInDaemon, connect: Any) -> Iterator[Any]:
    with connect(daemon.address, timeout_s=20) as connected:
        yield connected


def test_sql_comes_with_all_that_is_known_of_it(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("Translate", SQL)
    answer = either.translate("How many orders?", schema="shop", n=2, temperature=0.5, seed=7)
    assert answer.sql == "SELECT COUNT(*) FROM orders;"
    assert answer.refusal is None
    assert answer.tables == ("orders",)
    assert answer.certificate.grammar is Outcome.PASSED
    assert answer.certificate.prepare is Outcome.NOT_RUN
    assert answer.certificate.dialect == "sqlite"
    assert answer.confidence.min_log_probability == -1.5
    assert [other.sql for other in answer.alternatives] == ["SELECT COUNT(id) FROM orders;"]
    assert answer.usage.cached_tokens == 30
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
    either.translate("q", ddl="CREATE TABLE t (a)", dialect="ansi", statements=["select"])
    either.translate("q", fingerprint="ab" * 32, max_tokens=99)
    assert daemon.asked("Translate") == [
        pb.TranslateRequest(
            question="q",
            schema=pb.SchemaRef(ddl="CREATE TABLE t (a)"),
            dialect=pb.DIALECT_ANSI,
            statement_kinds=[pb.STATEMENT_KIND_SELECT],
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


def events() -> list[pb.TranslateStreamResponse]:
    return [
        pb.TranslateStreamResponse(accepted=pb.Accepted(request_id="r1", queue_position=2)),
        pb.TranslateStreamResponse(progress=pb.Progress(output_tokens=4, draft="SELECT")),
        pb.TranslateStreamResponse(),  # a kind of event that this client does not know
        pb.TranslateStreamResponse(final=SQL),
    ]


def test_a_stream_ends_with_the_answer(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("TranslateStream", events())
    found = list(either.stream("q", schema="shop", include_draft=True))
    assert found[:2] == [Accepted("r1", 2), Progress(4, "SELECT")]
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


def test_schemas(daemon: StandInDaemon, either: Any) -> None:
    info = pb.SchemaInfo(
        name="shop", fingerprint="ab", dialect=pb.DIALECT_SQLITE, table_count=1, warnings=["a view"]
    )
    key = pb.ForeignKeyInfo(columns=["a"], referenced_table="u", referenced_columns=["b"])
    table = pb.TableInfo(
        name="t",
        columns=[pb.ColumnInfo(name="a", type="INTEGER")],
        primary_key=["a"],
        foreign_keys=[key],
    )
    daemon.reply("RegisterSchema", pb.RegisterSchemaResponse(schema=info, replaced=True))
    daemon.reply("GetSchema", pb.GetSchemaResponse(schema=info, tables=[table], ddl="CREATE"))
    daemon.reply("DeleteSchema", pb.DeleteSchemaResponse())
    registered = either.register_schema("shop", "CREATE TABLE t (a)", dialect="sqlite")
    assert registered.is_replaced
    assert registered.info.warnings == ("a view",)
    schema = either.get_schema("shop")
    assert schema.ddl == "CREATE"
    assert schema.tables[0].columns == (sqlstrict.Column("a", "INTEGER"),)
    assert schema.tables[0].foreign_keys == (sqlstrict.ForeignKey(("a",), "u", ("b",)),)
    assert either.delete_schema("shop") is None
    assert daemon.asked("RegisterSchema")[0].dialect == pb.DIALECT_SQLITE


def test_listing_follows_the_pages(daemon: StandInDaemon, either: Any) -> None:
    first = pb.ListSchemasResponse(schemas=[pb.SchemaInfo(name="a")], next_page_token="2")
    daemon.reply("ListSchemas", first, pb.ListSchemasResponse(schemas=[pb.SchemaInfo(name="b")]))
    assert [info.name for info in either.list_schemas()] == ["a", "b"]
    assert [asked.page_token for asked in daemon.asked("ListSchemas")] == ["", "2"]


def test_check(daemon: StandInDaemon, either: Any) -> None:
    problem = pb.Problem(check="scope", message="no", line=1, column=8, nearest=["id"])
    bad = pb.CheckResponse(kind=pb.STATEMENT_KIND_SELECT, prepares=True, problems=[problem])
    good = pb.CheckResponse(
        kind=pb.STATEMENT_KIND_SELECT, in_scope=True, prepares=True, writable=False
    )
    daemon.reply("Check", bad, good)
    report = either.check("SELECT x FROM t", schema="shop", check_writable=False)
    assert not report.is_valid
    assert report.writable is None
    assert report.problems == (sqlstrict.Problem("scope", "no", 1, 8, ("id",)),)
    report = either.check("SELECT 1", schema="shop")
    assert report.is_valid
    assert report.writable is False
    assert [asked.check_writable for asked in daemon.asked("Check")] == [False, True]


def test_status(daemon: StandInDaemon, either: Any) -> None:
    model = pb.ModelInfo(name="tiny", schema_rendering=pb.SCHEMA_RENDERING_COMPACT)
    counters = {"questions": 3, "answers": 2}
    daemon.reply(
        "GetStatus",
        pb.GetStatusResponse(version="0.1.0", ready=True, model=model, counters=counters),
        pb.GetStatusResponse(version="0.1.0"),
    )
    status = either.status()
    assert status.is_ready
    assert status.model.schema_rendering == "compact"
    assert list(status.counters.items()) == [("answers", 2), ("questions", 3)]
    assert either.status().model is None
    assert either.is_ready() is False


def test_no_daemon_is_said_at_once(tmp_path: Path, connect: Any) -> None:
    with connect(f"unix://{tmp_path}/none.sock", timeout_s=1000) as lonely:
        tmp_path.chmod(0o700)
        with pytest.raises(sqlstrict.DaemonNotRunning, match="sqlstrict serve"):
            lonely.translate("q", schema="shop")
        assert lonely.is_ready() is False


def test_a_daemon_that_went_and_came_back(tmp_path: Path, connect: Any) -> None:
    path = tmp_path / "p" / "s.sock"
    daemon = StandInDaemon(path)
    daemon.reply("GetStatus", pb.GetStatusResponse(ready=True))
    with daemon, connect(daemon.address, timeout_s=1000) as client:
        assert client.is_ready()
        daemon.stop()
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        with pytest.raises(sqlstrict.DaemonNotRunning):
            client.status()
        path.unlink()
        daemon.start()
        assert client.is_ready()


def test_a_socket_in_an_open_folder_is_not_trusted(daemon: StandInDaemon, connect: Any) -> None:
    daemon.path.parent.chmod(0o755)
    with connect(daemon.address) as wary:
        for _ in range(2):
            with pytest.raises(sqlstrict.UntrustedSocket, match="mode 0755"):
                wary.translate("a secret", schema="shop")
        with pytest.raises(sqlstrict.UntrustedSocket):
            wary.wait_for_ready(timeout_s=1000)
    assert daemon.requests == []


def test_a_call_can_wait_for_the_daemon(tmp_path: Path, connect: Any) -> None:
    daemon = StandInDaemon(tmp_path / "p" / "s.sock")
    daemon.reply("Translate", SQL)
    started = threading.Timer(0.3, daemon.start)
    with connect(daemon.address, wait_for_ready=True) as patient:
        started.start()
        try:
            assert patient.translate("q", schema="shop").sql
        finally:
            started.join()
            daemon.stop()


def test_waiting_for_the_daemon_ends_at_the_deadline(tmp_path: Path, connect: Any) -> None:
    address = f"unix://{tmp_path}/p/s.sock"
    with connect(address, wait_for_ready=True) as patient:
        with pytest.raises(sqlstrict.DaemonNotRunning):
            patient.translate("q", schema="shop", timeout_s=0.2)
    with connect(address) as patient:
        with pytest.raises(sqlstrict.DeadlineExceeded, match="no daemon listens"):
            patient.wait_for_ready(timeout_s=0.2)


def test_waiting_until_ready(daemon: StandInDaemon, either: Any) -> None:
    not_yet = pb.GetStatusResponse()
    daemon.reply("GetStatus", not_yet, not_yet, pb.GetStatusResponse(ready=True))
    assert either.wait_for_ready().is_ready
    daemon.reply("GetStatus", not_yet)
    with pytest.raises(sqlstrict.DeadlineExceeded, match="no model ready"):
        either.wait_for_ready(timeout_s=0.2)


def test_threads_share_a_client(daemon: StandInDaemon, client: Client) -> None:
    daemon.reply("Translate", SQL)
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.translate("q", schema="shop")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8


def test_the_environment_names_the_daemon(
    daemon: StandInDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.reply("GetStatus", pb.GetStatusResponse(ready=True))
    monkeypatch.setenv("SQLSTRICT_ADDRESS", daemon.address)
    with Client() as client:
        assert client.is_ready()
    monkeypatch.setenv("SQLSTRICT_ADDRESS", "localhost:1")
    with pytest.raises(sqlstrict.InvalidAddress, match="SQLSTRICT_ADDRESS: 'localhost:1'"):
        Client()


def test_time_is_kept_over_waiting_and_asking(daemon: StandInDaemon, client: Client) -> None:
    daemon.reply("Translate", Forever())
    began = time.monotonic()
    with pytest.raises(sqlstrict.DeadlineExceeded):
        client.translate("q", schema="shop", timeout_s=0.5)
    assert time.monotonic() - began >= 0.5
