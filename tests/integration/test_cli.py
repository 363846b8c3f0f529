"""The `sqlstrict` command against a stand-in daemon: results, messages and exit codes."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlstrict import calls
from sqlstrict.cli import main
from sqlstrict.cli.schemas import DIALECTS
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import Failure, Forever, StandInDaemon

COUNT = "SELECT COUNT(*) FROM orders;"
DDL = "CREATE TABLE orders (\n  id INTEGER,\n  price NUMBERR\n);\n"
Captured = pytest.CaptureFixture[str]


def sql(text: str = COUNT, *others: str) -> pb.TranslateResponse:
    alternatives = [pb.Alternative(text=other) for other in others]
    return pb.TranslateResponse(sql=pb.Sql(text=text, alternatives=alternatives), request_id="r1")


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInDaemon]:
    with StandInDaemon(tmp_path / "private" / "s.sock") as running:
        monkeypatch.setenv("SQLSTRICT_ADDRESS", running.address)
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);"
        "INSERT INTO orders VALUES (1, 'open'), (2, 'done');"
        "CREATE VIEW open AS SELECT 1;"
    )
    connection.close()
    return path


def run(*arguments: str, stdin: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlstrict", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        **options,
    )


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
    flags = "-n 3 --max-tokens 99 --temperature 0.5 --seed 7 --dialect ansi"
    assert main(["ask", "q", "--schema", str(path), *flags.split()]) == 0
    assert daemon.asked("Translate")[0] == pb.TranslateRequest(
        question="q",
        schema=pb.SchemaRef(ddl=DDL),
        dialect=pb.DIALECT_ANSI,
        n=3,
        max_tokens=99,
        temperature=0.5,
        seed=7,
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


def test_a_database_is_read_and_what_is_left_out_is_said(
    daemon: StandInDaemon, database: Path, capsys: Captured
) -> None:
    daemon.reply("Translate", sql())
    assert main(["ask", "q", "--schema", str(database)]) == 0
    captured = capsys.readouterr()
    assert captured.out == COUNT + "\n"
    assert captured.err == "sqlstrict: shop.db: view left out: open\n"
    ddl = daemon.asked("Translate")[0].schema.ddl
    assert ddl == "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);\n"


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


def test_run_writes_nothing(daemon: StandInDaemon, database: Path, capsys: Captured) -> None:
    daemon.reply("Translate", sql("DELETE FROM orders;"))
    before = database.read_bytes()
    assert main(["ask", "q", "--schema", str(database), "--run"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "does more than read" in captured.err
    assert database.read_bytes() == before


def refusal() -> pb.TranslateResponse:
    near = pb.NearestName(name="orders.status", word="state", score=0.6)
    reason = pb.REFUSAL_REASON_NO_CANDIDATE
    return pb.TranslateResponse(
        refusal=pb.Refusal(reason=reason, message="no table fits", nearest=[near])
    )


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


def stream_events() -> list[pb.TranslateStreamResponse]:
    return [
        pb.TranslateStreamResponse(accepted=pb.Accepted(request_id="r1")),
        pb.TranslateStreamResponse(progress=pb.Progress(output_tokens=1, draft="SELECT")),
        pb.TranslateStreamResponse(final=sql()),
    ]


def test_stream_keeps_drafts_off_stdout(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("TranslateStream", stream_events())
    assert main(["ask", "q", "--schema", "shop", "--stream"]) == 0
    assert capsys.readouterr() == (COUNT + "\n", "")


def test_stream_in_json_is_a_line_an_event(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("TranslateStream", stream_events())
    assert main(["ask", "q", "--schema", "shop", "--stream", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["event"] for event in events] == ["accepted", "progress", "answer"]
    assert events[1]["draft"] == "SELECT"
    assert events[2]["sql"] == COUNT


def batch_replies() -> list[pb.TranslateBatchResponse]:
    error = pb.BatchError(code=3, reason="QUESTION_TOO_LONG", message="too long")
    return [
        pb.TranslateBatchResponse(index=0, response=sql()),
        pb.TranslateBatchResponse(index=1, response=refusal()),
        pb.TranslateBatchResponse(index=2, error=error),
    ]


def test_a_batch_is_a_line_a_question(
    daemon: StandInDaemon, tmp_path: Path, capsys: Captured
) -> None:
    path = tmp_path / "questions.txt"
    path.write_text("first\n\n  second\tone \u2028\r\nthird")
    command = ["ask", "--schema", "shop", "--batch", str(path)]
    daemon.reply("TranslateBatch", *batch_replies())
    assert main(command) == 1
    assert capsys.readouterr() == (
        f"{COUNT}\n\n\n",
        "sqlstrict: question 2: no SQL: no table fits\nsqlstrict: question 3: too long\n",
    )
    asked = [request.request.question for request in daemon.asked("TranslateBatch")]
    assert asked == ["first", "second one", "third"]
    daemon.reply("TranslateBatch", *batch_replies())
    assert main([*command, "--json"]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["question"] for line in lines] == asked
    assert lines[0]["sql"] == COUNT and lines[0]["error"] is None
    assert lines[1]["refusal"]["reason"] == "no_candidate"
    assert lines[2]["error"] == {"message": "too long", "reason": "QUESTION_TOO_LONG"}


def test_the_exit_code_of_a_batch(daemon: StandInDaemon) -> None:
    command = ["ask", "--schema", "shop", "--batch", "-"]
    daemon.reply("TranslateBatch", *batch_replies())
    assert run(*command, stdin="one\ntwo").returncode == 4
    daemon.reply("TranslateBatch", *batch_replies())
    assert run(*command, stdin="one").returncode == 0
    assert run(*command, stdin="").returncode == 0


def test_a_schema_error_points_into_the_users_file(
    daemon: StandInDaemon, tmp_path: Path, capsys: Captured
) -> None:
    code = grpc.StatusCode.INVALID_ARGUMENT
    place = {"line": "3", "column": "9"}
    daemon.reply(
        "Translate",
        Failure(code, "Line 3, column 9: bad type", "SCHEMA_INVALID", "schema.ddl", place),
    )
    path = tmp_path / "shop.sql"
    path.write_text(DDL)
    assert main(["ask", "q", "--schema", str(path)]) == 1
    assert capsys.readouterr() == (
        "",
        f"      price NUMBERR\n            ^\nsqlstrict: {path}: Line 3, column 9: bad type\n",
    )


@pytest.mark.parametrize(
    ("failure", "code", "message"),
    [
        (Failure(grpc.StatusCode.NOT_FOUND, "no schema shop", "SCHEMA_NOT_FOUND"), 1, "list"),
        (
            Failure(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", "QUEUE_FULL", retry_after_s=2),
            1,
            "full (retry after 2 s)",
        ),
        (Failure(grpc.StatusCode.DEADLINE_EXCEEDED, "late", "DEADLINE_EXCEEDED"), 5, "late"),
        (Failure(grpc.StatusCode.UNAVAILABLE, "stopping", "SHUTTING_DOWN"), 3, "stopping"),
        (Failure(grpc.StatusCode.UNAVAILABLE, "crashed", "ENGINE_CRASHED"), 1, "crashed"),
        (Failure(grpc.StatusCode.FAILED_PRECONDITION, "no model", "MODEL_UNUSABLE"), 1, "model"),
        (Failure(grpc.StatusCode.INTERNAL, "internal error", "INTERNAL"), 1, "internal"),
    ],
    ids=lambda value: value.reason if isinstance(value, Failure) else None,
)
def test_errors_have_a_message_and_an_exit_code(
    daemon: StandInDaemon, capsys: Captured, failure: Failure, code: int, message: str
) -> None:
    daemon.reply("Translate", failure)
    assert main(["ask", "q", "--schema", "shop"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("sqlstrict: ") and captured.err.count("\n") == 1
    assert message in captured.err
    assert main(["ask", "q", "--schema", "shop", "--json"]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["error"]["reason"] == failure.reason


def test_a_file_named_like_a_schema_is_pointed_out(
    daemon: StandInDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    daemon.reply("Translate", Failure(grpc.StatusCode.NOT_FOUND, "none", "SCHEMA_NOT_FOUND"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shop").write_text(DDL)
    assert main(["ask", "q", "--schema", "shop"]) == 1
    assert "write ./shop" in capsys.readouterr().err


def test_the_traceback_comes_only_on_request(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", Failure(grpc.StatusCode.INTERNAL, "a bug", "INTERNAL"))
    main(["ask", "q", "--schema", "shop"])
    assert "Traceback" not in capsys.readouterr().err
    main(["ask", "q", "--schema", "shop", "--debug"])
    assert "Traceback" in capsys.readouterr().err


def test_the_time_limit(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("Translate", Forever())
    assert main(["ask", "q", "--schema", "shop", "--timeout", "0.2"]) == 5
    assert "no answer within 0.2 s" in capsys.readouterr().err
    assert daemon.cancelled.wait(10)


def test_no_daemon(tmp_path: Path, capsys: Captured) -> None:
    tmp_path.chmod(0o700)
    address = f"unix://{tmp_path}/none.sock"
    for command in (["status"], ["schema", "list"], ["ask", "q", "--schema", "shop"]):
        assert main([*command, "--address", address]) == 3
        assert "sqlstrict serve" in capsys.readouterr().err
    assert main(["status", "--wait", "--timeout", "0.2", "--address", address]) == 5


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["ask"],
        ["ask", "q"],
        ["ask", "q", "--schema", "s", "--timeout", "0"],
        ["ask", "q", "--schema", "s", "--timeout", "nan"],
        ["ask", "q", "--schema", "s", "--timeout", "soon"],
        ["ask", "q", "--schema", "s", "-n", "9"],
        ["ask", "q", "--schema", "s", "-n", "-1"],
        ["ask", "q", "--schema", "s", "--max-tokens", "7"],
        ["ask", "q", "--schema", "s", "--max-rows", "0"],
        ["ask", "q", "--schema", "s", "--temperature", "nan"],
        ["ask", "q", "--schema", "s", "--temperature", "2.5"],
        ["ask", "q", "--schema", "s", "--seed", str(2**64)],
        ["ask", "q", "--schema", "s", "--dialect", "oracle"],
        ["ask", "q", "--schem", "s"],
        ["ask", "q", "--schema", "s", "--batch", "file"],
        ["ask", "--schema", "s", "--batch", "file", "--run"],
        ["ask", "--schema", "-", "--batch", "-"],
        ["schema"],
        ["schema", "rm"],
        ["schema", "add", "shop.sql", "shop.sql"],
        ["schema", "add", "a/shop", "shop.sql"],
        ["nonsense"],
    ],
)
def test_usage_errors(arguments: list[str], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: sqlstrict" in captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", "q", "--schema", "postgresql://host/db"],
        ["ask", "q", "--schema", "./none.sql"],
        ["ask", "--schema", "shop", "--batch", "none.txt"],
        ["status", "--address", "localhost:80"],
        ["schema", "add", "shop", "shop"],
    ],
)
def test_wrong_places_are_usage_errors_too(arguments: list[str], capsys: Captured) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("sqlstrict: ")


def test_the_dialects_are_those_of_the_contract() -> None:
    assert DIALECTS == calls.DIALECTS


def test_check(daemon: StandInDaemon, capsys: Captured) -> None:
    select = pb.STATEMENT_KIND_SELECT
    problem = pb.Problem(
        check="scope", message="no column x", line=1, column=8, nearest=["id", "price"]
    )
    bad = pb.CheckResponse(kind=select, prepares=True, writable=False, problems=[problem])
    good = pb.CheckResponse(kind=select, in_scope=True, prepares=True)
    daemon.reply("Check", bad, bad, good)
    assert main(["check", "SELECT x FROM orders", "--schema", "shop"]) == 6
    captured = capsys.readouterr()
    assert captured.out == (
        "valid     no\nkind      select\nin scope  no\nprepares  yes\nwritable  no\n"
        "scope: no column x (line 1, column 8); near: id, price\n"
        "    SELECT x FROM orders\n           ^\n"
    )
    assert captured.err == ""
    assert main(["check", "SELECT x FROM orders", "--schema", "shop", "--json"]) == 6
    report = json.loads(capsys.readouterr().out)
    assert report["is_valid"] is False
    assert report["problems"][0]["nearest"] == ["id", "price"]
    assert main(["check", COUNT, "--schema", "shop", "--no-writable"]) == 0
    assert "writable" not in capsys.readouterr().out
    assert [asked.check_writable for asked in daemon.asked("Check")] == [True, True, False]


def test_schemas(daemon: StandInDaemon, database: Path, capsys: Captured) -> None:
    info = pb.SchemaInfo(
        name="shop",
        fingerprint="ab" * 32,
        dialect=pb.DIALECT_SQLITE,
        table_count=1,
        column_count=2,
        warnings=["index i left out"],
    )
    daemon.reply("RegisterSchema", pb.RegisterSchemaResponse(schema=info, replaced=True))
    daemon.reply("ListSchemas", pb.ListSchemasResponse(schemas=[info]))
    daemon.reply("GetSchema", pb.GetSchemaResponse(schema=info, ddl=DDL))
    daemon.reply("DeleteSchema", pb.DeleteSchemaResponse())
    assert main(["schema", "add", "shop", str(database)]) == 0
    captured = capsys.readouterr()
    assert captured.out == "shop: 1 table, 2 columns, sqlite, replaced\n"
    assert "view left out: open" in captured.err
    assert "index i left out" in captured.err
    assert daemon.asked("RegisterSchema")[0].name == "shop"
    assert main(["schema", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[2].split() == [
        *("shop", "1", "2", "sqlite", "abababababab")
    ]
    assert main(["schema", "ls", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["table_count"] == 1
    assert main(["schema", "show", "shop"]) == 0
    assert capsys.readouterr().out == DDL
    assert main(["schema", "rm", "shop", "other"]) == 0
    assert capsys.readouterr().out == ""
    assert [asked.name for asked in daemon.asked("DeleteSchema")] == ["shop", "other"]


def test_no_schemas(daemon: StandInDaemon, capsys: Captured) -> None:
    daemon.reply("ListSchemas", pb.ListSchemasResponse())
    assert main(["schema", "list"]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no schema is registered" in captured.err


def test_status(daemon: StandInDaemon, capsys: Captured) -> None:
    model = pb.ModelInfo(name="tiny", quantization="Q4_0", parameter_count=1_500_000)
    daemon.reply(
        "GetStatus",
        pb.GetStatusResponse(
            version="0.1.0",
            ready=True,
            model=model,
            slots=4,
            uptime_s=93784,
            counters={"answers": 2, "refusals": 0},
            last_errors=["engine ended with signal 9"],
        ),
    )
    assert main(["status"]) == 0
    captured = capsys.readouterr()
    assert "ready      yes\n" in captured.out
    assert f"address    {daemon.address}\n" in captured.out
    assert "tiny (" in captured.out and "1.5 million parameters" in captured.out
    assert "uptime     1 d 2 h\n" in captured.out
    assert "answers    2\n" in captured.out
    assert "refusals" not in captured.out
    assert "engine ended with signal 9" in captured.err
    assert main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["is_ready"], status["address"]) == (True, daemon.address)


def test_waiting(daemon: StandInDaemon, capsys: Captured) -> None:
    not_yet, ready = pb.GetStatusResponse(), pb.GetStatusResponse(ready=True)
    daemon.reply("GetStatus", not_yet, not_yet, ready)
    daemon.reply("Translate", sql())
    assert main(["ask", "q", "--schema", "shop", "--wait"]) == 0
    assert capsys.readouterr().out == COUNT + "\n"


def test_ctrl_c_while_the_daemon_works(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", Forever())
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--schema", "shop"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as asking:
        assert daemon.waiting.wait(30)
        asking.send_signal(signal.SIGINT)
        assert asking.communicate(timeout=30) == ("", "")
    assert asking.returncode == 130
    assert daemon.cancelled.wait(10)


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


def test_a_reader_that_goes_away(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql(COUNT, *["SELECT 1;" + " " * 1000] * 100))
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--schema", "shop"]
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(command, stdout=writing, stderr=-1, text=True) as asking:
        os.close(writing)
        assert asking.communicate(timeout=30)[1] == ""
    assert asking.returncode == 1


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


def test_unknown_flags_are_said_beside_the_commands_own(capsys: Captured) -> None:
    for command in (["status"], ["ask", "q", "--schema", "s"], ["schema", "rm", "shop"]):
        with pytest.raises(SystemExit) as caught:
            main([*command, "--nonsense"])
        assert caught.value.code == 2
        error = capsys.readouterr().err
        assert error.startswith(f"usage: sqlstrict {command[0]}")
        assert error.endswith("unrecognized arguments: --nonsense\n")


def test_a_missing_question_is_said_with_what_to_write(capsys: Captured) -> None:
    with pytest.raises(SystemExit):
        main(["ask", "--schema", "shop"])
    assert "give a QUESTION, - to read it from standard input" in capsys.readouterr().err


def test_text_that_is_no_utf8_is_not_quoted(daemon: StandInDaemon, capsys: Captured) -> None:
    assert main(["ask", "bad \udcff", "--schema", "shop"]) == 1
    assert capsys.readouterr() == ("", "sqlstrict: question: it is not UTF-8 text\n")
    assert daemon.requests == []


def test_names_are_looked_for_in_the_list(daemon: StandInDaemon, capsys: Captured) -> None:
    missing = Failure(grpc.StatusCode.NOT_FOUND, "no schema shop", "SCHEMA_NOT_FOUND")
    daemon.reply("GetSchema", missing)
    daemon.reply("DeleteSchema", missing)
    for act in ("show", "rm"):
        assert main(["schema", act, "shop"]) == 1
        assert capsys.readouterr() == (
            "",
            "sqlstrict: no schema shop; `sqlstrict schema list` shows which there are\n",
        )


def test_a_name_that_the_question_says_is_not_called_alike(
    daemon: StandInDaemon, capsys: Captured
) -> None:
    near = [pb.NearestName(name="log", word="Log"), pb.NearestName(name="log.at", word="log")]
    answer = pb.Refusal(reason=pb.REFUSAL_REASON_BUDGET, message="too long", nearest=near)
    daemon.reply("Translate", pb.TranslateResponse(refusal=answer))
    assert main(["ask", "q", "--schema", "shop"]) == 4
    error = capsys.readouterr().err
    assert error == "sqlstrict: no SQL: too long\n    'log' resembles log.at\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a disk that is always full")
def test_a_full_disk_is_said_so(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql())
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--schema", "shop"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=-1, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "sqlstrict: the result cannot be written: No space left on device\n"


def test_closed_standard_streams(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql())
    command = f"{shlex.quote(sys.executable)} -m sqlstrict ask q --schema shop"
    for closed in (">&-", "<&- >&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f"{command} {closed}"], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answered = subprocess.run(["sh", "-c", f"{command} 2>&-"], capture_output=True, timeout=60)
    assert answered.stdout == COUNT.encode() + b"\n"
    refused = subprocess.run(
        ["sh", "-c", f"{command} --address bad 2>&-"], capture_output=True, timeout=60
    )
    assert (refused.returncode, refused.stdout) == (2, b"")


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "convert", "train", "ask", "check", "schema", "status"):
        assert f"\n    {command} " in done.stdout
    assert run("--version").stdout == "sqlstrict 0.1.0\n"
