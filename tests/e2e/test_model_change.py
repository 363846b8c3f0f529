"""The model of a running daemon is changed, by name and by its file; nobody's question fails."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import grpc
import pytest
import sqlstrict
from daemon_process import children_of, environment, is_running, running_daemon
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrict_proto.v1 import sqlstrict_pb2_grpc as stubs

BENCH = Path(__file__).parents[2] / "bench"
DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);"


@pytest.fixture
def models(tmp_path: Path, tiny_gguf: Path, make_model: ModuleType) -> Path:
    """A models folder with "first" (chosen) and "second"."""
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    shutil.copyfile(tiny_gguf, folder / "first.gguf")
    # Beside the first model its tokenizer is kept, so that it need not be trained again.
    other = make_model.make_model("tiny", tiny_gguf.with_name("second.gguf"), seed=1)
    shutil.copyfile(other, folder / "second.gguf")
    (folder / "chosen").write_text("first\n")
    return folder


def until(condition: Callable[[], object]) -> None:
    """Wait for what comes true however slow the machine is."""
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def written_by(client: sqlstrict.Client) -> str:
    """The digest of the model that writes an answer now."""
    for seed in range(50):
        answer = client.translate("How many?", ddl=DDL, temperature=1.0, seed=seed, timeout_s=250)
        if answer.certificate is not None:
            return answer.certificate.model.partition("@")[2]
    raise AssertionError("fifty questions, and nothing but refusals")


def replace_file(target: Path, content: bytes) -> None:
    temporary = target.with_name(f".{target.name}.tmp")
    temporary.write_bytes(content)
    os.replace(temporary, target)


def problem_of(client: sqlstrict.Client) -> str:
    return client.model().state.problem


def test_a_model_is_chosen_by_name_and_stays_chosen(tmp_path: Path, models: Path) -> None:
    second = sha256(models / "second.gguf")
    with running_daemon(tmp_path) as daemon, sqlstrict.Client(daemon.address) as client:
        assert client.model().state.name == "first"
        used = client.use_model("second")
        assert used.model is not None and used.model.sha256 == second
        assert written_by(client) == second
        assert [(one.name, one.is_chosen, one.is_serving) for one in client.models()] == [
            ("first", False, False),
            ("second", True, True),
        ]
        with pytest.raises(sqlstrict.NotFound):
            client.use_model("third")
    with running_daemon(tmp_path) as daemon, sqlstrict.Client(daemon.address) as client:
        assert client.model().state == used.state
        assert client.status().model_state.origin == "chosen"


def test_a_file_that_is_replaced_is_taken_and_a_broken_one_is_not(
    tmp_path: Path, models: Path
) -> None:
    path = models / "first.gguf"
    first, second = path.read_bytes(), (models / "second.gguf").read_bytes()
    with running_daemon(tmp_path) as daemon, sqlstrict.Client(daemon.address) as client:
        replace_file(path, second)
        until(lambda: client.status().counters["model_swaps"] == 1)
        assert written_by(client) == sha256(path)
        good = sha256(path)

        replace_file(path, first[: len(first) // 2])
        until(lambda: "cut off" in problem_of(client))
        path.write_bytes(b"no model")
        until(lambda: "not a GGUF file" in problem_of(client))
        path.unlink()
        until(lambda: "cannot be read" in problem_of(client))
        # Whatever stands at the path, an engine that is lost starts again on the same model.
        engine_pid = client.status().engine_pid
        os.kill(engine_pid, signal.SIGKILL)
        until(lambda: client.status().engine_pid not in (0, engine_pid))
        assert written_by(client) == good

        path.write_bytes(first)
        until(lambda: client.status().counters["model_swaps"] == 2)
        assert written_by(client) == sha256(path)
        assert problem_of(client) == ""
        assert client.status().model_state.watch == "events and polling"


def test_a_model_given_by_flag_is_followed_and_fixed(
    tmp_path: Path, models: Path, tiny_gguf: Path
) -> None:
    own = tmp_path / "own" / "model.gguf"
    own.parent.mkdir()
    shutil.copyfile(tiny_gguf, own)
    with (
        running_daemon(tmp_path, "--model", str(own)) as daemon,
        sqlstrict.Client(daemon.address) as client,
    ):
        with pytest.raises(sqlstrict.ModelNotUsed) as caught:
            client.use_model("second")
        assert caught.value.reason == "MODEL_FIXED"
        replace_file(own, (models / "second.gguf").read_bytes())
        until(lambda: client.status().counters["model_swaps"] == 1)
        assert written_by(client) == sha256(own)
        assert client.model().state.origin == "flag"


def test_without_a_choice_the_bundled_model_answers(tmp_path: Path, models: Path) -> None:
    (models / "chosen").unlink()
    with running_daemon(tmp_path) as daemon, sqlstrict.Client(daemon.address) as client:
        bundled = client.model()
        assert bundled.state.origin == "bundled" and bundled.model is not None
        assert client.use_model("second").state.origin == "chosen"
        # Nothing is chosen any more, as after `model rm --force` of the chosen one.
        (models / "chosen").unlink()
        until(lambda: client.model().state.origin == "bundled")
        assert client.model().model == bundled.model
        assert [one.name for one in client.models() if one.is_serving] == [bundled.state.name]


def test_a_chosen_model_that_is_gone_or_broken_is_told_and_the_bundled_one_answers(
    tmp_path: Path, models: Path
) -> None:
    path = models / "first.gguf"
    good = path.read_bytes()
    begin = read_header(path).data_offset
    no_numbers = good[:begin] + b"\xff" * (len(good) - begin)
    for content, why in ((None, "first.gguf"), (no_numbers, "weights may be broken")):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with running_daemon(tmp_path) as daemon, sqlstrict.Client(daemon.address) as client:
            assert client.model().state.origin == "bundled"
            until(lambda client=client, why=why: why in problem_of(client))
            assert client.translate("How many orders?", ddl=DDL, timeout_s=250).sql
            replace_file(path, good)
            until(lambda client=client: client.model().state.name == "first")
            assert written_by(client) == sha256(path) and problem_of(client) == ""


def test_a_stop_in_the_middle_of_a_change_leaves_nothing_behind(
    tmp_path: Path, models: Path
) -> None:
    with running_daemon(tmp_path) as daemon:
        with daemon.channel() as channel:
            stub = stubs.ModelServiceStub(channel)
            call = stub.UseModel.future(pb.UseModelRequest(name="second"), timeout=250)
            daemon.wait_for_line("loading the model second")
            engines = children_of(daemon.pid)
            assert daemon.stop() == 0
            # Either way it ended with a typed answer.
            try:
                assert call.result().state.name == "second"
            except grpc.RpcError as error:
                assert error.code() in (grpc.StatusCode.ABORTED, grpc.StatusCode.UNAVAILABLE)
        until(lambda: not any(map(is_running, engines)))


@pytest.mark.timeout(600)
def test_questions_go_on_while_the_model_changes_again_and_again(
    models: Path,
) -> None:
    files = [str(models / "first.gguf"), str(models / "second.gguf")]
    done = subprocess.run(
        [sys.executable, str(BENCH / "swap.py"), "--swaps", "6", "--clients", "4"]
        + ["--models", *files],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["sent"] == result["answered"] > 6
    assert (result["failed"], result["of_wrong_model"], result["engine_crashes"]) == (0, 0, 0)
    assert result["judged"] >= result["swaps_counted"] == 6
    assert result["exit_code"] == 0 and result["problem"] == ""
