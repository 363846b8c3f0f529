from __future__ import annotations

import pytest
from sqlstrictd import limits
from sqlstrictd.errors import InvalidRequest, QuestionTooLong, SchemaTooLarge


@pytest.mark.parametrize("question", ["a", "ü" * 2048, "x" * 4096, "how many? 你好 🙂"])
def test_questions_that_keep_the_caps(question: str) -> None:
    limits.check_question(question, "question")


@pytest.mark.parametrize("question", ["x" * 4097, "ü" * 2049])
def test_a_question_is_measured_in_bytes(question: str) -> None:
    with pytest.raises(QuestionTooLong) as caught:
        limits.check_question(question, "question")
    assert caught.value.field == "question"


@pytest.mark.parametrize("question", ["", "   ", "a\0b", "a\nb", "a\x1bb", "a\x7fb", "a\x85b"])
def test_questions_that_are_not_read(question: str) -> None:
    with pytest.raises(InvalidRequest):
        limits.check_question(question, "question")


def test_a_control_character_is_named_with_its_place() -> None:
    with pytest.raises(InvalidRequest, match=r"U\+0007 at character 4"):
        limits.check_question("abc\x07", "question")


def test_ddl_may_have_lines_and_tabs_but_no_zero_byte_and_no_more_than_a_mebibyte() -> None:
    limits.check_ddl("CREATE TABLE t (\n\tid INT\r\n);", "schema.ddl")
    limits.check_ddl("x" * 2**20, "schema.ddl")
    with pytest.raises(SchemaTooLarge):
        limits.check_ddl("x" * (2**20 + 1), "schema.ddl")
    with pytest.raises(InvalidRequest):
        limits.check_ddl("CREATE TABLE t (id\0 INT)", "schema.ddl")


@pytest.mark.parametrize("name", ["a", "9", "shop", "Shop-2.old_x", "x" * 64])
def test_names_that_a_schema_may_have(name: str) -> None:
    limits.check_schema_name(name, "name")


@pytest.mark.parametrize("name", ["", ".", "../x", "-a", "_a", "a b", "ä", "a/b", "x" * 65, "a\n"])
def test_names_that_it_may_not(name: str) -> None:
    with pytest.raises(InvalidRequest):
        limits.check_schema_name(name, "name")


def test_numbers() -> None:
    assert limits.check_token_budget(0, "") == 256
    assert limits.check_token_budget(8, "") == 8
    assert limits.check_token_budget(512, "") == 512
    assert limits.check_alternatives(0, "") == 1
    assert limits.check_alternatives(8, "") == 8
    assert limits.check_temperature(2.0, "") == 2.0


@pytest.mark.parametrize("budget", [-1, 1, 7, 513, 2**31])
def test_budgets_that_are_refused(budget: int) -> None:
    with pytest.raises(InvalidRequest):
        limits.check_token_budget(budget, "max_tokens")


@pytest.mark.parametrize("temperature", [-0.1, 2.1, float("nan"), float("inf"), -float("inf")])
def test_temperatures_that_are_refused(temperature: float) -> None:
    with pytest.raises(InvalidRequest):
        limits.check_temperature(temperature, "temperature")


def test_more_than_eight_statements_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        limits.check_alternatives(9, "n")
