"""What the sides of a comparison have in common, and what each answers with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from names_grammar import names_grammar
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Schema


@dataclass(frozen=True, slots=True)
class Setting:
    """What all sides of a comparison have in common."""

    model: Path
    folder: Path
    rendering: str
    threads: int
    slots: int
    max_tokens: int
    context_tokens: int


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its text, the tokens written (an end token counts), and the time they took.

    `seconds` is what the asker waited; `decode_s` of it went by after the first token, by the
    side's own clock. `prompt_tokens` is 0 where the side does not tell.
    """

    seconds: float
    decode_s: float
    text: str
    n_tokens: int
    prompt_tokens: int = 0
    attempts: int = 1


class Schemas:
    """Parsed schemas, their prompt texts and grammars, each made once and outside the times."""

    def __init__(self, ddl: dict[int, str], rendering: str) -> None:
        self.ddl = ddl
        parsed: dict[int, Schema] = {n: parse_schema(text) for n, text in ddl.items()}
        # build_prompt strips the text; the chat endpoint is given it stripped as well.
        self.text = {n: render(one, rendering).strip() for n, one in parsed.items()}  # type: ignore[arg-type]
        self.grammar = {n: names_grammar(one) for n, one in parsed.items()}
