"""A matcher over the 256 bytes, and a model of noise, for tests of grammars without any model."""

from __future__ import annotations

import random

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from sqlstrictd.constraint import FromSet, exact_grammar, skeleton_of_sets
from sqlstrictd.policy import Policy
from sqlstrictd.schema.types import Schema

_END = 256


class Bytes:
    """A vocabulary of the 256 bytes and an end token."""

    eos_token_id = _END
    bos_token_id = None
    tokens = [bytes([value]) for value in range(256)] + [b"</s>"]
    special_token_ids = [_END]

    def __call__(self, text: str | bytes) -> list[int]:
        return list(text.encode() if isinstance(text, str) else text)


TOKENIZER = LLTokenizer(TokenizerWrapper(Bytes()))


class ByteMatcher:
    """A compiled grammar that statements are held against."""

    def __init__(self, text: str, max_items_in_row: int = 20_000) -> None:
        limits = LLParserLimits(max_items_in_row=max_items_in_row)
        self._compiled = LLMatcher(TOKENIZER, text, log_level=0, limits=limits)
        assert not self._compiled.is_error(), self._compiled.get_error()

    @classmethod
    def of(cls, schema: Schema, sets: list[FromSet], dialect: str = "sqlite") -> ByteMatcher:
        """A matcher of the exact grammar over these FROM sets."""
        skeleton = skeleton_of_sets(sets)
        return cls(exact_grammar(schema, skeleton, dialect, Policy(), max_scopes=len(sets)).text)

    def accepts(self, statement: str) -> bool:
        """Whether the statement can be written and is whole at its end."""
        matcher = self._compiled.deep_copy()
        data = list(statement.encode())
        return bool(matcher.try_consume_tokens(data) == len(data) and matcher.is_accepting())

    def write_noise(self, seed: int, limit: int = 4000) -> str | None:
        """Write a statement by bytes drawn at random from those allowed; None for an endless one.

        Each seed has its own taste for bytes, so that rare branches are visited too. A dead end
        is an error.
        """
        draw = random.Random(seed)
        taste = [draw.lognormvariate(0.0, 1.2) for _ in range(256)]
        matcher = self._compiled.deep_copy()
        mask = np.zeros((TOKENIZER.vocab_size + 31) // 32, dtype=np.uint32)
        written = bytearray()
        while not matcher.is_stopped():
            matcher.unsafe_compute_mask_ptr(mask.ctypes.data, mask.nbytes)
            assert not matcher.is_error(), matcher.get_error()
            bits = np.unpackbits(mask.view(np.uint8), bitorder="little")[:256].nonzero()[0]
            if not len(bits):
                break
            allowed = bits.tolist()
            byte = draw.choices(allowed, [taste[value] for value in allowed])[0]
            assert matcher.consume_token(byte)
            written.append(byte)
            if len(written) >= limit:
                return None
        assert matcher.is_accepting(), f"dead end: {written.decode(errors='replace')}"
        return written.decode()
