"""`sqlstrict ask`: a question becomes SQL on stdout, or a refusal."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import COUNT, DDL, Captured, refusal, run, sql
from sqlstrict.cli import main
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon


def test_ask_writes_the_sql_alone(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", sql())
    assert main(["ask", "how", "many", "orders?", "--schema", "shop"]) == 0
    assert capsys.readouterr() == (COUNT + "\n", "")
    assert daemon.asked("Translate")[0] == pb.TranslateRequest(
        question="how many orders?", schema=pb.SchemaRef(name="shop")
    )


def test_ask_passes_every_flag_on(daemon: StandInDaemon, tmp_path: Path) -> None:
    daemon.reply("Translate", sql())
    path = tmp_path / "shop.sql"
    path.write_text(DDL)
    flags = "-n 3 --max-tokens 99 --temperature 0.5 --seed 7 --dialect ansi --min-confidence 0.25"
    flags += " --allow insert,create-view --allow-unfiltered"
    assert main(["ask", "q", "--schema", str(path), *flags.split()]) == 0
    assert daemon.asked("Translate")[0] == pb.TranslateRequest(
        question="q",
        schema=pb.SchemaRef(ddl=DDL),
        dialect=pb.DIALECT_ANSI,
        n=3,
        max_tokens=99,
        temperature=0.5,
        seed=7,
        statement_kinds=[pb.STATEMENT_KIND_INSERT, pb.STATEMENT_KIND_CREATE_VIEW],
        allow_unfiltered_writes=True,
        min_confidence=0.25,
    )


def test_alternatives_are_lines(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", sql(COUNT, "SELECT 2;", "SELECT 3;"))
    assert main(["ask", "q", "--schema", "shop", "-n", "3"]) == 0
    assert capsys.readouterr().out == f"{COUNT}\nSELECT 2;\nSELECT 3;\n"


def test_ask_in_json(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", sql())
    assert main(["ask", "q", "--schema", "shop", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["sql"] == COUNT
    assert answer["refusal"] is None
    assert answer["certificate"]["grammar"] == "not_run"
    assert answer["usage"]["total_us"] == 0


def test_the_question_may_come_from_standard_input(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql())
    done = run("ask", "-", "--schema", "shop", stdin="how  many\n\t are open?\r\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, COUNT + "\n", "")
    assert daemon.asked("Translate")[0].question == "how  many are open?"


def test_the_schema_may_come_from_standard_input(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql())
    assert run("ask", "q", "--schema", "-", stdin=DDL).returncode == 0
    assert daemon.asked("Translate")[0].schema.ddl == DDL
    done = run("ask", "-", "--schema", "-", stdin=DDL)
    assert done.returncode == 2
    assert "cannot be both" in done.stderr


def test_an_empty_standard_input_is_no_question(daemon: StandInDaemon) -> None:
    done = run("ask", "-", "--schema", "shop", stdin=" \n")
    assert (done.returncode, done.stdout) == (2, "")
    assert "the question on standard input is empty" in done.stderr
    assert daemon.asked("Translate") == []


# The tables that SQLite keeps beside one of its module fts5.
FTS5_PARTS = ("config", "content", "data", "docsize", "idx")


def test_a_database_is_read_and_what_is_left_out_is_said(
    daemon: StandInDaemon, database: Path, capsys: Captured
) -> None:
    daemon.reply("Translate", sql())
    assert main(["ask", "q", "--schema", str(database)]) == 0
    captured = capsys.readouterr()
    assert captured.out == COUNT + "\n"
    assert captured.err == "sqlstrict: shop.db: virtual table left out: found\n"
    schema = daemon.asked("Translate")[0].schema
    beside = [f'CREATE SEQUENCE "found_{part}";' for part in FTS5_PARTS]
    assert schema.ddl.splitlines() == [
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);",
        'CREATE VIEW "open" AS SELECT CAST(NULL AS INTEGER) AS "id"'
        ' WHERE EXISTS (SELECT "id" FROM "orders");',
        'CREATE SEQUENCE "found";',
        *beside,
    ]


def test_a_sqlite_database_is_read_as_such_for_answers_in_any_dialect(
    daemon: StandInDaemon, database: Path
) -> None:
    daemon.reply("Translate", sql())
    assert main(["ask", "q", "--schema", str(database), "--dialect", "postgres"]) == 0
    (request,) = daemon.asked("Translate")
    assert request.dialect == pb.DIALECT_POSTGRES
    assert request.schema.dialect == pb.DIALECT_SQLITE


def test_a_refusal_leaves_stdout_empty(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", refusal())
    assert main(["ask", "q", "--schema", "shop"]) == 4
    assert capsys.readouterr() == (
        "",
        "sqlstrict: no SQL: no table fits\n    'state' resembles orders.status\n",
    )


def test_a_refusal_in_json(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", refusal())
    assert main(["ask", "q", "--schema", "shop", "--json"]) == 4
    answer = json.loads(capsys.readouterr().out)
    assert answer["sql"] is None
    assert answer["refusal"]["reason"] == "no_candidate"


def test_waiting(daemon: StandInDaemon, capsys: Captured) -> None:
    not_yet, ready = pb.GetStatusResponse(), pb.GetStatusResponse(ready=True)
    daemon.reply("GetStatus", not_yet, not_yet, ready)
    daemon.reply("Translate", sql())
    assert main(["ask", "q", "--schema", "shop", "--wait"]) == 0
    assert capsys.readouterr().out == COUNT + "\n"


def test_a_name_that_the_question_says_is_not_called_alike(
    daemon: StandInDaemon, capsys: Captured
) -> None:
    near = [pb.NearestName(name="log", word="Log"), pb.NearestName(name="log.at", word="log")]
    answer = pb.Refusal(reason=pb.REFUSAL_REASON_BUDGET, message="too long", nearest=near)
    daemon.reply("Translate", pb.TranslateResponse(refusal=answer))
    assert main(["ask", "q", "--schema", "shop"]) == 4
    error = capsys.readouterr().err
    assert error == "sqlstrict: no SQL: too long\n    'log' resembles log.at\n"
