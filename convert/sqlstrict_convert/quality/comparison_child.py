"""The child process that reads held-back prompts with one model and says what it answers.

`python -m sqlstrict_convert.quality.comparison_child MODEL LOGITS PROMPTS SECONDS THREADS`, which
`comparison` alone starts: first for the unquantized model, which writes its logits to the file
LOGITS, then for the quantized one, which finds the file there and says how far its own logits are
off. Prints one JSON object a line: progress in prompts, then the measurements. Standard error is
llama.cpp's log.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from sqlstrict_convert.errors import CheckError
from sqlstrict_convert.gguf_format.metadata import DEFAULT_RENDERING, SCHEMA_RENDERING_KEY
from sqlstrict_convert.llama.child import run_child, say
from sqlstrict_convert.llama.context import (
    Context,
    Tokens,
    example_tokens,
    load_model,
    metadata_text,
)
from sqlstrict_convert.quality.measurements import Measurements
from sqlstrict_convert.quality.prompts import read_examples

GROUP = 8  # prompts that are answered side by side: a step of eight costs little more than of one
PROMPT_TOKENS = 448  # of longer prompts, the end
ANSWER_TOKENS = 96  # of the right statement, scored
STATEMENT_TOKENS = 64  # of the model's own statement
SCRATCH = GROUP  # the sequence on which right statements are scored


class Comparison:
    """One pass over the prompts; `stored` are the unquantized model's logits, to write or read."""

    def __init__(self, bindings: Any, model: Any, n_threads: int, stored: BinaryIO) -> None:
        self._bindings = bindings
        self._model = model
        self._vocab = bindings.llama_model_get_vocab(model)
        self._stored = stored
        self._is_reference = stored.writable()
        self._context = Context(
            bindings,
            model,
            n_cells=GROUP * (PROMPT_TOKENS + STATEMENT_TOKENS) + ANSWER_TOKENS,
            n_sequences=GROUP + 1,
            n_threads=n_threads,
            n_outputs_max=ANSWER_TOKENS + 1,
        )
        self.measured = Measurements()

    def read_group(self, group: list[Tokens]) -> None:
        """Score the right statements of up to GROUP prompts, then let the model write its own."""
        first_tokens = []
        for sequence, tokens in enumerate(group):
            prompt = tokens.prompt[-PROMPT_TOKENS:]
            first_tokens.append(self._score(prompt, tokens.answer[:ANSWER_TOKENS], sequence))
        lengths = [min(len(tokens.prompt), PROMPT_TOKENS) for tokens in group]
        self.measured.statements += self._write_statements(first_tokens, lengths)

    def _score(self, prompt: list[int], answer: list[int], sequence: int) -> int:
        """Keep the state after the prompt in a sequence of its own; return its likeliest token."""
        context = self._context
        rows = [(token, at, sequence, at == len(prompt) - 1) for at, token in enumerate(prompt)]
        context.decode(rows, is_fresh=sequence == 0)
        logits = context.logits(len(prompt) - 1)
        likeliest = int(logits.argmax())
        self._compare(logits, answer[0])
        if len(answer) > 1:
            context.fork(sequence, SCRATCH)
            # The last token has nothing behind it to score.
            context.decode(
                [(token, len(prompt) + i, SCRATCH, True) for i, token in enumerate(answer[:-1])]
            )
            for i, token in enumerate(answer[1:]):
                self._compare(context.logits(i), token)
            context.forget(SCRATCH)
        return likeliest

    def _compare(self, logits: NDArray[np.float32], right: int) -> None:
        if self._is_reference:
            self._stored.write(logits.astype(np.float32).tobytes())
            self.measured.add_reference(logits, right)
            return
        raw = self._stored.read(4 * logits.size)
        if len(raw) != 4 * logits.size:
            raise CheckError("the logits of the unquantized model end too early")
        self.measured.add(logits, right, np.frombuffer(raw, np.float32))

    def _write_statements(self, tokens: list[int], positions: list[int]) -> list[list[int]]:
        """Greedily write up to STATEMENT_TOKENS tokens after each prompt of the group."""
        statements: list[list[int]] = [[] for _ in tokens]
        latest = dict(enumerate(tokens))
        for step in range(STATEMENT_TOKENS):
            latest = {
                sequence: token
                for sequence, token in latest.items()
                if not self._bindings.llama_vocab_is_eog(self._vocab, token)
            }
            if not latest:
                break
            for sequence, token in latest.items():
                statements[sequence].append(token)
            if step == STATEMENT_TOKENS - 1:
                break
            self._context.decode(
                [
                    (token, positions[sequence] + step, sequence, True)
                    for sequence, token in latest.items()
                ]
            )
            latest = {
                sequence: int(self._context.logits(row).argmax())
                for row, sequence in enumerate(latest)
            }
        return statements

    def close(self) -> None:
        """Free the context."""
        self._context.close()


def measure(
    bindings: Any,
    path: str,
    logits: Path,
    n_prompts: int,
    seconds: float,
    n_threads: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measurements:
    """Read up to `n_prompts` held-back prompts, and no further group once `seconds` are over.

    Raises:
        CheckError: llama.cpp does not load or decode, or computes what is no number.
    """
    model = load_model(bindings, path)
    try:
        rendering = metadata_text(bindings, model, SCHEMA_RENDERING_KEY) or DEFAULT_RENDERING
        examples = iter(list(islice(read_examples("held back", rendering), n_prompts)))
        with logits.open("rb" if logits.exists() else "wb") as stored:
            comparison = Comparison(bindings, model, n_threads, stored)
            try:
                start_s, done = time.monotonic(), 0
                while group := list(islice(examples, GROUP)):
                    comparison.read_group(
                        [example_tokens(bindings, model, example) for example in group]
                    )
                    done += len(group)
                    on_progress(done, n_prompts)
                    if time.monotonic() - start_s > seconds:
                        break
                return comparison.measured
            finally:
                comparison.close()
    finally:
        bindings.llama_model_free(model)


def main(bindings: Any, arguments: list[str]) -> None:
    """Measure as the arguments say and print what came of it."""
    path, logits, n_prompts, seconds, n_threads = arguments
    measured = measure(
        bindings,
        path,
        Path(logits),
        int(n_prompts),
        float(seconds),
        int(n_threads),
        lambda done, total: say(done=done, total=total),
    )
    say(**asdict(measured))


if __name__ == "__main__":
    sys.exit(run_child(main))
