"""What each part of the engine costs, each beside its limit, measured in the same run.

    python bench/engine.py [--model FILE.gguf] [--rounds N] [--depth N] [--threads N]

Decode: 1, 2, 4 and 8 tokens of one sequence in a batch, and one token of 1, 2, 4 and 8 sequences,
all at the same depth. Its limits: the time to read all weights once at the bandwidth of a copy with
as many threads, and llama.cpp's own greedy loop without a grammar and without numpy. Then prefill,
fork, a sequence saved and restored by llama.cpp's own functions, masks, choosing, compiling. Last,
whole statements through the scheduler, by the token. Rounds are interleaved; medians are printed,
times in milliseconds. Without --model it takes the planted one (planted_model.py), which writes
statements as a real one does. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from own_loop import OwnLoop, some_tokens
from peer_questions import Asked, questions, schema_of
from planted_model import plant_model
from sqlstrictd.constraint import Grammar, draft_grammar
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.llama import Context, Model
from sqlstrictd.engine.matcher import Grammars
from sqlstrictd.engine.sampling import Sampler, masked
from sqlstrictd.engine.settings import Settings, physical_cores
from sqlstrictd.engine.token_batch import Part
from sqlstrictd.engine.wire import Finished, Generate
from sqlstrictd.policy import Policy
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render

WIDTHS = (1, 2, 4, 8)
COPIED_BYTES = 1 << 28
PREFILL_TOKENS = 128
LOOP_TOKENS = 16


class Clock:
    """Milliseconds by name; `table` tells the medians."""

    def __init__(self) -> None:
        self._times: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def measure(self, name: str, divided_by: int = 1) -> Iterator[None]:
        """Note the time that the block takes, by each of so many things in it."""
        start = time.perf_counter()
        yield
        self.add(name, (time.perf_counter() - start) * 1e3 / divided_by)

    def add(self, name: str, milliseconds: float) -> None:
        """Note a time that was measured elsewhere."""
        self._times[name].append(milliseconds)

    def medians(self) -> dict[str, float]:
        """Return the median of each name."""
        return {name: round(statistics.median(times), 4) for name, times in self._times.items()}


class Copy:
    """A copy of memory by as many threads as the model has: what the machine can move."""

    def __init__(self, n_threads: int) -> None:
        size = COPIED_BYTES // n_threads
        self._pairs = [
            (np.ones(size, dtype=np.uint8), np.ones(size, dtype=np.uint8)) for _ in range(n_threads)
        ]
        self._threads = ThreadPoolExecutor(max_workers=n_threads)

    def run(self) -> None:
        """Copy once."""
        list(self._threads.map(lambda pair: np.copyto(*pair), self._pairs))


class Depth:
    """Sequences of the same length to measure decodes on; sequence 0 is what others fork."""

    def __init__(self, context: Context, depth: int) -> None:
        self._context = context
        self._depth = depth
        self.prefill(depth)

    def prefill(self, n_tokens: int) -> None:
        """Read tokens into sequence 0, which is empty."""
        for start in range(0, n_tokens, PREFILL_TOKENS):
            tokens = some_tokens(start, min(n_tokens, start + PREFILL_TOKENS))
            self._context.decode([Part(0, start, tokens, wants_logits=True)])

    @contextmanager
    def forks(self, n_sequences: int) -> Iterator[range]:
        """Fork so many sequences, and forget them after."""
        numbers = range(1, n_sequences + 1)
        for number in numbers:
            self._context.copy_sequence(0, number)
        yield numbers
        for number in numbers:
            self._context.clear_sequence(number)

    def chunk(self, n_tokens: int) -> Callable[[], object]:
        """Return what decodes several tokens of one sequence, with logits of the last."""
        part = Part(
            1, self._depth, some_tokens(self._depth, self._depth + n_tokens), wants_logits=True
        )
        return lambda: self._context.decode([part])

    def together(self, numbers: range) -> Callable[[], object]:
        """Return what decodes a token of each sequence, with logits of each."""
        parts = [
            Part(number, self._depth, some_tokens(number, number + 1), wants_logits=True)
            for number in numbers
        ]
        return lambda: self._context.decode(parts)


def measure_decoding(clock: Clock, model: Model, depth: int, rounds: int, n_threads: int) -> None:
    """Measure everything that llama.cpp does, in turn, with its own loop and a copy between."""
    context = Context(model, depth + 1024, max(WIDTHS) + 2, n_threads)
    own, copy = OwnLoop(model, depth, n_threads), Copy(n_threads)
    at = Depth(context, depth)
    for index in range(rounds + 1):
        into = clock if index else Clock()  # the first round warms the caches
        with into.measure("copy"):
            copy.run()
        with into.measure("own_loop_token", LOOP_TOKENS):
            own.run(LOOP_TOKENS)
        for width in WIDTHS:
            with at.forks(1):
                step = at.chunk(width)
                with into.measure(f"tokens_{width}"):
                    step()
            with at.forks(width) as numbers:
                step = at.together(numbers)
                with into.measure(f"sequences_{width}"):
                    step()
        with into.measure("fork"), at.forks(1):
            pass
        with into.measure("save"):
            data = own.save()
        with into.measure("restore"):
            own.restore(data)
        context.clear_sequence(0)
        with into.measure("prefill_token", depth):
            at.prefill(depth)
    own.close()
    context.close()


def measure_constraint(
    clock: Clock, model: Model, grammar: Grammar, asked: list[Asked], rounds: int
) -> None:
    """Measure compiling, masks along statements, and choosing among 65,536 tokens."""
    grammars = Grammars(model.vocabulary)
    logits = np.random.default_rng(0).standard_normal(model.vocabulary.size, dtype=np.float32)
    sampler = Sampler(temperature=0.0, seed=0, alternative=0)
    for number in range(rounds):
        with clock.measure("compile"):
            grammars.matcher(f"{grammar.key}-{number}", grammar.text)
    for one in asked:
        with clock.measure("copy_of_grammar"):
            matcher = grammars.matcher(f"{grammar.key}-0", grammar.text)
        for token in model.vocabulary.tokenize(one.sql, parse_special=False):
            with clock.measure("mask"):
                mask = matcher.mask()
            with clock.measure("choose"):
                sampler.choose(masked(logits, mask))
            if not matcher.consume_while_allowed([token]):
                break  # a model with other tokens, or a style that the statement begins no more


def measure_statements(
    clock: Clock, path: Path, grammar: Grammar, asked: list[Asked], ddl: str, threads: int
) -> dict[str, float]:
    """Measure whole statements through the scheduler; return how many were as expected."""
    n_tokens, n_same = [], 0
    with Engine(path, Settings(threads=threads)) as engine:
        rendering = engine.describe().schema_rendering
        text = render(parse_schema(ddl), rendering)  # type: ignore[arg-type]
        for number, one in enumerate(asked):
            prompt = build_prompt(text, one.question)
            order = Generate(
                id=number,
                schema=prompt.schema,
                question=prompt.question,
                grammar_key=grammar.key,
                grammar=grammar.text,
                max_tokens=48,
            )
            (answer,) = engine.generate([order])
            if not isinstance(answer, Finished):
                raise SystemExit(f"engine: {answer.reason}: {answer.message}")
            output = answer.outputs[0]
            if number:  # the first reads the schema and compiles the grammar
                n_tokens.append(output.n_tokens)
                n_same += output.text == one.sql
                clock.add("question", answer.prefill_us / 1e3)
                clock.add("written_token", answer.decode_us / 1e3 / max(1, output.n_tokens - 1))
    return {
        "tokens": statistics.median(n_tokens),
        "same_statement": round(n_same / max(1, len(asked) - 1), 2),
    }


def limits(median: dict[str, float], model_bytes: int) -> dict[str, float]:
    """Return how near the measured times are to what bounds them."""
    bandwidth = 2 * COPIED_BYTES / median["copy"] / 1e6
    weights_ms = model_bytes / bandwidth / 1e6
    return {
        "bandwidth_gb_s": round(bandwidth, 1),
        "weights_read_ms": round(weights_ms, 2),
        "one_token_of_own_loop": round(median["own_loop_token"] / median["tokens_1"], 3),
        "one_token_of_weights_read": round(weights_ms / median["tokens_1"], 3),
        "written_token_of_own_loop": round(median["own_loop_token"] / median["written_token"], 3),
        "restore_of_prefill": round(median["restore"] / median["prefill_whole"], 4),
        **{
            f"{kind}_{width}_gain": round(
                width * median[f"{kind}_1"] / median[f"{kind}_{width}"], 2
            )
            for kind in ("tokens", "sequences")
            for width in WIDTHS[1:]
        },
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, help="GGUF; by default one is made in --work")
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir(), "sqlstrict-bench"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--depth", type=int, default=600, help="tokens before those measured")
    parser.add_argument("--threads", type=int, default=physical_cores())
    arguments = parser.parse_args()
    path = arguments.model or arguments.work / "planted-350m-Q4_0.gguf"
    known = iter(questions()) if arguments.model else iter(plant_model(path))
    asked = [next(known) for _ in range(arguments.rounds + 1)]
    ddl = schema_of(15)
    schema = parse_schema(ddl)
    grammar = draft_grammar(schema, schema.dialect, Policy())
    clock = Clock()
    model = Model(path)
    measure_decoding(clock, model, arguments.depth, arguments.rounds, arguments.threads)
    measure_constraint(clock, model, grammar, asked, arguments.rounds)
    model.close()
    written = measure_statements(clock, path, grammar, asked, ddl, arguments.threads)
    median = clock.medians()
    median["prefill_whole"] = median["prefill_token"] * arguments.depth
    bounds = limits(median, os.path.getsize(path))
    for name, value in median.items():
        print(f"{name:20} {value:10.3f} ms")
    for name, value in {**bounds, **written}.items():
        print(f"{name:28} {value:8g}")
    settings = {"depth": arguments.depth, "threads": arguments.threads, "rounds": arguments.rounds}
    print(json.dumps({**settings, "model": path.name, "ms": median, **bounds, **written}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
