"""The generator: reproducible, split without overlap, every statement tried on rows."""

import re
import sqlite3
from contextlib import closing
from random import Random

import pytest
from sqlstrict_train.filters import pick
from sqlstrict_train.question_set import open_databases, read_question_set, write_question_set
from sqlstrict_train.questions import Sheet, classes, draw_sheet
from sqlstrict_train.rows import create_statements, fill
from sqlstrict_train.scoring import run, same_answer
from sqlstrict_train.texts import read_sections
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.names import RESERVED_WORDS
from sqlstrictd.schema.render import render_compact

CARD_QUESTION = "Find the average price of all 'completed' orders."
CARD_TABLE = "Table 'orders' (id, price, status, created_at)"


def draw(split: str, count: int = 150, seed: int = 3) -> list[Sheet]:
    random = Random(seed)
    return [draw_sheet(random, split, 5) for _ in range(count)]


@pytest.fixture(scope="module")
def trained_on() -> list[Sheet]:
    return draw("train", 300)


@pytest.fixture(scope="module")
def held_out() -> list[Sheet]:
    return draw("eval", 300)


def test_the_same_seed_draws_the_same_sheets() -> None:
    once, twice = draw("train", 20), draw("train", 20)
    assert [sheet.questions for sheet in once] == [sheet.questions for sheet in twice]
    assert [sheet.spec for sheet in once] == [sheet.spec for sheet in twice]
    assert draw("train", 20, seed=4)[0] != once[0]


def test_the_same_seed_fills_the_same_rows() -> None:
    spec = draw("eval", 1)[0].spec
    with closing(fill(spec, 5).database) as one, closing(fill(spec, 5).database) as two:
        assert list(one.iterdump()) == list(two.iterdump())
    with closing(fill(spec, 5).database) as one, closing(fill(spec, 6).database) as other:
        assert list(one.iterdump()) != list(other.iterdump())


def test_no_domain_is_in_both_splits(trained_on: list[Sheet], held_out: list[Sheet]) -> None:
    trained = {sheet.spec.domain for sheet in trained_on}
    held = {sheet.spec.domain for sheet in held_out}
    assert len(trained) > 30 and len(held) == len(read_sections("domains")["evaluation"])
    assert not trained & held


def test_no_template_is_in_both_splits() -> None:
    for name in ("single", "join", "nested", "filters"):
        for section, lines in read_sections(name).items():
            if section in ("of", "more", "less", "verbs", "superlatives"):
                continue  # words inside a template, not templates
            random = Random(1)
            drawn = {
                split: {pick(random, lines, split) for _ in range(400)}
                for split in ("train", "eval")
            }
            marked = {line.removeprefix("~") for line in lines if line.startswith("~")}
            assert not drawn["train"] & marked, section
            if marked:
                assert drawn["eval"] == marked, section


def test_no_schema_and_no_question_is_in_both_splits(
    trained_on: list[Sheet], held_out: list[Sheet]
) -> None:
    schemas = {render_compact(sheet.spec.schema) for sheet in trained_on}
    assert schemas.isdisjoint(render_compact(sheet.spec.schema) for sheet in held_out)
    questions = {question.text for sheet in trained_on for question in sheet.questions}
    assert questions.isdisjoint(q.text for sheet in held_out for q in sheet.questions)


def test_the_cards_example_is_in_neither_schema_nor_wording(trained_on: list[Sheet]) -> None:
    assert not any(CARD_TABLE in render_compact(sheet.spec.schema) for sheet in trained_on)
    texts = [question.text for sheet in trained_on for question in sheet.questions]
    assert CARD_QUESTION not in texts
    wording = re.compile(r"(?i)find the (average|mean) (?!and ).* of all ")
    joined = [q for s in trained_on for q in s.questions if wording.match(q.text)]
    assert all(" JOIN " in question.sql or " GROUP BY " in question.sql for question in joined)


def test_the_shares_of_the_classes_are_as_promised() -> None:
    found = [classes(q.sql) for sheet in draw("eval", 400) for q in sheet.questions]
    shares = {
        name: sum(name in names for names in found) / len(found)
        for name in ("joined", "grouped", "nested", "sets", "single")
    }
    assert shares["joined"] >= 0.4
    assert shares["grouped"] >= 0.25
    assert shares["nested"] >= 0.15
    assert shares["sets"] > 0 and shares["single"] > 0.1


def test_every_statement_returns_something_on_its_rows(held_out: list[Sheet]) -> None:
    for sheet in held_out[:60]:
        with closing(fill(sheet.spec, sheet.rows_seed).database) as database:
            for question in sheet.questions:
                rows = run(database, question.sql)
                assert rows, question.sql
                assert any(value not in (None, 0) for row in rows for value in row), question.sql


def test_the_ddl_of_a_drawn_schema_is_the_schema(trained_on: list[Sheet]) -> None:
    for sheet in trained_on[:80]:
        drawn = sheet.spec.schema
        parsed = parse_schema("\n".join(create_statements(sheet.spec)))
        assert render_compact(parsed) == render_compact(drawn)
        assert [t.foreign_keys for t in parsed.tables] == [t.foreign_keys for t in drawn.tables]


def test_classes_overlap_and_single_is_the_rest() -> None:
    nested = "SELECT a FROM t WHERE b > (SELECT AVG(b) FROM t);"
    assert classes(nested) == ("nested",)
    joined = "SELECT p.a, COUNT(*) FROM p JOIN c ON p.id = c.p_id GROUP BY p.a;"
    assert classes(joined) == ("joined", "grouped")
    assert classes("SELECT a FROM t UNION SELECT b FROM t;") == ("sets",)
    assert classes("SELECT a FROM t;") == ("single",)


def test_only_names_that_need_quotes_are_quoted() -> None:
    sheets = draw("train", 800, seed=9)
    names = {
        name
        for sheet in sheets
        for question in sheet.questions
        for name in re.findall(r'"(\w+)"', question.sql)
    }
    assert names
    assert {name.upper() for name in names} <= RESERVED_WORDS


def test_a_question_set_can_be_read_and_answers_itself(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:

    folder = tmp_path_factory.mktemp("questions") / "set"
    write_question_set(folder, 23, "eval", seed=2)
    asked = read_question_set(folder)
    assert len(asked) == 23
    for question in asked:
        databases = open_databases(folder, question.schema)
        try:
            assert len(databases) == 3
            assert same_answer(databases, question.sql, question.sql)
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                databases[0].execute("CREATE TABLE x (y)")
        finally:
            for database in databases:
                database.close()
    with pytest.raises(FileExistsError):
        write_question_set(folder, 5, "eval", seed=2)
    with pytest.raises(FileNotFoundError, match="no databases for nothing"):
        open_databases(folder, "nothing")
