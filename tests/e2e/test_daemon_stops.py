"""The daemon as a process that is told to stop: by signals, with and without grace."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import grpc
import pytest
from daemon_process import (
    Daemon,
    children_of,
    question,
    running_daemon,
    wait_until_busy,
    wait_until_gone,
)
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

linux = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")


@linux
def test_a_stop_while_the_model_loads_leaves_nothing_behind(
    tmp_path: Path, tiny_gguf: Path
) -> None:
    for delay_s in (0.0, 0.1, 0.2, 0.4):
        daemon = Daemon(tmp_path, ["--model", str(tiny_gguf)])
        daemon.wait_for_line("loading")
        time.sleep(delay_s)
        children = children_of(daemon.pid)
        assert daemon.stop() == 0, daemon.text
        wait_until_gone(children)
        assert "Traceback" not in daemon.text
        assert list(daemon.socket_path.parent.iterdir()) == []


def test_questions_that_run_end_before_it_stops(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf), "--grace", "60") as daemon:
        with daemon.channel() as channel:
            call = channel.unary_unary("/sqlstrict.v1.TranslationService/Translate")
            request = question(temperature=1.0, n=8, max_tokens=512, seed=5)
            future = call.future(request.SerializeToString(), timeout=100)
            while not daemon.status().slots_busy and not future.done():
                time.sleep(0.01)
            assert daemon.stop() == 0
            response = pb.TranslateResponse.FromString(future.result())
    assert response.WhichOneof("outcome")


def test_without_grace_running_questions_are_told(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf), "--grace", "0") as daemon:
        # A stopped engine ends none of them before they are looked at.
        os.kill(daemon.status().engine_pid, signal.SIGSTOP)
        with daemon.channel() as channel:
            call = channel.unary_unary("/sqlstrict.v1.TranslationService/Translate")
            futures = [
                call.future(
                    question(
                        f"orders {n}", temperature=1.0, n=8, max_tokens=512
                    ).SerializeToString(),
                    timeout=100,
                )
                for n in range(12)
            ]
            wait_until_busy(daemon, 4)
            assert daemon.stop() == 0
            codes = {future.code() for future in futures}
    assert grpc.StatusCode.UNAVAILABLE in codes
    assert codes <= {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.OK}


def test_a_second_signal_ends_what_still_runs(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf), "--grace", "3600") as daemon:
        # A stopped engine never ends its questions.
        os.kill(daemon.status().engine_pid, signal.SIGSTOP)
        with daemon.channel() as channel:
            call = channel.unary_unary("/sqlstrict.v1.TranslationService/Translate")
            future = call.future(question().SerializeToString(), timeout=100)
            wait_until_busy(daemon, 1)
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait_for_line("stopping: running questions have 3600 s")
            assert daemon.process.poll() is None
            assert daemon.stop() == 0
            assert future.code() == grpc.StatusCode.UNAVAILABLE


def test_ctrl_c_lets_running_questions_end(tmp_path: Path, tiny_gguf: Path) -> None:
    # Ctrl-C reaches every process of the terminal's group: the engine and the workers too.
    arguments = ["--model", str(tiny_gguf), "--grace", "60"]
    daemon = Daemon(tmp_path, arguments, own_group=True)
    try:
        daemon.wait_for_line("ready on")
        with daemon.channel() as channel:
            call = channel.unary_unary("/sqlstrict.v1.TranslationService/Translate")
            request = question(temperature=1.0, n=8, max_tokens=512, seed=5)
            future = call.future(request.SerializeToString(), timeout=100)
            while not daemon.status().slots_busy and not future.done():
                time.sleep(0.01)
            os.killpg(daemon.pid, signal.SIGINT)
            response = pb.TranslateResponse.FromString(future.result())
        assert response.WhichOneof("outcome")
        assert daemon.wait() == 0
        assert "Traceback" not in daemon.text
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
        daemon.wait()
