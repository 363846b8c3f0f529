"""Logits of the tokens that may come next to one of them: greedy, or at a temperature with a seed.

Also how sure the model was of it among those tokens. `masked` makes them of logits of the whole
vocabulary, in vectorised numpy: a bitmask is spread over the logits by table, 8 tokens a row (25 µs
for 65,536 tokens, where boolean indexing takes 240). Those of few tokens come from `head.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.llama import Logits
from sqlstrictd.engine.mask import Mask

_BITS = np.unpackbits(
    np.arange(256, dtype=np.uint8)[:, np.newaxis], axis=1, bitorder="little"
)  # (256, 8): row b is the bits of byte b, lowest first
_BIAS = np.where(_BITS == 1, np.float32(0), np.float32(-np.inf))


@dataclass(frozen=True, slots=True)
class Candidates:
    """Tokens that may come next and their logits, both (n,), in ascending order of the tokens.

    Where `tokens` is None, n is the vocabulary's size, and what may not come next is at -inf.
    """

    logits: Logits
    tokens: NDArray[np.int64] | None = None


def masked(logits: Logits, mask: Mask) -> Candidates:
    """Return the candidates of (vocabulary size,) logits."""
    bias = np.take(_BIAS, mask.bits.view(np.uint8), axis=0, mode="clip")
    candidates: Logits = bias.reshape(-1)[: logits.shape[0]]
    candidates += logits
    return Candidates(candidates)


@dataclass(frozen=True, slots=True)
class Choice:
    """A token, and its log-probability under the model among the candidates."""

    token: int
    log_probability: float


class Sampler:
    """Chooses tokens for one statement; its numbers depend on seed and alternative alone."""

    def __init__(self, temperature: float, seed: int, alternative: int) -> None:
        self._temperature = temperature
        self._random = np.random.default_rng((seed, alternative))

    @property
    def is_greedy(self) -> bool:
        """Whether it chooses the likeliest token, and draws nothing."""
        return self._temperature == 0

    def choose(self, candidates: Candidates, drawn: int | None = None) -> Choice:
        """Choose one of the candidates; `drawn`, one of them, was chosen already, if given.

        Raises:
            RequestFailed: DECODE_FAILED where the logits are not numbers.
        """
        logits, tokens = candidates.logits, candidates.tokens
        best = int(logits.argmax())
        top = float(logits[best])
        if not np.isfinite(top):
            raise RequestFailed("DECODE_FAILED", "the model's output is not a number")
        if drawn is not None:
            place = drawn if tokens is None else int(np.searchsorted(tokens, drawn))
        else:
            place = self._draw(logits, top) if self._temperature > 0 else best
        total = float(np.exp(logits - np.float32(top)).sum())
        return Choice(
            token=place if tokens is None else int(tokens[place]),
            log_probability=float(logits[place]) - top - float(np.log(total)),
        )

    def _draw(self, logits: Logits, top: float) -> int:
        """Draw from the softmax at the temperature; what is at -inf has probability 0."""
        scaled = (logits - np.float32(top)).astype(np.float64) / self._temperature
        cumulative = np.exp(scaled, out=scaled).cumsum()
        drawn = int(np.searchsorted(cumulative, self._random.random() * cumulative[-1], "right"))
        # A draw at the very end of the scale may fall behind the last token that has weight.
        drawn = min(drawn, logits.size - 1)
        return drawn if np.isfinite(logits[drawn]) else int(logits.argmax())
