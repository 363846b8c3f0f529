"""bench/masks.py on a few statements: it runs, times masks and compiles large schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench" / "masks.py"
DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);"
STATEMENTS = (
    "SELECT id FROM orders WHERE price > 5",
    "SELECT COUNT(*), status FROM orders GROUP BY status",
    "SELECT price FROM orders ORDER BY price DESC LIMIT 3",
)


@pytest.mark.parametrize("grammar", ["draft", "exact", "linked", "again"])
def test_the_masks_of_statements_are_timed(tiny_gguf: Path, tmp_path: Path, grammar: str) -> None:
    (tmp_path / "shop.sql").write_text(DDL)
    rows = [{"schema": "shop", "question": "?", "sql": sql} for sql in STATEMENTS]
    questions = tmp_path / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, str(BENCH), "--model", str(tiny_gguf), "--grammar", grammar]
    command += ["--schemas", str(tmp_path), "--questions", str(questions), "--tables", "30"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert (result["statements"], result["whole"], result["failed"]) == (3, 3, 0)
    assert result["mask_ms"]["n"] > 10
    assert 0 < result["mask_ms"]["p50"] <= result["mask_ms"]["p99"] <= result["mask_ms"]["max"]
    assert result["compile_ms"]["n"] >= 1
    wide = result["tables_30"]
    assert wide["statements"] >= 20
    if grammar != "linked":  # which knows the question alone, and here there is none
        assert wide["whole"] == wide["statements"]
    assert wide["compile_ms"]["max"] > 0
