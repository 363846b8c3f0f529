"""A model's tokens: text to tokens, tokens to bytes, and which of them are control tokens.

`llama.py` makes it with the library and the pointer. It is read only, so that any thread may
tokenise while another decodes.
"""

from __future__ import annotations

import ctypes
from typing import Any

from sqlstrictd.engine.failure import ModelLoadError

_PIECE_BYTES = 1024


class Vocabulary:
    """The tokens of a model. `pointer` is llama.cpp's, and valid as long as the model."""

    def __init__(self, library: Any, pointer: Any) -> None:
        self._llama = library
        self.pointer = int(pointer)
        self.size = int(library.llama_vocab_n_tokens(pointer))
        self.bos = int(library.llama_vocab_bos(pointer))
        self.eos = int(library.llama_vocab_eos(pointer))
        adds_bos = self.bos >= 0 and library.llama_vocab_get_add_bos(pointer)
        # What a prompt begins with; some models were trained without a begin-of-text token.
        self.beginning: tuple[int, ...] = (self.bos,) if adds_bos else ()
        self.tokenize_pointer = ctypes.cast(library._lib.llama_tokenize, ctypes.c_void_p).value
        attributes = [library.llama_vocab_get_attr(pointer, token) for token in range(self.size)]
        self.token_bytes = [self._bytes_of(token) for token in range(self.size)]
        self.control_tokens = frozenset(
            token
            for token, attribute in enumerate(attributes)
            if attribute & library.LLAMA_TOKEN_ATTR_CONTROL
            or (
                attribute & library.LLAMA_TOKEN_ATTR_USER_DEFINED
                and self.token_bytes[token].startswith(b"<|")
                and self.token_bytes[token].endswith(b"|>")
            )
        )
        if self.eos < 0:
            raise ModelLoadError("the vocabulary has no end-of-text token")

    def _bytes_of(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(_PIECE_BYTES)
        length = self._llama.llama_token_to_piece(
            self.pointer, token, buffer, _PIECE_BYTES, 0, True
        )
        if length < 0:
            raise ModelLoadError(f"token {token} has {-length} bytes; the limit is {_PIECE_BYTES}")
        return buffer.raw[:length]

    def tokenize(self, text: str, parse_special: bool) -> list[int]:
        """Return the tokens of a text, control tokens parsed or not; none are added."""
        data = text.encode()
        capacity = len(data) + 2
        tokens = (ctypes.c_int32 * capacity)()
        count = self._llama.llama_tokenize(
            self.pointer, data, len(data), tokens, capacity, False, parse_special
        )
        if count < 0:
            raise ValueError(f"{len(data)} bytes of text became {-count} tokens")
        return list(tokens[:count])
