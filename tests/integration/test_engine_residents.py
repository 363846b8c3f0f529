"""Schemas stay in the model's state, unchanged, as long as there is room."""

from __future__ import annotations

import itertools

import numpy as np
from engine_requests import (
    MakeEngine,
    generate,
    has,
    is_clean,
    run,
    text_of,
    wait_until_prepared,
)
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.wire import (
    Failed,
    Finished,
    Prefill,
    Prefilled,
    Started,
)
from sqlstrictd.prompt import build_prompt


def test_a_schema_is_read_once(engine: Engine) -> None:
    engine.scheduler.submit(generate(1))
    first = run(engine, has(Finished, 1))
    engine.scheduler.submit(generate(2, "Something else?"))
    second = run(engine, has(Finished, 2))

    (cold,) = [one for one in first if isinstance(one, Started)]
    (warm,) = [one for one in second if isinstance(one, Started)]
    n_schema = len(tokenize_pieces(engine.model.vocabulary, generate(1).schema)) + 1
    assert (cold.cached_tokens, warm.cached_tokens) == (0, n_schema)
    assert warm.prompt_tokens > n_schema
    assert engine.scheduler.n_resident == 1


def test_requests_for_one_new_schema_read_it_together(engine: Engine) -> None:
    answers = engine.generate([generate(number, "Same question?") for number in range(4)])
    assert len({text_of(answer) for answer in answers}) == 1
    assert engine.scheduler.n_resident == 1


def test_a_resident_schema_is_unchanged_after_many_requests(engine: Engine) -> None:
    engine.generate([generate(1)])
    prefix = engine.scheduler._prefixes.acquire_schema(
        next(iter(engine.scheduler._prefixes._schemas))
    )
    probe = [30, 31, 32]

    def probe_logits() -> np.ndarray:
        fork = engine.scheduler._pool.fork(prefix.sequence)
        fork.push(probe)
        (logits,) = engine.context.decode([fork.part(3, wants_logits=True)])
        assert logits is not None
        logits = logits.copy()
        fork.drop()
        return logits

    before = probe_logits()
    for number in range(40):
        engine.generate([generate(number, "Why? " * (number % 5), n=1 + number % 3, temperature=1)])
    assert np.abs(probe_logits() - before).max() < 1e-3


def test_the_least_recently_used_schema_goes_first(make_engine: MakeEngine) -> None:
    engine = make_engine(max_prefixes=3)

    def cached(ddl: str, request_id: int) -> int:
        engine.scheduler.submit(generate(request_id, ddl=ddl))
        messages = run(engine, has(Finished, request_id))
        return next(one.cached_tokens for one in messages if isinstance(one, Started))

    ids = itertools.count()
    assert [cached(ddl, next(ids)) for ddl in "abc"] == [0, 0, 0]
    assert cached("a", next(ids)) > 0
    assert cached("d", next(ids)) == 0  # b makes way
    assert cached("a", next(ids)) > 0
    assert cached("c", next(ids)) > 0
    assert cached("b", next(ids)) == 0
    assert engine.scheduler.n_resident == 3


def test_cells_are_found_for_a_new_schema_by_evicting_idle_ones(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=1024)
    for number in range(12):
        (answer,) = engine.generate([generate(number, ddl=f"{number} " + "self " * 150)])
        text_of(answer)
        assert engine.scheduler._prefixes.n_cells <= 1024
    assert 1 <= engine.scheduler.n_resident < 12


def test_a_prefix_is_made_resident_in_the_background(engine: Engine) -> None:
    request = generate(2)
    (prefilled,) = engine.answer([Prefill(1, request.schema)])
    assert isinstance(prefilled, Prefilled)
    engine.scheduler.submit(request)
    messages = run(engine, has(Finished, 2))
    (started,) = [one for one in messages if isinstance(one, Started)]
    assert started.cached_tokens == prefilled.n_tokens > 0


def test_a_background_prefill_waits_for_questions_and_goes_on_after_them(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(context_tokens=2048)
    long_schema = build_prompt("self " * 800, "").schema
    engine.scheduler.submit(Prefill(1, long_schema))
    run(engine, lambda _: bool(engine.scheduler._prefixes.n_cells))
    engine.scheduler.submit(generate(2))
    wait_until_prepared(engine)
    messages = run(engine, has(Finished, 2))
    assert not has(Prefilled, 1)(messages)
    run(engine, has(Prefilled, 1))
    assert engine.scheduler.n_resident == 2


def test_a_background_prefill_makes_way_where_cells_are_wanting(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=1024)
    engine.scheduler.submit(Prefill(1, build_prompt("self " * 800, "").schema))
    run(engine, lambda _: bool(engine.scheduler._prefixes.n_cells))
    engine.scheduler.submit(generate(2, "self " * 300))
    wait_until_prepared(engine)
    messages = run(engine, lambda seen: has(Finished, 2)(seen) and has(Prefilled, 1)(seen))
    assert has(Finished, 2)(messages)
    assert is_clean(engine)


def test_only_so_many_background_prefills_wait_the_newest_of_them(engine: Engine) -> None:
    """Whoever registers schemas all day beside a busy engine must not fill its memory."""
    n_most = engine.settings.max_prefixes
    prefills = [Prefill(n, build_prompt(f"schema {n}", "").schema) for n in range(1, n_most + 11)]
    answers = engine.answer([generate(100), *prefills])
    assert isinstance(answers[0], Finished)
    failed = [answer for answer in answers if isinstance(answer, Failed)]
    assert [answer.id for answer in failed] == list(range(1, 11))
    assert {answer.reason for answer in failed} == {"CONTEXT_FULL"}
    assert all(isinstance(answer, Prefilled) for answer in answers[11:])
    assert is_clean(engine)
