"""What a model's file says of itself: whether the engine could use it, before one is started.

`file.py` asks before it hashes a file, `service/models.py` for its list. It finds what is cut
off, broken in its tables, or no ChatML model; whether llama.cpp takes the rest, the engine says.
"""

from __future__ import annotations

import os
from pathlib import Path

from sqlstrict_convert.gguf_format.header import GgufError, GgufHeader, read_open_header

from sqlstrictd.errors import ModelUnusable

CHATML_TOKENS = ("<|im_start|>", "<|im_end|>")
# They turn text into vectors, or into text only by way of an encoder, or are parts of models.
NOT_FOR_TEXT = frozenset(
    "bert modern-bert nomic-bert nomic-bert-moe neo-bert jina-bert-v2 jina-bert-v3 eurobert"
    " t5 t5encoder gemma-embedding llama-embed wavtokenizer-dec clip mmproj adapter".split()
)
MAX_LAYERS = 512  # llama.cpp's own limit
# llama.cpp ends the process over some vocabularies of theirs.
TOKENIZERS_OF_ENCODERS = ("bert", "t5", "none", "no_vocab", None)


def check_header(path: Path) -> GgufHeader:
    """Return the header of a file that the engine might be able to use. Raises ModelUnusable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ModelUnusable(f"the model {path} cannot be read: {error.strerror}") from error
    try:
        return check_open_header(descriptor, path)
    finally:
        os.close(descriptor)


def check_open_header(descriptor: int, path: Path) -> GgufHeader:
    """Return the header of an open file, whatever stands at its path. Raises ModelUnusable."""
    try:
        header = read_open_header(descriptor, path.name)
    except GgufError as error:
        raise ModelUnusable(f"the model cannot be used: {error}") from error
    except OSError as error:
        raise ModelUnusable(f"the model {path} cannot be read: {error.strerror}") from error
    problem = _problem(header)
    if problem:
        raise ModelUnusable(f"the model {path.name} cannot be used: {problem}")
    return header


def _problem(header: GgufHeader) -> str:
    if header.part_count > 1:
        return f"it is one of {header.part_count} parts; merge them with llama-gguf-split --merge"
    if not header.architecture:
        return "it names no architecture"
    if header.architecture in NOT_FOR_TEXT or header.text("general.type") not in (None, "model"):
        return f"it is of the kind {header.architecture}, which writes no text"
    if header.text("tokenizer.ggml.model") in TOKENIZERS_OF_ENCODERS:
        return "its tokenizer is of the kind that encoders have, and changes the text"
    tokens = header.metadata.get("tokenizer.ggml.tokens")
    if not isinstance(tokens, tuple) or not all(isinstance(token, str) for token in tokens):
        return "it has no vocabulary"
    missing = [token for token in CHATML_TOKENS if token not in tokens]
    if missing:
        return f"it has no token {missing[0]}; only chat models of the ChatML kind are used"
    # llama.cpp ends the process over these. It reads a token up to its first NUL, and gives those
    # that are empty then a name.
    texts = {token.partition("\0")[0] or str(index) for index, token in enumerate(tokens)}
    if len(texts) != len(tokens):
        return "a token stands twice in its vocabulary"
    n_layers = header.metadata.get(f"{header.architecture}.block_count")
    if not isinstance(n_layers, int) or not 0 < n_layers <= MAX_LAYERS:
        return f"it says that it has {n_layers} layers"
    return ""
