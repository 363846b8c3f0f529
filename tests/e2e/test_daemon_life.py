"""The daemon as a process: what it answers, keeps and prints, and what stands in its way."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import grpc
import pytest
from daemon_process import (
    DDL,
    Daemon,
    children_of,
    command,
    environment,
    is_running,
    question,
    running_daemon,
    wait_until_gone,
)
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


def run(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(folder, arguments),
        capture_output=True,
        text=True,
        timeout=120,
        env={**environment(), **environ},
        check=False,
    )


@linux
def test_it_answers_and_leaves_nothing_behind(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        assert stat.S_IMODE(daemon.socket_path.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(daemon.socket_path.stat().st_mode) & 0o077 == 0
        response = daemon.ask(question(temperature=1.0, seed=1, max_tokens=512))
        assert response.WhichOneof("outcome")
        assert f"ready on {daemon.address}, model random-tiny" in daemon.text
        children = children_of(daemon.pid)
        assert len(children) >= 2  # The engine and the checker.
        assert daemon.stop() == 0
        wait_until_gone(children)
        assert list(daemon.socket_path.parent.iterdir()) == []
        for path in (tmp_path / "data").rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_the_same_question_alone_has_the_same_answer(tmp_path: Path, tiny_gguf: Path) -> None:
    answers = []
    for _ in range(2):
        with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
            for seed in (1, 2):
                request = question(temperature=1.0, seed=seed, max_tokens=512)
                response = daemon.ask(request)
                answers.append((response.sql.text, response.refusal.reason))
            assert daemon.stop() == 0
    assert answers[:2] == answers[2:]


def test_a_second_daemon_says_who_runs_and_disturbs_nobody(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        before = daemon.socket_path.stat()
        second = run(tmp_path, "--model", str(tiny_gguf))
        assert second.returncode == 78
        (line,) = [line for line in second.stderr.splitlines() if "cannot start" in line]
        assert line == f"sqlstrict: cannot start: already running (pid {daemon.pid})"
        assert daemon.socket_path.stat().st_ino == before.st_ino
        assert daemon.status().ready
        assert daemon.stop() == 0


@linux
def test_after_a_kill_nothing_runs_on_and_the_next_start_works(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        children = children_of(daemon.pid)
        daemon.process.kill()
        daemon.wait()
        wait_until_gone(children)
        assert daemon.socket_path.is_socket()
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        assert "replacing the socket" in daemon.text
        assert daemon.status().ready
        assert daemon.stop() == 0


@pytest.mark.parametrize("kind", ["directory", "file", "link"])
def test_what_stands_at_the_sockets_path_is_kept(
    tmp_path: Path, tiny_gguf: Path, kind: str
) -> None:
    path = tmp_path / "run" / "s.sock"
    path.parent.mkdir(mode=0o700)
    if kind == "directory":
        path.mkdir()
    elif kind == "file":
        path.write_text("precious")
    else:
        path.symlink_to(tmp_path / "elsewhere")
    done = run(tmp_path, "--model", str(tiny_gguf))
    assert done.returncode == 78
    words = {"directory": "a directory", "file": "a file", "link": "a link"}[kind]
    assert f"sqlstrict: cannot start: {path} is {words};" in done.stderr
    assert os.path.lexists(path)
    if kind == "file":
        assert path.read_text() == "precious"


def test_a_folder_that_others_can_enter_is_refused(tmp_path: Path, tiny_gguf: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run").chmod(0o755)
    done = run(tmp_path, "--model", str(tiny_gguf))
    assert done.returncode == 78
    assert "chmod 700" in done.stderr


def test_a_path_that_is_too_long_is_refused(tmp_path: Path, tiny_gguf: Path) -> None:
    address = f"unix://{tmp_path}/{'x' * 120}"
    done = run(tmp_path, "--model", str(tiny_gguf), "--address", address)
    assert done.returncode == 78
    assert "bytes" in done.stderr


def test_usage_errors_are_told_in_one_line(tmp_path: Path) -> None:
    flag = run(tmp_path, "--modle", "x")
    assert (flag.returncode, flag.stdout) == (2, "")
    assert flag.stderr == "sqlstrict: unknown argument '--modle'; did you mean --model?\n"
    variable = run(tmp_path, SQLSTRICT_SLOTZ="3")
    assert variable.returncode == 2
    assert variable.stderr == (
        "sqlstrict: unknown variable SQLSTRICT_SLOTZ; did you mean SQLSTRICT_SLOTS?\n"
    )


@pytest.mark.parametrize("kind", ["missing", "folder", "fifo", "text", "cut", "empty"])
def test_a_model_that_cannot_be_used_is_told(tmp_path: Path, tiny_gguf: Path, kind: str) -> None:
    model = tmp_path / "model.gguf"
    if kind == "folder":
        model.mkdir()
    elif kind == "fifo":
        os.mkfifo(model)
    elif kind == "text":
        model.write_text("no model")
    elif kind == "cut":
        model.write_bytes(tiny_gguf.read_bytes()[:5000])
    elif kind == "empty":
        model.touch()
    done = run(tmp_path, "--model", str(model))
    assert done.returncode == 78, done.stderr
    assert "cannot start: " in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "run").iterdir()) == []


def test_a_socket_that_vanishes_makes_it_ask_for_a_restart(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        daemon.socket_path.unlink()
        assert daemon.wait() == 75
        assert "nobody can reach us" in daemon.text
        assert list(daemon.socket_path.parent.iterdir()) == []


def test_another_socket_at_its_path_is_not_removed(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        daemon.socket_path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(daemon.socket_path))
            assert daemon.wait() == 75
            assert daemon.socket_path.is_socket()


def test_it_serves_where_nobody_reads_its_log(tmp_path: Path, tiny_gguf: Path) -> None:
    with open("/dev/full", "w") as full:
        daemon = Daemon(tmp_path, ["--model", str(tiny_gguf)], stderr=full.fileno())
        try:
            end = time.monotonic() + 60
            while not daemon.socket_path.exists():
                assert time.monotonic() < end
                time.sleep(0.02)
            response = daemon.ask(question(temperature=1.0, seed=1))
            assert response.WhichOneof("outcome")
            assert daemon.stop() == 0
        finally:
            if daemon.process.poll() is None:
                daemon.process.kill()
                daemon.process.wait()


def test_nothing_of_a_request_is_printed_or_kept(tmp_path: Path, tiny_gguf: Path) -> None:
    canary = "canary47"
    ddl = f"CREATE TABLE {canary} (id_{canary} INT, price REAL);"
    with running_daemon(tmp_path, "--model", str(tiny_gguf), "--log-level", "debug") as daemon:
        for seed in range(3):
            schema = pb.SchemaRef(ddl=ddl)
            daemon.ask(
                pb.TranslateRequest(
                    question=f"what of {canary}?",
                    schema=schema,
                    temperature=1.0,
                    seed=seed,
                    max_tokens=64,
                )
            )
        with pytest.raises(grpc.RpcError):
            daemon.ask(
                pb.TranslateRequest(
                    question=canary, schema=pb.SchemaRef(ddl=f"CREATE TABLE {canary} (")
                )
            )
        with pytest.raises(grpc.RpcError):
            daemon.ask(pb.TranslateRequest(question=canary, schema=pb.SchemaRef(name=canary)))
        os.kill(daemon.status().engine_pid, signal.SIGABRT)
        daemon.wait_for_line("the engine ended: SIGABRT")
        assert canary not in str(daemon.status())
        assert daemon.stop() == 0
        assert "code=OK" in daemon.text
        assert canary not in daemon.text
    for path in tmp_path.rglob("*"):
        assert canary not in path.name
        if path.is_file():
            assert canary.encode() not in path.read_bytes()


@linux
def test_registered_schemas_are_there_after_a_restart(tmp_path: Path, tiny_gguf: Path) -> None:
    method = "/sqlstrict.v1.SchemaService/RegisterSchema"
    request = pb.RegisterSchemaRequest(name="shop", ddl=DDL)
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        with daemon.channel() as channel:
            channel.unary_unary(method)(request.SerializeToString(), timeout=60)
        daemon.process.kill()
        daemon.wait()
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        end = time.monotonic() + 60
        while daemon.status().resident_schemas < 1:
            assert time.monotonic() < end
            time.sleep(0.02)
        response = daemon.ask(
            pb.TranslateRequest(
                question="orders?", schema=pb.SchemaRef(name="shop"), temperature=1.0, seed=2
            )
        )
        assert response.usage.cached_tokens > 0
        assert is_running(daemon.pid)
        assert daemon.stop() == 0


def test_a_service_manager_is_told(tmp_path: Path, tiny_gguf: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(100)
        daemon = Daemon(
            tmp_path,
            ["--model", str(tiny_gguf)],
            environ={"NOTIFY_SOCKET": str(tmp_path / "notify")},
        )
        try:
            assert manager.recv(100) == b"READY=1"
            assert daemon.status().ready
            assert daemon.stop() == 0
            assert manager.recv(100) == b"STOPPING=1"
        finally:
            if daemon.process.poll() is None:
                daemon.process.kill()
            daemon.wait()


def test_content_is_logged_only_on_demand_and_with_a_warning(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf), "--log-content") as daemon:
        response = daemon.ask(question("canary47?", temperature=1.0, seed=1))
        assert daemon.stop() == 0
    assert "--log-content: questions and SQL are written to this log" in daemon.text
    assert "canary47?" in daemon.text
    if response.HasField("sql"):
        assert repr(response.sql.text) in daemon.text
