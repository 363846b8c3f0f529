"""`sqlstrict ask --run`: the rows of a statement, and no more than reading."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import COUNT, Captured, sql
from sqlstrict.cli import main
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon


def test_run_shows_the_rows(daemon: StandInDaemon, database: Path, capsys: Captured) -> None:
    daemon.reply("Translate", sql("SELECT id, status FROM orders ORDER BY id;"))
    assert main(["ask", "q", "--schema", str(database), "--run", "--max-rows", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.out == "id  status\n--  ------\n 1  open\n"
    assert "SELECT id, status FROM orders ORDER BY id;\n" in captured.err
    assert "--max-rows 1 cut them" in captured.err


def test_run_on_another_database(daemon: StandInDaemon, database: Path, capsys: Captured) -> None:
    daemon.reply("Translate", sql())
    flags = ["--schema", "shop", "--run", "--database", str(database), "--json"]
    assert main(["ask", "q", *flags]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["sql"] == COUNT
    assert answer["result"] == {"columns": ["COUNT(*)"], "rows": [[2]], "is_truncated": False}


def test_run_needs_a_database(daemon: StandInDaemon, capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["ask", "q", "--schema", "shop", "--run"])
    assert caught.value.code == 2
    assert "--database FILE" in capsys.readouterr().err
    assert daemon.requests == []


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        (pb.STATEMENT_KIND_INSERT, "INSERT INTO orders (status) VALUES ('new');"),
        (pb.STATEMENT_KIND_CREATE_TABLE, "CREATE TABLE more (id INTEGER);"),
        (pb.STATEMENT_KIND_UNSPECIFIED, "SELECT 1;"),
    ],
)
def test_run_runs_queries_alone_whatever_is_allowed(
    daemon: StandInDaemon,
    database: Path,
    capsys: Captured,
    kind: pb.StatementKind,
    statement: str,
) -> None:
    daemon.reply("Translate", pb.TranslateResponse(sql=pb.Sql(text=statement, kind=kind)))
    before = database.read_bytes()
    command = ["ask", "q", "--schema", str(database), "--run", "--allow", "select,insert"]
    assert main(command) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert statement in captured.err
    assert "--run runs queries alone" in captured.err
    assert database.read_bytes() == before


def test_run_writes_nothing(daemon: StandInDaemon, database: Path, capsys: Captured) -> None:
    # The second wall: what the daemon takes for a query must not write either.
    daemon.reply("Translate", sql("DELETE FROM orders;"))
    before = database.read_bytes()
    assert main(["ask", "q", "--schema", str(database), "--run"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "does more than read" in captured.err
    assert database.read_bytes() == before


def test_ctrl_c_while_sqlite_works(daemon: StandInDaemon, database: Path) -> None:
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    daemon.reply("Translate", sql(f"{numbers} SELECT COUNT(*) FROM n;"))
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--run", "--schema", str(database)]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as asking:
        assert asking.stderr is not None
        while "RECURSIVE" not in asking.stderr.readline():
            pass
        asking.send_signal(signal.SIGINT)
        assert asking.communicate(timeout=30) == ("", "")
    assert asking.returncode == 130


def test_terminal_escapes_from_a_database_are_not_obeyed(
    daemon: StandInDaemon, database: Path, capsys: Captured
) -> None:
    connection = sqlite3.connect(database)
    connection.execute("INSERT INTO orders VALUES (3, ?)", ("\x1b[2J",))
    connection.commit()
    connection.close()
    daemon.reply("Translate", sql("SELECT status FROM orders;"))
    assert main(["ask", "q", "--schema", str(database), "--run"]) == 0
    captured = capsys.readouterr()
    assert "\\x1b[2J" in captured.out
    assert "\x1b" not in captured.out + captured.err
