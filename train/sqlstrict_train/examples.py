"""Turn drawn questions into rows of tokens with labels on exactly the statement and its end token.

Called by `loop.py` for training and by `evaluate.py` for prompts. One row holds a schema once and
several questions on it: each question with its answer is a block that sees the schema and itself
alone, at the positions that it would have by itself. Tensors are made in `loop.py`; nothing here
needs torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

from sqlstrictd.prompt import END_OF_TURN, Piece, build_prompt, question_pieces
from sqlstrictd.schema.render import render_compact

from sqlstrict_train.questions import Sheet, draw_sheet
from sqlstrict_train.tokenizer import BOS

IGNORED = -100  # cross_entropy's label for "no loss here"


@dataclass(frozen=True)
class Row:
    """Tokens, their labels (the token itself where it is learned), positions and blocks.

    Block 0 is the schema, block n the n-th question; a token sees earlier tokens of block 0 and
    of its own block.
    """

    tokens: list[int]
    labels: list[int]
    positions: list[int]
    blocks: list[int]


def encode(tokenizer: Any, pieces: tuple[Piece, ...]) -> list[int]:
    """Tokenise piece by piece as the engine does; generated text holds no control tokens."""
    batch = tokenizer.encode_batch([piece.text for piece in pieces], add_special_tokens=False)
    return [token for encoding in batch for token in encoding.ids]


def prompt_tokens(tokenizer: Any, schema_text: str, question: str) -> list[int]:
    """The tokens of a whole prompt, BOS first."""
    prompt = build_prompt(schema_text, question)
    return [BOS, *encode(tokenizer, prompt.schema + prompt.question)]


def row_of(tokenizer: Any, schema_text: str, answers: list[tuple[str, str]]) -> Row:
    """Lay out a schema and its (question, statement) pairs in one row.

    The scaffold between schema and question is repeated in every block. Short convolutions look
    back two tokens across the border of blocks, which so falls on that scaffold and not on the
    question.
    """
    system, schema, scaffold = build_prompt(schema_text, "").schema
    pieces = [system, schema]
    for question, sql in answers:
        pieces += [
            scaffold,
            *question_pieces(question),
            Piece(sql, False),
            Piece(END_OF_TURN, True),
        ]
    batch = [
        e.ids for e in tokenizer.encode_batch([p.text for p in pieces], add_special_tokens=False)
    ]
    tokens = [BOS, *batch[0], *batch[1]]
    prefix = len(tokens)
    labels, positions, blocks = [IGNORED] * prefix, list(range(prefix)), [0] * prefix
    for block, start in enumerate(range(2, len(batch), 5), start=1):
        asked = batch[start] + batch[start + 1] + batch[start + 2]
        answered = batch[start + 3] + batch[start + 4]
        tokens += asked + answered
        labels += [IGNORED] * len(asked) + answered
        positions += range(prefix, prefix + len(asked) + len(answered))
        blocks += [block] * (len(asked) + len(answered))
    return Row(tokens, labels, positions, blocks)


def sheet_row(tokenizer: Any, sheet: Sheet) -> Row:
    """The row of a drawn sheet."""
    answers = [(question.text, question.sql) for question in sheet.questions]
    return row_of(tokenizer, render_compact(sheet.spec.schema), answers)


def training_rows(tokenizer: Any, seed: int, count: int, questions: int, longest: int) -> list[Row]:
    """Draw that many training rows of at most `longest` tokens."""
    random = Random(seed)
    rows: list[Row] = []
    while len(rows) < count:
        sheet = draw_sheet(random, "train", questions)
        if not sheet.questions:
            continue
        row = sheet_row(tokenizer, sheet)
        if len(row.tokens) <= longest:
            rows.append(row)
    return rows
