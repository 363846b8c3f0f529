"""bench/hostile_models.py on a few dozen mutants: all end typed, and the good model goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from daemon_process import environment

BENCH = Path(__file__).parents[2] / "bench" / "hostile_models.py"


@pytest.mark.timeout(600)
def test_no_broken_model_takes_the_place_of_a_good_one() -> None:
    done = subprocess.run(
        [sys.executable, str(BENCH), "--n", "100", "--engine", "6", "--seed", "7"],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["mutants"] == 100 and result["at_engine"] == 6
    assert set(result["outcomes"]) <= {"FAILED_PRECONDITION MODEL_REJECTED", "taken"}
    assert result["outcomes"]["FAILED_PRECONDITION MODEL_REJECTED"] > 80
    assert (result["untyped"], result["wrong_model_after"], result["internal_errors"]) == (0, 0, 0)
    assert result["is_front_same"]
