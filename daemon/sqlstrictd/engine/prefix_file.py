"""A schema's state as a file: the header of our own, and what must hold before a byte is believed.

    magic, format, number of tokens, bytes of state | identity | tokens | state | SHA-256 of it all

All numbers are little-endian. The identity is a digest of what the state depends on besides its
tokens: the model's file, llama.cpp's build, the context's parameters. A reader names the identity
and the tokens that it wants, and gets the state of exactly those or nothing: the tokens are
compared one by one, and the checksum is held against every byte. Nothing of llama.cpp here; which
folder, who may write there and how much is `prefix_folder.py`'s to know.
"""

from __future__ import annotations

import hashlib
import os
import struct

import numpy as np

from sqlstrictd.engine.sequence_state import State

MAGIC = b"sqlstrP\n"
FORMAT = 1
_HEAD = struct.Struct("<8sIIQ32s")
_DIGEST_BYTES = 32

Tokens = tuple[int, ...]


class Refused(Exception):
    """The file is not the state of these tokens: it is damaged, foreign, old, or no such file."""


def file_name(identity: bytes, tokens: Tokens) -> str:
    """Return the name of the file for these tokens; it tells nothing of them."""
    return hashlib.sha256(identity + _packed(tokens)).hexdigest() + ".prefix"


def file_bytes(tokens: Tokens, state: State) -> int:
    """Return how long the file of a state is."""
    return _HEAD.size + 4 * len(tokens) + state.size + _DIGEST_BYTES


def write(descriptor: int, identity: bytes, tokens: Tokens, state: State) -> None:
    """Write the whole file at the descriptor's position. Raises OSError."""
    packed = _packed(tokens)
    head = _HEAD.pack(MAGIC, FORMAT, len(tokens), state.size, identity)
    digest = hashlib.sha256(head + packed)
    digest.update(state.data)
    for part in (memoryview(head + packed), state.data, memoryview(digest.digest())):
        while part.nbytes:
            part = part[os.write(descriptor, part) :]


def read(descriptor: int, size: int, identity: bytes, tokens: Tokens) -> State:
    """Return the state in a file of `size` bytes, if it is that of these tokens.

    It is in memory of our own before it is checked, so that nobody can change it after.

    Raises:
        Refused: it is not.
        OSError: it could not be read.
    """
    packed = _packed(tokens)
    head = _read_exactly(descriptor, _HEAD.size + len(packed)).tobytes()
    magic, format_, n_tokens, n_state_bytes, found_identity = _HEAD.unpack_from(head)
    if magic != MAGIC or format_ != FORMAT:
        raise Refused("it has another format")
    if found_identity != identity:
        raise Refused("it is of another model, build or setting")
    if n_tokens != len(tokens) or head[_HEAD.size :] != packed:
        raise Refused("it is of other tokens")
    if size != len(head) + n_state_bytes + _DIGEST_BYTES:
        raise Refused("it is cut short or too long")
    state = _read_exactly(descriptor, n_state_bytes)
    digest = hashlib.sha256(head)
    digest.update(state.data)
    if _read_exactly(descriptor, _DIGEST_BYTES).tobytes() != digest.digest():
        raise Refused("its checksum does not fit")
    return state


def _packed(tokens: Tokens) -> bytes:
    return np.asarray(tokens, dtype="<i4").tobytes()


def _read_exactly(descriptor: int, n_bytes: int) -> State:
    data = np.empty(n_bytes, dtype=np.uint8)
    rest = data.data
    while rest.nbytes:
        n_read = os.readv(descriptor, [rest])
        if not n_read:
            raise Refused("it is cut short")
        rest = rest[n_read:]
    return data
