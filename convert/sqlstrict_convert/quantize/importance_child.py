"""The child process that measures which columns of a model's matrices matter.

`python -m sqlstrict_convert.quantize.importance_child MODEL OUT.npz TOKENS THREADS`, which
`importance` alone starts. Decodes calibration prompts with their statements and sums, for every
matrix in a block, the squares of what each of its columns is multiplied with. Prints one JSON
object a line: progress in tokens, or an error. Standard error is llama.cpp's log.

Source: the definition and the counts are those of llama.cpp's imatrix tool.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import CheckError, ConvertError
from sqlstrict_convert.gguf_format.metadata import DEFAULT_RENDERING, SCHEMA_RENDERING_KEY
from sqlstrict_convert.llama.child import run_child, say
from sqlstrict_convert.llama.context import (
    BATCH_TOKENS,
    Context,
    example_tokens,
    load_model,
    metadata_text,
)
from sqlstrict_convert.quality.prompts import read_examples
from sqlstrict_convert.quantize.ggml_tensor import F32, Tensor, TensorReader
from sqlstrict_convert.quantize.importance import write_importance

LEAST_ROWS = 16  # as the imatrix tool has it: shorter batches are not representative
IN_BLOCKS = b"blk."


class Sums:
    """Sums of squares by matrix, fed by llama.cpp's evaluation callback."""

    def __init__(self, bindings: Any) -> None:
        self._tensors = TensorReader(bindings)
        self.squares: dict[str, NDArray[np.float64]] = {}
        self.n_rows: dict[str, int] = {}
        self.problem: Exception | None = None
        # llama.cpp keeps the pointer as long as the context lives.
        self.callback = bindings.ggml_backend_sched_eval_callback(self._observe)

    def _observe(self, pointer: int, asks: bool, user_data: object) -> bool:
        """Say which nodes are wanted (`asks`), then add up those that come; False stops."""
        try:
            found = self._tensors.product_sources(pointer)
            is_wanted = found is not None and _is_wanted(*found)
            if asks or not is_wanted or found is None:
                return is_wanted or not asks
            weights, activations = found
            self._add(weights.name.decode(), self._tensors.values(activations))
            return True
        except Exception as error:  # it cannot pass through C: kept for the caller of decode
            self.problem = error
            return False

    def _add(self, name: str, rows: NDArray[np.float32]) -> None:
        squares = np.square(rows, dtype=np.float64).sum(axis=0)
        self.squares[name] = self.squares.get(name, 0) + squares
        self.n_rows[name] = self.n_rows.get(name, 0) + len(rows)

    def means(self) -> dict[str, NDArray[np.float32]]:
        """Return the mean square of each column by matrix.

        Raises:
            CheckError: nothing was measured, or what was is not finite.
        """
        means = {
            name: (squares / self.n_rows[name]).astype(np.float32)
            for name, squares in self.squares.items()
        }
        if not means:
            raise CheckError("llama.cpp multiplied no matrix of the model")
        for name, values in means.items():
            if not np.isfinite(values).all():
                raise CheckError(f"{name} is multiplied with numbers that are not finite")
        return means


def _is_wanted(weights: Tensor, activations: int) -> bool:
    multiplied = Tensor.from_address(activations)
    is_measured = multiplied.type == F32 and multiplied.ne[1] >= LEAST_ROWS
    return is_measured and bool(weights.name.startswith(IN_BLOCKS))


def measure(
    bindings: Any,
    path: str,
    n_tokens: int,
    n_threads: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, NDArray[np.float32]]:
    """Return each block matrix's mean squares over calibration prompts of about `n_tokens`.

    Raises:
        CheckError: llama.cpp does not load or decode, or no prompt fits the model.
    """
    model = load_model(bindings, path)
    try:
        sums = Sums(bindings)
        context = Context(
            bindings,
            model,
            n_cells=BATCH_TOKENS,
            n_sequences=1,
            n_threads=n_threads,
            cb_eval=sums.callback,
            embeddings=True,  # leaves out the output head, which is not measured
        )
        try:
            rendering = metadata_text(bindings, model, SCHEMA_RENDERING_KEY) or DEFAULT_RENDERING
            done = 0
            for example in read_examples("calibration", rendering):
                tokens = example_tokens(bindings, model, example)
                # The end of a prompt that is too long is what is written like all others.
                read = (tokens.prompt + tokens.answer)[-BATCH_TOKENS:]
                # An output of every row, or the last layer would compute one alone.
                context.decode(
                    [(token, at, 0, True) for at, token in enumerate(read)], is_fresh=True
                )
                if sums.problem is not None:
                    raise ConvertError(f"measuring stopped: {sums.problem}") from sums.problem
                done += len(read)
                on_progress(min(done, n_tokens), n_tokens)
                if done >= n_tokens:
                    break
            on_progress(n_tokens, n_tokens)
            return sums.means()
        finally:
            context.close()
    finally:
        bindings.llama_model_free(model)


def main(bindings: Any, arguments: list[str]) -> None:
    """Measure as the arguments say and write the means by name."""
    path, out, n_tokens, n_threads = arguments
    means = measure(
        bindings,
        path,
        int(n_tokens),
        int(n_threads),
        lambda done, total: say(done=done, total=total),
    )
    write_importance(Path(out), means)
    say(n_matrices=len(means))


if __name__ == "__main__":
    sys.exit(run_child(main))
