"""The `sqlstrict` command and the daemon that `sqlstrict serve` starts, as a user has them."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlstrict import AsyncClient, Client, Progress

QUESTION = "How many orders are open?"
BAD_DDL = "CREATE TABLE t (\n  a INTEGER,\n  b TEXT(,\n);\n"


@pytest.fixture(scope="module")
def address(tiny_gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A daemon with a model of random weights, started by the command and stopped by SIGTERM."""
    folder = tmp_path_factory.mktemp("daemon")
    folder.chmod(0o700)
    address = f"unix://{folder}/s.sock"
    command = [sys.executable, "-m", "sqlstrict", "serve", "--model", str(tiny_gguf)]
    command += ["--address", address, "--data-dir", str(folder / "data")]
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
    try:
        with Client(address) as client:
            assert client.wait_for_ready(timeout_s=60).front_pid == daemon.pid
        yield address
    finally:
        daemon.send_signal(signal.SIGTERM)
        output, _ = daemon.communicate(timeout=60)
    assert daemon.returncode == 0, (folder / "log").read_text()
    assert output == b""
    assert not (folder / "s.sock").exists()
    done = run("status", "--address", address)
    assert done.returncode == 3


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("shop") / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        CREATE TABLE customers (id INTEGER PRIMARY KEY, "full name" TEXT);
        CREATE TABLE orders (
            id INTEGER PRIMARY KEY,
            customer_id INTEGER REFERENCES customers (id),
            status TEXT
        );
        CREATE VIEW open AS SELECT * FROM orders WHERE status = 'open';
        """
    )
    connection.close()
    return path


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlstrict", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def at(address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(os.environ, "SQLSTRICT_ADDRESS", address)
    return address


def test_a_schema_keeps_its_fingerprint_through_show_and_add(
    at: str, database: Path, tmp_path: Path
) -> None:
    added = run("schema", "add", "shop", database)
    assert (added.returncode, added.stdout) == (0, "shop: 3 tables, 8 columns, sqlite\n")
    assert added.stderr == ""
    shown = run("schema", "show", "shop")
    assert "REFERENCES customers(id)" in shown.stdout
    assert "CREATE VIEW open AS SELECT CAST(NULL AS INTEGER) AS id" in shown.stdout
    assert "status = 'open'" not in shown.stdout
    copy = tmp_path / "copy.sql"
    copy.write_text(shown.stdout)
    assert run("schema", "add", "copy", copy).returncode == 0
    listed = run("schema", "list", "--json").stdout.splitlines()
    prints = {info["name"]: info["fingerprint"] for info in map(json.loads, listed)}
    assert prints["copy"] == prints["shop"]
    assert run("schema", "rm", "shop", "copy").returncode == 0
    assert run("ask", QUESTION, "--schema", "shop").returncode == 1


def test_what_is_asked_prepares_and_checks(at: str, database: Path) -> None:
    connection = sqlite3.connect(database)
    answered = 0
    for seed in range(3):
        flags = ["--temperature", "1", "--seed", str(seed), "--json", "--run"]
        asked = run("ask", QUESTION, "--schema", database, *flags)
        answer = json.loads(asked.stdout)
        if answer["sql"] is None:
            assert asked.returncode == 4
            assert answer["refusal"]["reason"] == "budget"
            continue
        assert asked.returncode == 0, asked.stderr
        answered += 1
        certificate = answer["certificate"]
        assert [certificate[name] for name in ("grammar", "scope", "prepare")] == ["passed"] * 3
        connection.execute(f"EXPLAIN {answer['sql']}")
        assert isinstance(answer["result"]["rows"], list)
        checked = run("check", answer["sql"], "--schema", database, "--json")
        report = json.loads(checked.stdout)
        assert (checked.returncode, report["is_valid"], report["problems"]) == (0, True, [])
    connection.close()
    assert answered


def test_a_statement_that_is_not_valid(at: str, database: Path) -> None:
    checked = run("check", 'SELECT "full nme" FROM customers', "--schema", database)
    assert checked.returncode == 6
    assert "in scope  no\n" in checked.stdout
    assert "^" in checked.stdout
    assert run("check", "DELETE FROM orders", "--schema", database).returncode == 6


def test_ddl_that_cannot_be_read(at: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.sql"
    path.write_text(BAD_DDL)
    asked = run("ask", QUESTION, "--schema", path)
    assert (asked.returncode, asked.stdout) == (1, "")
    pointed, caret, message = asked.stderr.splitlines()
    place = re.match(rf"sqlstrict: {path}: Line (\d+), column (\d+): ", message)
    assert place, message
    line, column = map(int, place.groups())
    assert pointed == f"    {BAD_DDL.splitlines()[line - 1]}"
    assert caret == f"    {' ' * (column - 1)}^"


def test_status(at: str) -> None:
    status = run("status")
    assert status.returncode == 0
    assert "ready" in status.stdout and "random" in status.stdout


def test_a_stream_is_the_same_answer(address: str, database: Path) -> None:
    ddl = "CREATE TABLE orders (id INTEGER, status TEXT);"
    with Client(address) as client:
        answer = client.translate(QUESTION, ddl=ddl)
        events = list(client.stream(QUESTION, ddl=ddl, include_draft=True))
    assert events[-1].sql == answer.sql  # type: ignore[union-attr]
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress
    # What a first attempt showed is no part of the answer where there was a second.
    last = [event.draft for event in progress if event.attempt == answer.usage.attempts]
    assert answer.sql is None or all(answer.sql.startswith(draft) for draft in last)


async def test_a_batch_keeps_its_order(address: str) -> None:
    ddl = "CREATE TABLE orders (id INTEGER, status TEXT);"
    questions = [QUESTION, "", "Which are done?"]
    async with AsyncClient(address) as client:
        results = [result async for result in client.batch(questions, ddl=ddl, max_tokens=32)]
    assert [result.index for result in results] == [0, 1, 2]
    assert [result.error is None for result in results] == [True, False, True]
