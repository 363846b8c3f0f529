"""What the command says, and how it exits, where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import grpc
import pytest
from command_line import DDL, Captured
from sqlstrict.cli import main
from stand_in_daemon import Failure, Forever, StandInDaemon


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
        ["ask", "", "--schema", "s"],
        ["ask", " \n", "\t", "--schema", "s"],
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
        ["ask", "q", "--schema", "s", "--allow", "drop_table"],
        ["ask", "q", "--schema", "s", "--allow", "other"],
        ["ask", "q", "--schema", "s", "--allow", "select,"],
        ["ask", "q", "--schema", "s", "--min-confidence", "1.5"],
        ["check", "SELECT 1", "--schema", "s", "--allow", "everything"],
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
