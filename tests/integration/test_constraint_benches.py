"""The two benches of the constraint, run as a user runs them, on a handful of questions."""

from __future__ import annotations

import importlib.util
import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from sqlstrictd.schema.ddl import parse_schema

REPOSITORY = Path(__file__).resolve().parents[2]
SHOP = REPOSITORY / "tests" / "fixtures" / "constraint" / "shop.sql"

RENDERED = [
    (
        'select count(*) from customers where city = "Berlin"',
        "SELECT COUNT(*) FROM customers WHERE city = 'Berlin';",
    ),
    (
        "SELECT T1.name FROM customers AS T1 JOIN orders AS T2 ON T1.id = T2.customer_id",
        "SELECT T1.name FROM customers AS T1 JOIN orders AS T2 ON T1.id = T2.customer_id;",
    ),
    (
        "SELECT a.name FROM employees a JOIN employees b ON a.boss_id = b.id WHERE b.name != 'X'",
        "SELECT a.name FROM employees AS a JOIN employees AS b ON a.boss_id = b.id"
        " WHERE b.name <> 'X';",
    ),
    (
        "SELECT DISTINCT (Name) FROM Customers WHERE NOT name LIKE 'A%' ORDER BY since ASC",
        "SELECT DISTINCT name FROM customers WHERE name NOT LIKE 'A%' ORDER BY since ASC;",
    ),
    (
        "SELECT c.name FROM customers c JOIN order_items i JOIN orders o"
        " ON o.customer_id = c.id AND i.order_id = o.id AND i.quantity > 2",
        "SELECT c.name FROM customers AS c JOIN order_items AS i JOIN orders AS o"
        " ON o.customer_id = c.id AND i.order_id = o.id AND i.quantity > 2;",
    ),
    (
        "SELECT status, count(*) AS n FROM orders GROUP BY status ORDER BY n DESC",
        "SELECT status, COUNT(*) AS n FROM orders GROUP BY status ORDER BY n DESC;",
    ),
]


@pytest.fixture(scope="module")
def rendering() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rendering", REPOSITORY / "bench/rendering.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rendering"] = module  # dataclasses look their module up while it is made
    spec.loader.exec_module(module)
    return module


def run_bench(name: str, *arguments: str) -> dict[str, object]:
    command = [sys.executable, str(REPOSITORY / "bench" / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize(("statement", "rendered"), RENDERED)
def test_rendering_keeps_the_meaning(rendering: ModuleType, statement: str, rendered: str) -> None:
    assert rendering.render(statement, parse_schema(SHOP.read_text())) == rendered
    database = sqlite3.connect(":memory:")
    database.executescript(SHOP.read_text())
    database.execute(f"EXPLAIN {rendered}")
    database.close()


def test_rendering_says_what_it_has_no_place_for(rendering: ModuleType) -> None:
    schema = parse_schema(SHOP.read_text())
    with pytest.raises(rendering.CannotRender, match="a table that the schema does not have"):
        rendering.render("SELECT name FROM suppliers", schema)
    with pytest.raises(rendering.CannotRender, match="no table in scope has"):
        rendering.render("SELECT weight FROM customers", schema)


def test_coverage_counts_what_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "shop.sql").write_text(SHOP.read_text())
    questions = [
        ("Which customers live in Berlin?", "SELECT name FROM customers WHERE city = 'Berlin'"),
        ("How many orders has each customer?",
         "SELECT name, count(*) FROM customers c JOIN orders ON c.id = customer_id GROUP BY name"),
        ("Which customers are heavy?", "SELECT name FROM customers WHERE weight > 100"),
        ("All pairs", "SELECT customers.name FROM customers JOIN products"),
    ]  # fmt: skip
    lines = [json.dumps({"schema": "shop", "question": q, "sql": sql}) for q, sql in questions]
    (tmp_path / "questions.jsonl").write_text("\n".join(lines) + "\n")
    result = run_bench(
        "coverage.py",
        *("--schemas", str(tmp_path), "--questions", str(tmp_path / "questions.jsonl")),
    )
    assert (result["total"], result["exact"], result["draft"]) == (4, 3, 3)
    assert (result["linked"], result["answered"]) == (2, 3)  # no key links customers and products
    assert result["executed"] == result["same_rows"] == 3


@pytest.mark.parametrize(
    ("dialect", "gate"),
    [("sqlite", "on"), ("sqlite", "off"), ("postgres", "off"), ("duckdb", "off"), ("mysql", "off")],
)
def test_soundness_counts_what_prepares(
    tmp_path: Path, tiny_gguf: Path, dialect: str, gate: str, request: pytest.FixtureRequest
) -> None:
    engine = "mariadb" if dialect == "mysql" else dialect
    request.getfixturevalue(f"{engine}_engine")  # skips where there is none
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.sql").write_text(SHOP.read_text())
    result = run_bench(
        "soundness.py",
        *("--schemas", str(tmp_path / "one"), "--schemas", str(tmp_path / "two")),
        *("--dialect", dialect, "--gate", gate),
        *("--n", "8", "--seed", "3", "--model", str(tiny_gguf), "--max-tokens", "256"),
    )
    refused = result["refused"]
    assert isinstance(refused, dict) and set(refused) <= {"BUDGET"}
    assert result["n"] == 8
    assert result["returned"] == result["prepared"] == 8 - sum(refused.values()) > 0
    assert result["complaints"] == {}
    assert result["schemas"] == 2
    stages = result["stages"]
    assert isinstance(stages, dict) and sum(stages.values()) == result["returned"]
    assert set(stages) <= ({"draft", "exact"} if gate == "on" else {"exact"})
