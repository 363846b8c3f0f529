"""An unquantized GGUF file -> its importance matrix: which columns matter most, by tensor.

Called by `checkpoint_conversion` before it quantizes to few bits, and by tools. The work is done in
`importance_child`; here it is started and its result read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.llama.child import watch_child

# Tokens of calibration prompts. The mean of squares settles early: on the bundled model half of its
# entries are within 3 % of what all prompts give after 6,000 tokens, within 2 % after 12,000. A
# count and not a time, so that the weights do not hang on how fast the machine is.
CALIBRATION_TOKENS = 8_000


def measure_importance(
    path: Path,
    out: Path,
    *,
    n_threads: int | None = None,
    n_tokens: int = CALIBRATION_TOKENS,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write the importance matrix of a model to `out` and return of how many matrices it is.

    `on_progress` gets the tokens decoded and their total.

    Raises:
        CheckError: llama.cpp does not compute with the model.
    """
    arguments = (path, out, n_tokens, n_threads or os.cpu_count() or 1)
    return int(watch_child("quantize.importance_child", arguments, on_progress)["n_matrices"])


def write_importance(path: Path, means: dict[str, NDArray[np.float32]]) -> None:
    """Write the mean square of each column by tensor name: an .npz file, without pickles."""
    arrays: dict[str, Any] = dict(means)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def read_importance(path: Path) -> Mapping[str, NDArray[np.float32]]:
    """Return the mean square of each column by tensor name."""
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
