"""`sqlstrict ask --stream` and `--batch`: progress, and many questions."""

from __future__ import annotations

import json
from pathlib import Path

from command_line import COUNT, Captured, refusal, run, sql
from sqlstrict.cli import main
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon


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
