"""The engine is killed, hangs and is stopped under load; the front and its clients live on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from daemon_process import environment, running_daemon
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

BENCH = Path(__file__).parents[2] / "bench" / "crash.py"
DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);"


@pytest.mark.timeout(600)
def test_fifty_requests_survive_three_deaths_of_the_engine(tiny_gguf: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--model", str(tiny_gguf), "--max-tokens", "96"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["exit_code"] == 0
    assert [played["signal"] for played in result["rounds"]] == ["SIGKILL", "SIGSEGV", "SIGABRT"]
    for played in result["rounds"]:
        outcomes = played["outcomes"]
        assert sum(outcomes.values()) == 50
        lost = outcomes.pop("UNAVAILABLE ENGINE_CRASHED", 0)
        # At most those in slots are lost; everybody else has an answer or a refusal.
        assert lost + played["requeued"] <= played["in_slots"] == 4
        answered = [name for name in outcomes if name == "SQL" or name.startswith("refusal ")]
        assert sorted(outcomes) == sorted(answered)
        assert played["front_failed"] == 0 and played["front_asked"] > 0
        assert played["is_front_same"] and played["is_engine_new"]


def test_an_engine_that_is_stopped_is_found_and_replaced(tmp_path: Path, tiny_gguf: Path) -> None:
    with running_daemon(tmp_path, "--model", str(tiny_gguf)) as daemon:
        request = pb.TranslateRequest(
            question="How many?", schema=pb.SchemaRef(ddl=DDL), temperature=1.0, seed=4
        )
        first = daemon.ask(request)
        engine_pid = daemon.status().engine_pid
        os.kill(engine_pid, signal.SIGSTOP)
        answers: list[pb.TranslateResponse] = []
        asker = threading.Thread(target=lambda: answers.append(daemon.ask(request)))
        asker.start()
        daemon.wait_for_line("did not answer for 10 s: killed")
        asker.join()
        status = daemon.status()
        assert status.engine_pid not in (0, engine_pid)
        assert (status.counters["engine_hangs"], status.counters["requeued"]) == (1, 1)
        assert answers[0].sql.text == first.sql.text
        assert answers[0].refusal.reason == first.refusal.reason
        assert daemon.stop() == 0
