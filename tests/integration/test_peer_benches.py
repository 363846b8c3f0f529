"""bench/peers.py and bench/engine.py on a tiny model: they run; their questions can be answered."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import llama_cpp
import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture
def bench_modules(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(BENCH))
    yield


def run(script: str, *arguments: str) -> tuple[dict[str, Any], str]:
    command = [sys.executable, str(BENCH / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1]), done.stdout


def test_the_peers_are_compared_without_llama_server(tiny_gguf: Path, tmp_path: Path) -> None:
    out, plot = tmp_path / "peers.json", tmp_path / "peers.svg"
    result, printed = run(
        "peers.py",
        *("--model", str(tiny_gguf), "--quick", "--tokens", "8", "--threads", "1"),
        *("--out", str(out), "--plot", str(plot)),
    )
    assert result["tables"] == 5
    for name in ("warm_ratio", "warm_ratio_no_grammar", "warm_ratio_python", "cold_ratio"):
        assert result[name] > 0
    assert result["warm_ratio"] == result["warm_ratio_python"]  # the one peer with a grammar
    assert result["clients8_ratio"] is None  # not asked for in a quick run
    report = json.loads(out.read_text())
    assert report["summary"] == result
    sides = {"sqlstrict", "llama-cpp-python", "llama-cpp-python-free"}
    assert set(report["settings"]["sides"]) == sides
    assert set(report["seconds_raw"]) == {"cold 5", "warm 5", "2 clients"}
    assert all(set(times) == sides for times in report["seconds_raw"].values())
    assert 1 < report["tokens"]["llama-cpp-python"] <= 9
    assert "warm 5" in printed
    assert plot.read_text().startswith("<svg") and plot.read_text().count("<rect") >= 9


def test_every_part_of_the_engine_is_measured(tiny_gguf: Path) -> None:
    result, _ = run(
        "engine.py", "--model", str(tiny_gguf), "--rounds", "1", "--depth", "64", "--threads", "1"
    )
    times = result["ms"]
    for name in ("copy", "own_loop_token", "tokens_8", "sequences_8", "fork", "save", "restore"):
        assert times[name] > 0
    for name in ("compile", "mask", "choose", "question", "written_token", "prefill_token"):
        assert times[name] > 0
    assert result["bandwidth_gb_s"] > 0
    assert result["one_token_of_own_loop"] > 0
    assert result["tokens"] > 1


def test_a_server_that_is_not_there_is_refused(tiny_gguf: Path) -> None:
    command = [sys.executable, str(BENCH / "peers.py"), "--model", str(tiny_gguf), "--quick"]
    command += ["--llama-server", str(tiny_gguf.parent / "no-such-program")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no program" in done.stderr


@pytest.mark.parametrize("n_tables", [5, 15, 40])
def test_the_statements_of_the_questions_prepare(bench_modules: None, n_tables: int) -> None:
    from peer_questions import questions, schema_of
    from rendering import render
    from sqlstrictd.schema.ddl import parse_schema
    from sqlstrictd.schema.render import create_statements

    schema = parse_schema(schema_of(n_tables))
    assert len(schema.tables) == n_tables
    asked = list(questions())
    assert len({one.question for one in asked}) == len(asked) > 300
    with sqlite3.connect(":memory:") as database:
        for statement in create_statements(schema):
            database.execute(statement)
        for one in asked:
            database.execute(f"EXPLAIN {one.sql}")
            assert render(one.sql, schema) == one.sql
    database.close()


def test_the_grammar_of_names_is_one_that_llama_cpp_takes(bench_modules: None) -> None:
    from names_grammar import names_grammar, one_of
    from peer_questions import schema_of
    from sqlstrictd.schema.ddl import parse_schema

    assert one_of(["id", "iso", "name", "names"]) == '"i" ("d" | "so") | "name" ("s")?'
    text = names_grammar(parse_schema(schema_of(40)))
    assert llama_cpp.LlamaGrammar.from_string(text, verbose=False) is not None


def test_times_are_compared_at_equal_token_counts(bench_modules: None) -> None:
    from peer_results import equal_seconds
    from peer_setting import Reply

    ours = Reply(1.0, 0.8, "SELECT 1;", 21)
    assert equal_seconds(Reply(3.0, 2.0, "SELECT 2;", 41), ours) == pytest.approx(2.0)
    assert equal_seconds(Reply(3.0, 2.0, "SELECT 1;", 22), ours) == 3.0
    assert equal_seconds(Reply(3.0, 0.0, "", 1), ours) == 3.0


def test_what_is_planted_has_one_successor_for_each_two_tokens(
    bench_modules: None, tokenizer_json: str
) -> None:
    from peer_questions import Asked
    from planted_model import plantable

    clear = Asked(101, "How many? This is case 1.", "SELECT 1;")
    twice = Asked(1, "How many? This is case 1.", "SELECT a, b, a, c FROM t;")
    unclear = [one.asked for one in plantable(tokenizer_json, [clear, twice])]
    assert unclear == []
    known = list(plantable(tokenizer_json, [Asked(1, "How many? Case 1.", "SELECT 2;")]))
    assert len(known) == 1
    assert len(known[0].keys) == len(known[0].next_tokens) == len(set(known[0].keys))
