"""The figures of a comparison -> whether the quantized model is good enough to be used.

Called by `checkpoint_conversion`. The bounds are for what went wrong, not for taste: a model within
them answers nearly as its unquantized form does.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlstrict_convert.quality.comparison import Figures


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a quantization must keep to."""

    divergence_mean: float
    divergence_p99: float
    certain_agreement: float


# Measured with bench/quantization.py: the mean divergence of the bundled model is 0.00004 (Q8_0) to
# 0.0025 (Q4_0), its 99th percentile 0.0009 to 0.053; random weights of LFM2.5-350M's shape, in
# which nothing is redundant, come to a mean of 0.11 (Q4_K_M) and 0.15 (Q4_0). The bounds leave room
# above that; a test holds that a model with a broken matrix is outside of them. Agreement is asked
# for on certain tokens alone: where the logits are flat, as with random weights, another token
# becomes the likeliest although nothing of note changed.
BOUNDS = {
    "Q8_0": Bounds(0.02, 0.3, 0.98),
    "Q6_K": Bounds(0.05, 0.6, 0.97),
    "Q5_K_M": Bounds(0.15, 1.0, 0.96),
    "Q4_K_M": Bounds(0.3, 2.0, 0.93),
    "Q4_K_S": Bounds(0.3, 2.0, 0.93),
    "Q4_0": Bounds(0.4, 2.5, 0.92),
}
LEAST_CERTAIN = 50  # tokens: of fewer, one that differs would be too large a share


def find_problems(figures: Figures, quantization: str) -> list[str]:
    """Return what is out of bounds, in words; nothing where all is well."""
    bounds = BOUNDS[quantization]
    problems = []
    if not figures.divergence_mean <= bounds.divergence_mean:
        problems.append(
            f"mean KL divergence {figures.divergence_mean:.3g} a token, at most "
            f"{bounds.divergence_mean:g} are taken"
        )
    if not figures.divergence_p99 <= bounds.divergence_p99:
        problems.append(
            f"99th percentile of the KL divergence {figures.divergence_p99:.3g}, at most "
            f"{bounds.divergence_p99:g} are taken"
        )
    is_telling = figures.n_certain >= LEAST_CERTAIN
    if is_telling and not figures.certain_agreement >= bounds.certain_agreement:
        problems.append(
            f"the same token as the unquantized model in {figures.certain_agreement:.1%} of what "
            f"that one is certain of, at least {bounds.certain_agreement:.0%} are asked for"
        )
    return problems
