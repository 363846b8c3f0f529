"""The bundled model on real parts: its files, the card's example, and a floor of right answers."""

import json
import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlstrict_convert import convert
from sqlstrict_train.export import LIMIT
from sqlstrict_train.question_set import open_databases, read_question_set, write_question_set
from sqlstrict_train.scoring import run, same_answer
from sqlstrictd.constraint import draft_grammar
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.settings import Settings
from sqlstrictd.engine.wire import Finished, Generate
from sqlstrictd.model.bundled import BUNDLED, BUNDLED_QUANTIZATION
from sqlstrictd.policy import Policy
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render_compact

CARD_TABLE = "Table 'orders' (id, price, status, created_at)"
CARD_QUESTION = "Find the average price of all 'completed' orders."
ORDERS = [(1, 10.0, "completed"), (2, 30.0, "completed"), (3, 90.0, "open"), (4, 7.0, "cancelled")]


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundled") / "model.gguf"
    convert(BUNDLED, path, BUNDLED_QUANTIZATION, compares=False)
    return path


def answer(model: Path, asked: list[tuple[str, str]]) -> list[str]:
    """Ask (schema text, question) pairs as the daemon does; "" for what is no statement."""
    requests = []
    for number, (text, question) in enumerate(asked):
        schema = parse_schema(text)
        prompt = build_prompt(render_compact(schema), question)
        grammar = draft_grammar(schema, schema.dialect, Policy())
        requests.append(
            Generate(
                id=number,
                schema=prompt.schema,
                question=prompt.question,
                grammar_key=grammar.key,
                grammar=grammar.text,
                max_tokens=256,
                temperature=0.0,
                seed=0,
            )
        )
    with Engine(model, Settings(context_tokens=8192)) as engine:
        assert engine.describe().schema_rendering == "compact"
        outputs = [a.outputs[0] for a in engine.generate(requests) if isinstance(a, Finished)]
    assert len(outputs) == len(asked)
    return [output.text if output.finish == "stop" else "" for output in outputs]


def test_the_folder_is_small_and_says_what_it_is() -> None:
    config = json.loads((BUNDLED / "config.json").read_text())
    assert config["architectures"] == ["Lfm2ForCausalLM"]
    assert config["sqlstrict"] == {"schema_rendering": "compact"}
    assert sum(path.stat().st_size for path in BUNDLED.iterdir()) <= LIMIT


def test_the_cards_example_is_answered_rightly(gguf: Path) -> None:
    (sql,) = answer(gguf, [(CARD_TABLE, CARD_QUESTION)])
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE orders (id, price, status, created_at DEFAULT '2024-01-01')")
        database.executemany("INSERT INTO orders (id, price, status) VALUES (?, ?, ?)", ORDERS)
        assert run(database, sql) == [(20.0,)], sql


def test_three_in_ten_questions_of_unseen_domains_are_answered_rightly(
    gguf: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    write_question_set(folder, 60, "eval", seed=7)
    asked = read_question_set(folder)
    texts = {path.stem: path.read_text() for path in (folder / "schemas").iterdir()}
    right = 0
    statements = answer(gguf, [(texts[each.schema], each.question) for each in asked])
    for each, sql in zip(asked, statements, strict=True):
        with ExitStack() as stack:
            databases = open_databases(folder, each.schema)
            for database in databases:
                stack.enter_context(closing(database))
            right += bool(sql) and same_answer(databases, each.sql, sql)
    assert right >= 18, f"{right} of {len(asked)}"
