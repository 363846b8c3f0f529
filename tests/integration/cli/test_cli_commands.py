"""`sqlstrict check`, `schema`, `status` and the help, against a stand-in daemon."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import COUNT, DDL, Captured, run
from sqlstrict import requests
from sqlstrict.cli import main
from sqlstrict.cli.policy import KINDS
from sqlstrict.cli.schemas import DIALECTS
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon


def test_dialects_and_kinds_are_those_of_the_contract() -> None:
    assert requests.DIALECTS == DIALECTS == ("sqlite", "ansi", "postgres", "duckdb", "mysql")
    assert requests.STATEMENT_KINDS == KINDS
    assert "other" not in KINDS and KINDS[0] == "select"


def test_check(daemon: StandInDaemon, capsys: Captured) -> None:
    select = pb.STATEMENT_KIND_SELECT
    problem = pb.Problem(
        check="scope", message="no column x", line=1, column=8, nearest=["id", "price"]
    )
    bad = pb.CheckResponse(kind=select, writable=False, problems=[problem])
    good = pb.CheckResponse(
        kind=select, in_scope=True, prepares=True, types=pb.CHECK_RESULT_PASSED, engine="duckdb 1"
    )
    daemon.reply("Check", bad, bad, good)
    assert main(["check", "SELECT x FROM orders", "--schema", "shop"]) == 6
    captured = capsys.readouterr()
    assert captured.out == (
        "valid     no\nkind      select\nin scope  no\nprepares  no\nwritable  no\n"
        "scope: no column x (line 1, column 8); near: id, price\n"
        "    SELECT x FROM orders\n           ^\n"
    )
    assert captured.err == ""
    assert main(["check", "SELECT x FROM orders", "--schema", "shop", "--json"]) == 6
    report = json.loads(capsys.readouterr().out)
    assert report["is_valid"] is False
    assert report["problems"][0]["nearest"] == ["id", "price"]
    assert main(["check", COUNT, "--schema", "shop", "--no-writable"]) == 0
    assert capsys.readouterr().out == (
        "valid     yes\nkind      select\nin scope  yes\ntypes     passed\n"
        "prepares  yes (duckdb 1)\n"
    )
    assert [asked.check_writable for asked in daemon.asked("Check")] == [True, True, False]


def test_check_says_what_is_allowed(daemon: StandInDaemon, capsys: Captured) -> None:
    delete = pb.STATEMENT_KIND_DELETE
    daemon.reply("Check", pb.CheckResponse(kind=delete, in_scope=True, prepares=True))
    flags = ["--schema", "shop", "--allow", "select,delete", "--allow-unfiltered"]
    assert main(["check", "DELETE FROM orders", *flags]) == 0
    assert capsys.readouterr().out == (
        "valid     yes\nkind      delete\nin scope  yes\n"
        "prepares  yes (no engine asked; by scope and groups)\n"
    )
    (asked,) = daemon.asked("Check")
    assert asked.statement_kinds == [pb.STATEMENT_KIND_SELECT, delete]
    assert asked.allow_unfiltered_writes


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
    assert "virtual table left out: found" in captured.err
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
            queued=3,
            queue_limit=16,
            batch_queued=90,
            uptime_s=93784,
            counters={"answers": 2, "refusals": 0},
            last_errors=["engine ended with signal 9"],
            model_state=pb.ModelState(
                origin=pb.MODEL_ORIGIN_CHOSEN,
                name="tiny-Q4_0",
                problem="the file is cut short",
                watch="polling",
            ),
        ),
    )
    assert main(["status"]) == 0
    captured = capsys.readouterr()
    assert "ready      yes\n" in captured.out
    assert f"address    {daemon.address}\n" in captured.out
    assert "tiny (" in captured.out and "1.5 million parameters" in captured.out
    assert "file       tiny-Q4_0, the chosen one of the models folder" in captured.out
    assert "not taken  the file is cut short\n" in captured.out
    assert "loading" not in captured.out
    assert "uptime     1 d 2 h\n" in captured.out
    assert "queue      3 of 16, 90 of batches\n" in captured.out
    assert "answers    2\n" in captured.out
    assert "refusals" not in captured.out
    assert "engine ended with signal 9" in captured.err
    assert main(["status", "--json"]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["is_ready"], status["address"]) == (True, daemon.address)


def test_help_names_every_command() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("serve", "convert", "train", "ask", "check", "schema", "status"):
        assert f"\n    {command} " in done.stdout
    assert run("--version").stdout == "sqlstrict 0.1.0\n"
