"""Schemas that outlive the daemon and its engine: read once, and after that taken from a file."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest
from daemon_process import Daemon, running_daemon, wait_until_gone
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrict_proto.v1 import sqlstrict_pb2_grpc as stubs

DDL = "CREATE TABLE canarytable (id INTEGER PRIMARY KEY, price REAL, status TEXT);"


def register(daemon: Daemon) -> None:
    with daemon.channel() as channel:
        stubs.SchemaServiceStub(channel).RegisterSchema(
            pb.RegisterSchemaRequest(name="shop", ddl=DDL), timeout=60
        )


def wait_until_counted(daemon: Daemon, name: str, n_times: int = 1) -> None:
    """Wait until the daemon has counted something; fails where it never does."""
    end = time.monotonic() + 100
    while (n_counted := daemon.status().counters[name]) < n_times:
        assert time.monotonic() < end, f"{name} is {n_counted}\n{daemon.text}"
        time.sleep(0.02)


def ask(daemon: Daemon) -> pb.TranslateResponse:
    request = pb.TranslateRequest(
        question="How many?", schema=pb.SchemaRef(name="shop"), max_tokens=64
    )
    return daemon.ask(request)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
def test_a_schema_is_read_once_however_often_what_read_it_is_killed(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    folder = tmp_path / "cache" / "prefixes"
    flags = ("--model", str(tiny_gguf), "--cache-dir", str(tmp_path / "cache"))
    with running_daemon(tmp_path, *flags) as daemon:
        register(daemon)
        wait_until_counted(daemon, "prefixes_kept")
        engine = daemon.status().engine_pid
        daemon.process.kill()
        daemon.wait()
        wait_until_gone([engine])
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert "canary" not in file.name

    with running_daemon(tmp_path, *flags) as daemon:
        wait_until_counted(daemon, "prefixes_restored")
        answer = ask(daemon)
        assert 0 < answer.usage.cached_tokens < answer.usage.prompt_tokens
        os.kill(daemon.status().engine_pid, signal.SIGKILL)
        wait_until_counted(daemon, "prefixes_restored", 2)
        assert ask(daemon).usage.cached_tokens >= answer.usage.cached_tokens
        counters = daemon.status().counters
        assert (counters["prefixes_kept"], counters["prefix_files_refused"]) == (0, 0)
        assert "canary" not in daemon.text
        assert daemon.stop() == 0

    file.write_bytes(file.read_bytes()[:-1])
    with running_daemon(tmp_path, *flags) as daemon:
        assert ask(daemon).WhichOneof("outcome")
        wait_until_counted(daemon, "prefixes_kept")
        assert daemon.status().counters["prefix_files_refused"] == 1
        assert daemon.stop() == 0


def test_without_room_for_it_nothing_is_kept(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf), "--prefix-cache-mb", "0") as daemon:
        register(daemon)
        assert ask(daemon).WhichOneof("outcome")
        counters = daemon.status().counters
        assert counters["prefixes_kept"] == counters["prefix_file_errors"] == 0
        assert daemon.stop() == 0
    assert not list(tmp_path.rglob("prefixes"))
