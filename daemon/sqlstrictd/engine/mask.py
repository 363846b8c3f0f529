"""The tokens that the grammar allows next, as `matcher.py` has them of llguidance."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

_WORD_BITS = 32


class Mask:
    """Tokens as bits of (ceil(vocabulary size / 32),) words, the lowest bit first."""

    def __init__(self, bits: NDArray[np.uint32]) -> None:
        self.bits = bits
        self.n_allowed = int(np.bitwise_count(bits).sum())

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """The tokens, (n_allowed,), in ascending order; worth it where they are few."""
        words = np.flatnonzero(self.bits)
        bits = np.unpackbits(self.bits[words].view(np.uint8), bitorder="little")
        places = np.flatnonzero(bits)
        tokens: NDArray[np.int64] = words[places // _WORD_BITS] * _WORD_BITS + places % _WORD_BITS
        return tokens
