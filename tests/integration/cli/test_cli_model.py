"""`sqlstrict model`: what goes to a daemon that runs, and what a program does on the folder."""

from __future__ import annotations

import json
import os
from pathlib import Path

import gguf_bytes
import grpc
import pytest
from command_line import run
from sqlstrict_convert.models.folder import ModelsFolder
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import Failure, StandInDaemon

USED = pb.UseModelResponse(
    model=pb.ModelInfo(
        name="a model",
        sha256="ab" * 32,
        architecture="lfm2",
        quantization="Q4_K_M",
        parameter_count=354_000_000,
        context_tokens=2048,
    ),
    state=pb.ModelState(origin=pb.MODEL_ORIGIN_CHOSEN, name="first"),
)


@pytest.fixture
def folder(tmp_path: Path) -> ModelsFolder:
    found = ModelsFolder(tmp_path / "data" / "models")
    found.path.mkdir(parents=True)
    for name in ("first", "second"):
        found.file_of(name).write_bytes(gguf_bytes.small_gguf())
    return found


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    nowhere = f"unix://{tmp_path}/nowhere/s.sock"
    return {
        **os.environ,
        "SQLSTRICT_DATA_DIR": str(tmp_path / "data"),
        "SQLSTRICT_ADDRESS": nowhere,
    }


def test_a_daemon_takes_the_model(daemon: StandInDaemon, folder: ModelsFolder) -> None:
    daemon.reply("UseModel", USED)
    ended = run("model", "use", "first")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("first answers now: a model (lfm2, Q4_K_M, 354.0 million")
    assert [request.name for request in daemon.asked("UseModel")] == ["first"]
    assert folder.chosen() is None  # writing it is the daemon's business

    answer = json.loads(run("model", "use", "first", "--json").stdout)
    assert answer["state"]["name"] == "first" and answer["model"]["sha256"] == "ab" * 32


@pytest.mark.parametrize(
    ("code", "reason", "told"),
    [
        (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_REJECTED", "the model before goes on"),
        (grpc.StatusCode.NOT_FOUND, "MODEL_NOT_FOUND", "`sqlstrict model list` shows"),
    ],
)
def test_a_daemon_that_does_not(
    daemon: StandInDaemon, code: grpc.StatusCode, reason: str, told: str
) -> None:
    daemon.reply("UseModel", Failure(code, "it is cut off", reason))
    ended = run("model", "use", "first")
    assert ended.returncode == 1
    assert ended.stderr.startswith("sqlstrict: it is cut off; ") and told in ended.stderr


def test_a_name_that_cannot_be_one_is_wrong_usage(daemon: StandInDaemon) -> None:
    wrong = Failure(grpc.StatusCode.INVALID_ARGUMENT, "no model's name", "INVALID_FIELD", "name")
    daemon.reply("UseModel", wrong)
    ended = run("model", "use", "a/b", "--json")
    assert ended.returncode == 2 and ended.stdout == ""
    error = json.loads(ended.stderr)["error"]
    assert (error["reason"], error["field"]) == ("INVALID_FIELD", "name")


def test_without_a_daemon_the_choice_is_written(
    folder: ModelsFolder, environ: dict[str, str]
) -> None:
    ended = run("model", "use", "second", env=environ)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == "second is chosen; the daemon takes it when it starts\n"
    assert folder.chosen() == "second"
    assert run("model", "use", "absent", env=environ).returncode == 1
    assert run("model", "use", "../second", env=environ).returncode == 2
    assert folder.chosen() == "second"


def test_a_data_folder_of_its_own(
    folder: ModelsFolder, environ: dict[str, str], tmp_path: Path
) -> None:
    del environ["SQLSTRICT_DATA_DIR"]
    environ["HOME"] = str(tmp_path)
    given = ("--data-dir", str(tmp_path / "data"), "--json")
    ended = run("model", "use", "first", *given, env=environ)
    assert json.loads(ended.stdout) == {"chosen": "first", "path": str(folder.file_of("first"))}
    listed = run("model", "list", *given, env=environ)
    assert [json.loads(line)["name"] for line in listed.stdout.splitlines()] == ["first", "second"]


def test_the_other_commands_are_a_program_s(environ: dict[str, str], folder: ModelsFolder) -> None:
    assert run("model", "rm", "first", env=environ).stdout == "removed first, 0.0 MB\n"
    usage = run("model", "pull", env=environ)
    assert usage.returncode == 2 and usage.stderr.startswith("usage: sqlstrict model pull")
    told = run("model", "--help", env=environ)
    assert told.returncode == 0
    for act in ("pull", "list", "show", "rm", "use", "verify"):
        assert f"    {act} " in told.stdout
    assert "unix:///PATH" in run("model", "use", "--help", env=environ).stdout
