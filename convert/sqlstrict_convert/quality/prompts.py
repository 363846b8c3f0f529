"""Generated text-to-SQL prompts with their statements: for calibration, and held back.

Read by the children of `importance` and `comparison` out of `prompts.jsonl`, which `python -m
sqlstrict_train prompts` writes. The prompt is the daemon's, to the letter; this package may not
import the daemon, so a test holds the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

Part = Literal["calibration", "held back"]
FILE = "prompts.jsonl"
END_OF_TURN = "<|im_end|>"
_SYSTEM = "You are a SQL translation engine. Return ONLY raw SQL. Schema:"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a prompt; control tokens are read in scaffold alone."""

    text: str
    is_scaffold: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt after the tokenizer's BOS, and the statement that answers it."""

    prompt: tuple[Piece, ...]
    statement: str


def read_examples(part: Part, rendering: str) -> Iterator[Example]:
    """Yield a part's examples with the schema in one rendering, one schema after the other.

    All first questions come before all second ones, so that the first few are of many schemas.
    """
    lines = (
        files("sqlstrict_convert.quality").joinpath(FILE).read_text(encoding="utf-8").splitlines()
    )
    entries = [entry for entry in map(json.loads, lines) if entry["part"] == part]
    for turn in range(max(len(entry["asked"]) for entry in entries)):
        for entry in entries:
            if turn < len(entry["asked"]):
                question, statement = entry["asked"][turn]
                yield Example(_prompt(entry[rendering], question), statement)


def _prompt(schema: str, question: str) -> tuple[Piece, ...]:
    return (
        Piece(f"<|im_start|>system\n{_SYSTEM}", is_scaffold=True),
        Piece(f" {schema}", is_scaffold=False),
        Piece(f"{END_OF_TURN}\n<|im_start|>user\n", is_scaffold=True),
        Piece(question, is_scaffold=False),
        Piece(f"{END_OF_TURN}\n<|im_start|>assistant\n", is_scaffold=True),
    )
