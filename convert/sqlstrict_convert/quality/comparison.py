"""An unquantized and a quantized GGUF file of one model -> how differently they answer.

Called by `checkpoint_conversion` after quantizing, and by tools. Both models read the same
held-back prompts, one after the other, each in a child process of its own, so that only one is in
memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sqlstrict_convert.llama.child import watch_child

# A model of 350 million weights reads and answers eight in some 10 seconds on two cores.
PROMPTS = 32
SECONDS = 60.0  # after which the unquantized model begins no further prompts
# A token counts as certain where the unquantized model gives one token more than all others.
CERTAIN = 0.5
ROW_BYTES = 4  # of a stored logit
ANSWERED_TOKENS = 50  # of a right statement, rounded up: for the check of the disk


@dataclass(frozen=True, slots=True)
class Figures:
    """How a quantized model differs from its unquantized form on held-back prompts."""

    n_prompts: int
    n_tokens: int  # of the right statements, scored by both
    unquantized_perplexity: float
    perplexity: float
    divergence_mean: float  # KL divergence from the unquantized model a token, in nats
    divergence_p90: float
    divergence_p99: float
    agreement: float  # share of tokens where both find the same one likeliest
    n_certain: int  # tokens of which the unquantized model was certain
    certain_agreement: float  # agreement on these; 1 where there are none
    same_statements: float  # share of the models' own greedy statements that are equal


def compare(
    unquantized: Path,
    quantized: Path,
    folder: Path,
    *,
    n_threads: int | None = None,
    n_prompts: int = PROMPTS,
    seconds: float = SECONDS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Figures:
    """Let both models read the prompts and return how they differ.

    Up to `needed_bytes` of logits lie in `folder` meanwhile. `on_progress` gets the prompts done by
    both models and their total.

    Raises:
        CheckError: llama.cpp does not compute with one of them.
    """
    logits = folder / "logits.f32"
    logits.unlink(missing_ok=True)
    try:
        reference = read_prompts(
            unquantized,
            logits,
            n_prompts=n_prompts,
            seconds=seconds,
            n_threads=n_threads,
            on_progress=lambda done, total: on_progress(done, 2 * total),
        )
        measured = read_prompts(
            quantized,
            logits,
            n_prompts=len(reference["statements"]),  # as many as the first had time for
            n_threads=n_threads,
            on_progress=lambda done, total: on_progress(
                n_prompts + done * n_prompts // total, 2 * n_prompts
            ),
        )
    finally:
        logits.unlink(missing_ok=True)
    return sum_up(reference, measured)


def read_prompts(
    path: Path,
    logits: Path,
    *,
    n_prompts: int = PROMPTS,
    seconds: float = float("inf"),
    n_threads: int | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, Any]:
    """Let one model read the prompts and return its `Measurements` in JSON.

    The unquantized model comes first and writes the file `logits`; where that stands already, the
    model is compared with it.

    Raises:
        CheckError: llama.cpp does not compute with the model.
    """
    arguments = (path, logits, n_prompts, seconds, n_threads or os.cpu_count() or 1)
    return watch_child("quality.comparison_child", arguments, on_progress)


def needed_bytes(vocab_size: int) -> int:
    """Return how much disk a comparison takes for a while, at most."""
    return PROMPTS * ANSWERED_TOKENS * vocab_size * ROW_BYTES


def sum_up(reference: dict[str, Any], measured: dict[str, Any]) -> Figures:
    """Return the figures of two models' measurements, given as `Measurements` in JSON."""
    divergence = np.array(measured["divergence"])
    agrees = np.array(measured["agrees"])
    is_certain = np.array(measured["certainty"]) > CERTAIN
    pairs = list(zip(reference["statements"], measured["statements"], strict=True))
    return Figures(
        n_prompts=len(pairs),
        n_tokens=len(divergence),
        unquantized_perplexity=float(np.exp(np.mean(reference["surprise"]))),
        perplexity=float(np.exp(np.mean(measured["surprise"]))),
        divergence_mean=float(divergence.mean()),
        divergence_p90=float(np.percentile(divergence, 90)),
        divergence_p99=float(np.percentile(divergence, 99)),
        agreement=float(agrees.mean()),
        n_certain=int(is_certain.sum()),
        certain_agreement=float(agrees[is_certain].mean()) if is_certain.any() else 1.0,
        same_statements=sum(one == other for one, other in pairs) / len(pairs),
    )
