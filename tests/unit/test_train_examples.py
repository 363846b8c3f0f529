"""Rows of tokens: labels on exactly the statement and its end, every block as if it were alone."""

import json
from random import Random

import pytest
from sqlstrict_train.examples import IGNORED, Row, prompt_tokens, row_of, training_rows
from sqlstrict_train.merges import learn_merges
from sqlstrict_train.questions import draw_sheet
from sqlstrict_train.tokenizer import BOS, END, SPECIAL, train_tokenizer, write_tokenizer
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.render import render_compact
from tokenizers import Tokenizer

SCHEMA = "Table 'boats' (id, name, length)\nTable 'trips' (id, boat_id, day)"
ANSWERS = [
    ("How many boats are there?", "SELECT COUNT(*) FROM boats;"),
    ("Names of 'long' boats", "SELECT name FROM boats WHERE length > 9;"),
]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    content = train_tokenizer(seed=2, size=900, sheets=60)
    return Tokenizer.from_str(json.dumps(content))


@pytest.fixture(scope="module")
def row(tokenizer: Tokenizer) -> Row:
    return row_of(tokenizer, SCHEMA, ANSWERS)


def test_labels_are_the_statements_and_their_end_tokens(tokenizer: Tokenizer, row: Row) -> None:
    for block, (_, sql) in enumerate(ANSWERS, 1):
        learned = [
            label
            for label, owner in zip(row.labels, row.blocks, strict=True)
            if owner == block and label != IGNORED
        ]
        assert learned[-1] == END and END not in learned[:-1]
        assert tokenizer.decode(learned, skip_special_tokens=False) == sql + SPECIAL[END]
    for token, label in zip(row.tokens, row.labels, strict=True):
        assert label in (IGNORED, token)
    assert all(
        label == IGNORED for label, block in zip(row.labels, row.blocks, strict=True) if block == 0
    )


def test_a_block_behind_the_schema_is_the_whole_prompt(tokenizer: Tokenizer, row: Row) -> None:
    for block, (question, sql) in enumerate(ANSWERS, 1):
        seen = [
            (position, token)
            for position, token, owner in zip(row.positions, row.tokens, row.blocks, strict=True)
            if owner in (0, block)
        ]
        assert [position for position, _ in seen] == list(range(len(seen)))
        tokens = [token for _, token in seen]
        asked = prompt_tokens(tokenizer, SCHEMA, question)
        assert tokens[: len(asked)] == asked
        text = build_prompt(SCHEMA, question).text + sql + SPECIAL[END]
        assert tokenizer.decode(tokens, skip_special_tokens=False) == SPECIAL[BOS] + text


def test_pieces_are_cut_as_the_whole_text_is(tokenizer: Tokenizer) -> None:
    random = Random(8)
    for _ in range(40):
        sheet = draw_sheet(random, "train", 2)
        schema = render_compact(sheet.spec.schema)
        for question in sheet.questions:
            whole = tokenizer.encode(build_prompt(schema, question.text).text)
            assert prompt_tokens(tokenizer, schema, question.text) == whole.ids


def test_a_name_has_the_same_tokens_wherever_it_stands(tokenizer: Tokenizer) -> None:
    name = tokenizer.encode("balances", add_special_tokens=False).ids
    singular = tokenizer.encode("balance", add_special_tokens=False).ids
    assert name == [*singular, *tokenizer.encode("s", add_special_tokens=False).ids]
    for text in ("(balances", ".balances", " balances", "'balances", '"balances'):
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        assert ids[-len(name) :] == name, text


def test_any_text_survives_the_tokenizer(tokenizer: Tokenizer) -> None:
    for text in (
        "naïve Ünïcode 名前",
        "tab\tand\r\nlines",
        "SELECT  'it''s';",
        "x" * 50,
        "12345.67",
    ):
        assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_merges_never_end_in_s() -> None:
    merges = learn_merges({"boats": 9, "boat": 9, "status": 9, "boatId": 9}, room=40)
    made = [left + right for left, right in merges]
    assert "boat" in made
    assert not any(text.endswith("s") or "tI" in text for text in made)


def test_the_same_seed_trains_the_same_tokenizer() -> None:
    assert train_tokenizer(2, 700, 20) == train_tokenizer(2, 700, 20)


def test_the_tokenizer_files_hold_the_chat_template(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(train_tokenizer(2, 600, 5), folder)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    assert (config["bos_token"], config["eos_token"]) == ("<|startoftext|>", "<|im_end|>")
    assert "<|im_start|>" in config["chat_template"]
    content = json.loads((folder / "tokenizer.json").read_text())
    assert [token["content"] for token in content["added_tokens"]] == list(SPECIAL)
    assert content["model"]["ignore_merges"] is True


def test_training_rows_are_short_enough_and_reproducible(tokenizer: Tokenizer) -> None:
    rows = training_rows(tokenizer, 4, 12, 4, 500)
    assert rows == training_rows(tokenizer, 4, 12, 4, 500)
    assert all(len(row.tokens) <= 500 for row in rows)
