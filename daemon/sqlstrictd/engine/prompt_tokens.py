"""The prompt's pieces to tokens: control tokens in scaffold, never in the user's text.

The scheduler's preparing thread calls it; the prompt itself is made by `sqlstrictd.prompt`.
"""

from __future__ import annotations

from sqlstrictd.engine.failure import ModelLoadError, RequestFailed
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.prompt import Piece

_CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")
# Blanks where tokenizers like to add, drop or join them, and characters of one to four bytes.
_SAMPLES = (
    "SELECT id",
    " CREATE TABLE t (\n  a INT\n);",
    "two  blanks\tand Größe, 表 😀 ",
    "'é'\n",
)


def check_vocabulary(vocabulary: Vocabulary) -> None:
    """Raise ModelLoadError unless prompts can be written in the model's tokens to the letter.

    Its control tokens are single tokens, and text comes back from its tokens byte by byte: the
    grammar is held against those bytes.
    """
    for text in _CHATML_TOKENS:
        tokens = vocabulary.tokenize(text, parse_special=True)
        if len(tokens) != 1 or tokens[0] not in vocabulary.control_tokens:
            raise ModelLoadError(f"the model has no control token {text}; it is no ChatML chat")
    for text in _SAMPLES:
        tokens = vocabulary.tokenize(text, parse_special=False)
        if b"".join(vocabulary.token_bytes[token] for token in tokens) != text.encode():
            raise ModelLoadError(
                "the model's tokenizer changes the text that it is given, so that what it writes"
                " cannot be held against a grammar"
            )


def tokenize_pieces(vocabulary: Vocabulary, pieces: tuple[Piece, ...]) -> list[int]:
    """Return the tokens of a part of the prompt.

    Raises:
        RequestFailed: CONTROL_TOKEN where the user's text became a control token.
    """
    tokens: list[int] = []
    for piece in pieces:
        piece_tokens = vocabulary.tokenize(piece.text, parse_special=piece.is_scaffold)
        if not piece.is_scaffold and not vocabulary.control_tokens.isdisjoint(piece_tokens):
            raise RequestFailed("CONTROL_TOKEN", "a control token stands in the user's text")
        tokens += piece_tokens
    return tokens
