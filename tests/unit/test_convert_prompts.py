"""The converter's prompts: made again by their command, split by schema, as the daemon has them."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
from sqlstrict_convert.quality.prompts import FILE, read_examples
from sqlstrict_train.__main__ import main
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render_compact, render_ddl

PACKAGED = files("sqlstrict_convert.quality").joinpath(FILE).read_text(encoding="utf-8")
ENTRIES = [json.loads(line) for line in PACKAGED.splitlines()]


def test_the_command_writes_the_packaged_file(tmp_path: Path) -> None:
    assert main(["prompts", "--out", str(tmp_path / FILE)]) == 0
    assert (tmp_path / FILE).read_text(encoding="utf-8") == PACKAGED
    assert len(PACKAGED.encode()) < 200_000


def test_no_schema_and_no_question_is_in_both_parts() -> None:
    parts = {
        part: {
            text
            for entry in ENTRIES
            if entry["part"] == part
            for text in (entry["ddl"], *(question for question, _ in entry["asked"]))
        }
        for part in ("calibration", "held back")
    }
    assert len(parts["calibration"]) > 200 and len(parts["held back"]) > 100
    assert not parts["calibration"] & parts["held back"]


@pytest.mark.parametrize("rendering", ["compact", "ddl"])
def test_a_prompt_is_the_daemons(rendering: str) -> None:
    examples = list(read_examples("held back", rendering))
    asked = {
        (sql, build_prompt(entry[rendering], question).text)
        for entry in ENTRIES
        for question, sql in entry["asked"]
    }
    assert len(examples) == 80
    for example in examples:
        text = "".join(piece.text for piece in example.prompt)
        assert (example.statement, text) in asked
    first = ENTRIES[80]
    daemons = build_prompt(first[rendering], first["asked"][0][0])
    assert [(p.text, p.is_scaffold) for p in examples[0].prompt] == [
        (p.text, p.is_scaffold) for p in daemons.schema + daemons.question
    ]


def test_both_renderings_are_of_one_schema_and_the_daemons_own() -> None:
    for entry in ENTRIES:
        schema = parse_schema(entry["ddl"])
        assert render_ddl(schema) == entry["ddl"]
        assert render_compact(schema) == entry["compact"]
