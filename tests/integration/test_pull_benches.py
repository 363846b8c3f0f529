"""The benches about pulls and broken files run on small numbers, and their figures add up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parents[2] / "bench"


def figures(*arguments: object) -> dict[str, Any]:
    """Run a bench and return its last line."""
    ended = subprocess.run(
        [sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def test_pulls_of_each_form() -> None:
    forms = ("sharded", "adapter-plain", "gguf")
    found = figures(BENCH / "pull.py", "--size", "tiny", "--quantize", "F16", "--forms", *forms)[
        "forms"
    ]
    assert tuple(found) == forms
    assert all(0 < form["peak_memory_mb"] < 1200 for form in found.values())
    assert all(form["pull_s"] > 0 for form in found.values())
    # An adapter costs its base as well, a finished file nothing but itself.
    assert found["adapter-plain"]["fetched_mb"] >= found["sharded"]["fetched_mb"] > 0
    assert found["gguf"]["fetched_mb"] == found["gguf"]["size_mb"]
    assert found["gguf"]["name"] == "model" and "copy" not in found["sharded"]["steps_s"]


def test_damaged_files(tmp_path: Path) -> None:
    found = figures(
        BENCH / "mutations.py", "--gguf", 100, "--loaded", 2, "--checkpoints", 50,
        "--keep", tmp_path / "mutants",
    )  # fmt: skip
    assert {part["mutants"] for part in found.values()} == {100, 2, 50}
    assert not any(part["untyped"] for part in found.values())
    assert not (tmp_path / "mutants").exists()
