"""Logits of two models after the same tokens -> what each token's scoring says.

Filled by `comparison_child`, one row of logits at a time, and summed up by `comparison`. Knows no
model and no prompt.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import CheckError

Logits = NDArray[np.float32]


@dataclass(slots=True)
class Measurements:
    """One entry a scored token; `statements` are the model's own, one a prompt, as token ids."""

    surprise: list[float] = field(default_factory=list)  # -ln of the right token's probability
    # Below only where the unquantized model's logits were there to compare with.
    divergence: list[float] = field(default_factory=list)  # KL from the unquantized model, in nats
    agrees: list[bool] = field(default_factory=list)  # both find the same token likeliest
    certainty: list[float] = field(default_factory=list)  # unquantized, of its likeliest token
    statements: list[list[int]] = field(default_factory=list)

    def add_reference(self, logits: Logits, right: int) -> None:
        """Score a token of the unquantized model."""
        self.surprise.append(-float(_log_probabilities(logits)[right]))

    def add(self, logits: Logits, right: int, reference: Logits) -> None:
        """Score a token and hold its logits against the unquantized model's."""
        own, unquantized = _log_probabilities(logits), _log_probabilities(reference)
        probabilities = np.exp(unquantized)
        self.surprise.append(-float(own[right]))
        self.divergence.append(max(0.0, float(probabilities @ (unquantized - own))))
        self.agrees.append(int(own.argmax()) == int(unquantized.argmax()))
        self.certainty.append(float(probabilities.max()))


def _log_probabilities(logits: Logits) -> NDArray[np.float64]:
    values = logits.astype(np.float64)
    values -= values.max()
    values -= np.log(np.exp(values).sum())
    if not np.isfinite(values).all():
        raise CheckError("the model's logits are not finite numbers")
    return values
