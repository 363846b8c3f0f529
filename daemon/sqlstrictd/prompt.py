"""The model card's ChatML prompt, in pieces: what is scaffold, and what is the user's text.

`translate.py` builds it and the engine tokenises it piece by piece: control tokens are parsed in
scaffold only, so no schema and no question can hold one. `train/` writes its examples with the same
function. The blank before the schema belongs to the user's piece: cut before the blank, " CREATE"
stays one token, as it was in training.
"""

from __future__ import annotations

from dataclasses import dataclass

SYSTEM = "You are a SQL translation engine. Return ONLY raw SQL. Schema:"
END_OF_TURN = "<|im_end|>"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the prompt. Control tokens are parsed in scaffold, never in the user's text."""

    text: str
    is_scaffold: bool


@dataclass(frozen=True, slots=True)
class Prompt:
    """The prompt after the tokenizer's BOS, cut where it begins to depend on the question.

    `schema` is what stays resident in the model's state; its tokens never change with the
    question, since it ends with scaffold. `question` follows it.
    """

    schema: tuple[Piece, ...]
    question: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The prompt as one string, without BOS."""
        return "".join(piece.text for piece in self.schema + self.question)


def build_prompt(schema_text: str, question: str) -> Prompt:
    """Build the prompt for a rendered schema and a question; both lose their outer blanks."""
    return Prompt(schema=schema_pieces(schema_text), question=question_pieces(question))


def schema_pieces(schema_text: str) -> tuple[Piece, ...]:
    """Build the part of the prompt that depends on the schema alone."""
    return (
        Piece(f"<|im_start|>system\n{SYSTEM}", is_scaffold=True),
        Piece(f" {schema_text.strip()}", is_scaffold=False),
        Piece(f"{END_OF_TURN}\n<|im_start|>user\n", is_scaffold=True),
    )


def beginning_pieces(beginning: str) -> tuple[Piece, ...]:
    """Build the prompt's part after the schema for a question of which only the beginning is known.

    It ends before the last blank: what is typed next may make another word of the last one.
    """
    known = beginning.strip() if beginning[-1:].isspace() else beginning.strip().rpartition(" ")[0]
    return (Piece(known.rstrip(), is_scaffold=False),) if known.strip() else ()


def question_pieces(question: str) -> tuple[Piece, ...]:
    """Build the part of the prompt that follows the schema."""
    return (
        Piece(question.strip(), is_scaffold=False),
        Piece(f"{END_OF_TURN}\n<|im_start|>assistant\n", is_scaffold=True),
    )
