"""bench/abstention.py: its arithmetic, and a run of it as a user runs it."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from contract_replies import REFUSAL, SQL
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon

BENCH = Path(__file__).resolve().parents[2] / "bench" / "abstention.py"


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("abstention", BENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["abstention"] = module  # dataclasses look their module up while it is made
    spec.loader.exec_module(module)
    return module


def test_auc_is_how_often_right_is_surer(bench: ModuleType) -> None:
    assert bench.auc([0.9, 0.8], [0.1, 0.2]) == 1.0
    assert bench.auc([0.1], [0.2, 0.3]) == 0.0
    assert bench.auc([0.5], [0.5]) == 0.5
    assert bench.auc([0.5, 0.1], [0.2]) == 0.5
    assert bench.auc([0.0], [bench.REFUSED]) == 1.0


def test_the_curve_keeps_ties(bench: ModuleType) -> None:
    right = [number / 10 for number in range(1, 11)]
    wrong = [0.05, 0.35, 0.35, 2.0]
    points = dict(zip(bench.SHARES_KEPT, bench.curve(right, wrong), strict=True))
    assert points[1.0] == (1.0, 0.25)
    assert points[0.7] == (0.7, 0.75)
    assert points[0.1] == (0.1, 0.75)
    # Nothing tells these apart, so keeping one keeps all.
    assert set(bench.curve([1.0] * 4, [1.0] * 4)) == {(1.0, 0.0)}


def test_it_asks_each_question_of_its_own_schema_and_of_another(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    (folder / "schemas").mkdir(parents=True)
    ddl = {"shop": "CREATE TABLE orders (id INTEGER);", "farm": "CREATE TABLE cows (id INTEGER);"}
    for name, text in {**ddl, "broken": "CREATE TABLE"}.items():
        (folder / "schemas" / f"{name}.sql").write_text(text)
    rows = [{"schema": name, "question": f"how many of {name}?"} for name in (*ddl, "broken")]
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with StandInDaemon(tmp_path / "private" / "s.sock") as daemon:
        daemon.reply("GetStatus", pb.GetStatusResponse(ready=True))
        daemon.reply("Translate", SQL, REFUSAL)
        command = [sys.executable, str(BENCH), "--set", str(folder), "--address", daemon.address]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        asked = daemon.asked("Translate")
    assert "broken.sql left out" in done.stderr
    # Both schemas for each question, its own first.
    assert len(asked) == 4
    for own, other in (asked[:2], asked[2:]):
        assert own.question == other.question
        assert own.schema.ddl == ddl[own.question.split()[-1].rstrip("?")] != other.schema.ddl
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["n_right"], result["n_wrong"]) == (2, 2)
    assert (result["refused_right"], result["refused_wrong"]) == (1, 2)
    # One of two right answers, and no wrong one, was more than a refusal.
    assert result["signals"]["score"]["auc"] == 0.75
    assert len(result["signals"]["score"]["curve"]) == 10
