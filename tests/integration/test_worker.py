"""Worker processes: real work, and every way in which one can be lost."""

from __future__ import annotations

import asyncio
import sys

import pytest
from sqlstrictd.counters import Counters
from sqlstrictd.errors import CannotStart, SchemaError, SchemaTooLarge, WorkerFailed
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.worker.process import TookTooLong, Worker
from sqlstrictd.worker.tasks import Workers

SHOP = "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);"
SLEEP = (sys.executable, "-c", "import time; time.sleep(3600)")
END = (sys.executable, "-c", "raise SystemExit(3)")
NONSENSE = (sys.executable, "-c", "print('nonsense' * 100, flush=True); input()")
# Answers its first request, as a worker that started does, and no other.
STALL = (
    sys.executable,
    "-c",
    "import sys, time; sys.stdin.buffer.read(21);"
    " sys.stdout.buffer.write(b'\\0\\0\\0\\x02{}'); sys.stdout.buffer.flush(); time.sleep(3600)",
)
# A worker that needs longer to start than a request may take.
SLOW_START = (
    sys.executable,
    "-c",
    "import time; time.sleep(2.5); from sqlstrictd.worker.__main__ import main; main()",
)


async def test_schemas_are_read_and_statements_checked() -> None:
    workers = Workers(Counters())
    try:
        await workers.warm()
        schema = await workers.parse(SHOP, "sqlite")
        assert schema == parse_schema(SHOP)
        good, same, bad = await workers.check(
            [
                "SELECT id FROM orders;",
                "select ID from ORDERS",
                "SELECT nothing FROM orders;",
            ],
            schema,
            "sqlite",
        )
        assert good.keeps_promise and good.verdict.columns == ("orders.id",)
        assert good.canonical == same.canonical is not None
        assert not bad.keeps_promise
        assert bad.verdict.problems[0].check == "scope"
        found = await workers.skeleton_of("SELECT o.id FROM orders o, orders b", schema, "sqlite")
        assert found is not None
        assert [source.alias for source in found.clauses[0].sources] == ["o", "b"]
        assert await workers.skeleton_of("SELECT ((", schema, "sqlite") is None
        with pytest.raises(SchemaError) as caught:
            await workers.parse("CREATE TABLE a (id INT);\nCREATE TABLE", "sqlite")
        assert caught.value.line == 2
    finally:
        await workers.close()


async def test_what_keeps_the_promise_is_whole() -> None:
    workers = Workers(Counters())
    statements = {
        "SELECT id FROM orders;": True,
        "SELECT id FROM orders WHERE status = ';';": True,
        "SELECT id FROM orders": False,
        "SELECT id FROM orders -- and;": False,
        "SELECT id FROM orders /* more */;": False,
        "SELECT id FROM orders WHERE status = ';'": False,
        "SELECT id FROM orders;;": False,
        "SELECT id FROM orders; ;": False,
        "SELECT id FROM orders; ": False,
        "SELECT id FROM orders; -- done;": False,
    }
    try:
        checked = await workers.check(list(statements), parse_schema(SHOP), "sqlite")
    finally:
        await workers.close()
    assert {check.statement: check.keeps_promise for check in checked} == statements


async def test_what_keeps_the_promise_is_of_an_allowed_kind() -> None:
    workers = Workers(Counters())
    statement = "SELECT id FROM orders;"
    try:
        for kinds, is_kept in (({"select"}, True), ({"insert"}, False), (set(KINDS), True)):
            policy = Policy(frozenset(kinds))
            (checked,) = await workers.check([statement], parse_schema(SHOP), "sqlite", policy)
            assert checked.keeps_promise is is_kept
    finally:
        await workers.close()


async def test_more_schemas_than_the_worker_keeps() -> None:
    workers = Workers(Counters())
    try:
        schemas = [parse_schema(f"CREATE TABLE t{n} (c{n} INT);") for n in range(40)]
        for _ in range(2):
            for n, schema in enumerate(schemas):
                (checked,) = await workers.check([f"SELECT c{n} FROM t{n};"], schema, "sqlite")
                assert checked.keeps_promise
    finally:
        await workers.close()


@pytest.mark.parametrize("command", [END, NONSENSE])
async def test_a_worker_that_ends_or_babbles_is_replaced(command: tuple[str, ...]) -> None:
    counters = Counters()
    worker = Worker(counters, limit_s=60.0, command=command)
    with pytest.raises(WorkerFailed):
        await worker.ask({"task": "hello"})
    assert counters["worker_failures"] == 1
    worker._command = (sys.executable, "-m", "sqlstrictd.worker")
    assert await worker.ask({"task": "hello"}) == {}
    await worker.close()


async def test_a_worker_that_takes_too_long_is_killed() -> None:
    worker = Worker(Counters(), limit_s=0.2, command=STALL)
    with pytest.raises(TookTooLong):
        await worker.ask({"task": "hello"})
    assert worker._process is None


async def test_a_slow_start_takes_nothing_of_the_requests_time() -> None:
    counters = Counters()
    worker = Worker(counters, limit_s=2.0, command=SLOW_START)
    assert await worker.ask({"task": "hello"}) == {}
    assert counters["worker_failures"] == 0
    await worker.close()


async def test_a_worker_that_does_not_start_is_not_the_requests_fault() -> None:
    counters = Counters()
    parser = Worker(counters, limit_s=60.0, command=SLEEP, start_limit_s=0.2)
    workers = Workers(counters, parser=parser)
    with pytest.raises(WorkerFailed, match=r"did not start in 0\.2 s") as caught:
        await workers.parse(SHOP, "sqlite")
    assert not isinstance(caught.value, TookTooLong)
    assert counters["worker_failures"] == 1
    assert parser._process is None


@pytest.mark.parametrize("command", [END, SLEEP])
async def test_without_a_checker_the_daemon_cannot_start(command: tuple[str, ...]) -> None:
    counters = Counters()
    checker = Worker(counters, limit_s=60.0, command=command, start_limit_s=0.2)
    with pytest.raises(CannotStart, match="worker process"):
        await Workers(counters, checker=checker).warm()


async def test_a_schema_that_takes_too_long_is_the_callers_fault() -> None:
    counters = Counters()
    workers = Workers(counters, parser=Worker(counters, 0.2, command=STALL))
    with pytest.raises(SchemaTooLarge):
        await workers.parse(SHOP, "sqlite")
    await workers.close()


async def test_an_asker_that_goes_away_leaves_the_pipe_whole() -> None:
    workers = Workers(Counters())
    try:
        await workers.warm()
        schema = parse_schema(SHOP)
        for _ in range(20):
            gone = asyncio.create_task(workers.check(["SELECT id FROM orders;"], schema, "sqlite"))
            await asyncio.sleep(0)
            gone.cancel()
            (checked,) = await workers.check(["SELECT status FROM orders;"], schema, "sqlite")
            assert checked.verdict.columns == ("orders.status",)
    finally:
        await workers.close()


async def test_a_task_that_fails_says_its_type_alone() -> None:
    worker = Worker(Counters(), limit_s=60.0)
    with pytest.raises(WorkerFailed, match="KeyError") as caught:
        await worker.ask({"task": "no such secret task"})
    assert "secret" not in str(caught.value)
    await worker.close()


async def test_an_idle_worker_is_stopped_and_started_again() -> None:
    worker = Worker(Counters(), limit_s=60.0, idle_s=0.05)
    await worker.ask({"task": "hello"})
    process = worker._process
    assert process is not None
    assert await process.wait() == 0
    assert await worker.ask({"task": "hello"}) == {}
    await worker.close()
