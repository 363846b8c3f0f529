"""Slots, room, fairness, cancelling and failures of the engine's scheduler."""

from __future__ import annotations

import itertools
import random
import re
import threading

import pytest
from engine_requests import GRAMMAR, MakeEngine, generate, has, is_clean, run, text_of
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.preparation import LARGE_GRAMMAR_CHARS
from sqlstrictd.engine.token_batch import Part
from sqlstrictd.engine.wire import (
    Failed,
    Finished,
    Generate,
    Match,
    Message,
    Prefill,
    Progress,
    Started,
)
from sqlstrictd.errors import ENGINE_REASONS
from sqlstrictd.prompt import build_prompt


def test_more_requests_than_slots_wait_their_turn(make_engine: MakeEngine) -> None:
    engine = make_engine(slots=2)
    for number in range(9):
        engine.scheduler.submit(generate(number, f"Question {number}?"))
    started: list[int] = []
    finished: set[int] = set()
    while not engine.scheduler.is_idle:
        engine.wait()
        for message in engine.scheduler.step():
            if isinstance(message, Started):
                started.append(message.id)
            if isinstance(message, Finished):
                finished.add(message.id)
        assert engine.scheduler.n_running <= 2
    assert sorted(started) == list(range(9))
    assert finished == set(range(9))


def test_a_request_that_wants_much_room_is_not_overtaken_for_ever(
    make_engine: MakeEngine,
) -> None:
    engine = make_engine(context_tokens=1024, slots=4)
    requests = [generate(0, "self " * 100, ddl="a"), generate(1, "self " * 400, ddl="b", n=2)]
    requests += [generate(number, "self " * 50, ddl="a") for number in range(2, 8)]
    answers = engine.generate(requests)
    assert all(isinstance(answer, Finished) for answer in answers)
    assert is_clean(engine)


def test_statements_in_flight_go_on_while_a_long_schema_is_read(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=4096)
    engine.generate([generate(0)])
    engine.scheduler.submit(generate(1, wants_text=True))
    run(engine, has(Started, 1))
    engine.scheduler.submit(generate(2, ddl="self " * 2000))
    messages = run(engine, has(Finished, 2))
    finished = [one.id for one in messages if isinstance(one, Finished)]
    assert finished == [1, 2]
    assert sum(isinstance(one, Progress) and one.id == 1 for one in messages) > 2


def test_progress_carries_the_growing_text_where_it_is_wanted(engine: Engine) -> None:
    engine.scheduler.submit(generate(1, wants_text=True))
    engine.scheduler.submit(generate(2))
    messages = run(engine, lambda seen: has(Finished, 1)(seen) and has(Finished, 2)(seen))
    texts = [one.text for one in messages if isinstance(one, Progress) and one.id == 1]
    (final,) = [
        one.outputs[0].text for one in messages if isinstance(one, Finished) and one.id == 1
    ]
    assert len(texts) > 2
    for text, longer in itertools.pairwise([*texts, final]):
        assert longer.startswith(text) and longer != text
    quiet = [one for one in messages if isinstance(one, Progress) and one.id == 2]
    assert quiet and not any(one.text for one in quiet)


def test_a_character_of_several_tokens_is_shown_whole(engine: Engine) -> None:
    grammar = 'start: "SELECT \'" /[😀-😏]{3}/ "\';"'
    engine.scheduler.submit(generate(1, grammar_key="e", grammar=grammar, wants_text=True))
    messages = run(engine, has(Finished, 1))
    for message in messages:
        if isinstance(message, Progress):
            assert re.fullmatch(r"SELECT ?'?[😀-😏]*'?", message.text), message.text


def test_a_cancelled_request_frees_its_slot_at_the_next_step(make_engine: MakeEngine) -> None:
    engine = make_engine(slots=1)
    engine.scheduler.submit(generate(1, grammar_key="long", grammar="start: /[a-z]{500}/", n=3))
    run(engine, has(Progress, 1))
    # Only now: of two requests, the one that is prepared first gets the slot.
    engine.scheduler.submit(generate(2))
    engine.scheduler.cancel(1)
    assert engine.scheduler.n_running == 0
    messages = run(engine, has(Finished, 2))
    assert not any(getattr(one, "id", None) == 1 for one in messages)
    assert is_clean(engine)


def test_requests_may_be_cancelled_at_any_time(engine: Engine) -> None:
    order = random.Random(1)
    for number in range(60):
        ddl = "self " * order.randint(1, 100)
        request: Generate | Match | Prefill = generate(number, ddl=ddl, n=order.randint(1, 4))
        if number % 5 == 0:
            request = Prefill(number, request.schema)
        elif number % 7 == 0:
            request = Match(number, "small", GRAMMAR, "SELECT id FROM orders;")
        engine.scheduler.submit(request)
        for _ in range(order.randint(0, 6)):
            if engine.scheduler.can_step:
                engine.scheduler.step()
        engine.scheduler.cancel(order.randint(0, number))
        engine.scheduler.cancel(number)
    for number in range(60):
        engine.scheduler.cancel(number)
    assert is_clean(engine)
    text_of(engine.generate([generate(100)])[0])


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (generate(1, grammar_key="bad", grammar="start: missing"), "GRAMMAR_INVALID"),
        (generate(1, "self " * 2000), "PROMPT_TOO_LONG"),
        (generate(1, ddl="self " * 2000), "PROMPT_TOO_LONG"),
        (generate(1, max_tokens=1000), "PROMPT_TOO_LONG"),
        (generate(1, n=8, max_tokens=150), "PROMPT_TOO_LONG"),
        (Prefill(1, build_prompt("self " * 2000, "").schema), "PROMPT_TOO_LONG"),
        (Match(1, "bad", "start: missing", "x"), "GRAMMAR_INVALID"),
        (
            generate(1, grammar_key="dead", grammar='start: "x" A\nA: /y+/ & /z+/'),
            "MASK_EMPTY",
        ),
        (
            generate(1, grammar_key="deep", grammar="start: " + "(" * 9999 + '"a"' + ")" * 9999),
            "GRAMMAR_TOO_LARGE",
        ),
        # Too large not when it is compiled, but when much has been written.
        (
            generate(1, grammar_key="wide", grammar='start: "x" ' + '("a"|"b"|"a" "b")? ' * 2000),
            "GRAMMAR_TOO_LARGE",
        ),
    ],
)
def test_a_request_that_cannot_be_met_fails_alone_and_by_name(
    make_engine: MakeEngine, request_: Generate | Prefill | Match, reason: str
) -> None:
    engine = make_engine(context_tokens=1024)
    failed, other = engine.answer([request_, generate(2)])
    assert isinstance(failed, Failed)
    assert failed.reason == reason
    assert "self" not in failed.message and "missing" not in failed.message
    text_of(other)
    assert is_clean(engine)


def test_an_unexpected_error_of_preparing_fails_its_request_alone(engine: Engine) -> None:
    """Text that is not UTF-8 cannot come over the wire; any other surprise ends likewise."""
    broken = generate(2, "\ud800")
    answers = engine.answer([generate(1), broken, Match(3, "m", GRAMMAR, "\ud800"), generate(4)])
    assert [type(answer) for answer in answers] == [Finished, Failed, Failed, Finished]
    for answer in answers[1:3]:
        assert isinstance(answer, Failed)
        assert (answer.reason, answer.reason in ENGINE_REASONS) == ("PREPARATION_FAILED", True)
        assert answer.message == "preparing the request failed: UnicodeEncodeError"
    assert is_clean(engine)


def test_the_message_says_how_long_the_prompt_is_and_may_be(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=1024)
    (failed,) = engine.generate([generate(1, max_tokens=1000)])
    assert isinstance(failed, Failed)
    n_prompt, n_output, limit = map(int, re.findall(r"\d+", failed.message))
    assert (n_output, limit) == (1000, 1024)
    assert n_prompt + n_output > limit


def test_a_dead_end_of_one_alternative_leaves_the_others(engine: Engine) -> None:
    grammar = 'start: "SELECT 1;" | "x" A\nA: /y+/ & /z+/'
    (answer,) = engine.generate([generate(1, grammar_key="half", grammar=grammar, n=8, seed=1)])
    assert text_of(answer) == "SELECT 1;"
    assert isinstance(answer, Finished)
    assert len(answer.outputs) == 1
    assert is_clean(engine)


def test_cells_that_are_gone_fail_the_youngest_request(make_engine: MakeEngine) -> None:
    """The scheduler sets cells aside, so they are taken here behind its back."""
    engine = make_engine(context_tokens=1024)
    thief = list(range(100, 520))
    engine.context.decode([Part(63, 0, thief, wants_logits=False)])
    engine.scheduler.submit(generate(1))
    run(engine, has(Started, 1))
    engine.scheduler.submit(generate(2, "self " * 550))
    messages: list[Message] = []
    while not engine.scheduler.is_idle:
        engine.wait()
        messages += engine.scheduler.step()
    (failed,) = [one for one in messages if isinstance(one, Failed)]
    assert (failed.id, failed.reason) == (2, "CONTEXT_FULL")
    assert has(Finished, 1)(messages)
    engine.context.clear_sequence(63)
    text_of(engine.generate([generate(3, "self " * 550)])[0])
    assert is_clean(engine)


def test_idle_schemas_make_way_when_cells_are_gone(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=1024)
    engine.generate([generate(0, ddl="self " * 300)])
    engine.context.decode([Part(63, 0, list(range(100, 500)), wants_logits=False)])
    text_of(engine.generate([generate(1, "self " * 400)])[0])
    assert engine.scheduler.n_resident == 1


def test_a_batch_that_llama_refuses_is_a_typed_failure(engine: Engine) -> None:
    """The sequence that the schema will get holds tokens already: positions are taken twice."""
    engine.context.decode([Part(0, 0, list(range(100, 130)), wants_logits=False)])
    (failed,) = engine.generate([generate(1)])
    assert isinstance(failed, Failed)
    assert failed.reason == "DECODE_FAILED"
    text_of(engine.generate([generate(2)])[0])
    assert is_clean(engine)


def test_a_grammar_that_takes_its_time_delays_nobody_else(engine: Engine) -> None:
    """Large ones have a thread for themselves, which is held up here."""
    names = "|".join(f"name_{number}" for number in range(LARGE_GRAMMAR_CHARS // 10))
    large = f'start: "SELECT " NAME ";"\nNAME: /{names}/'
    assert len(large) > LARGE_GRAMMAR_CHARS
    go_on = threading.Event()
    engine.scheduler._preparing._large.submit(go_on.wait)
    try:
        for number in range(4):
            engine.scheduler.submit(generate(number, grammar_key="large", grammar=large))
        text_of(engine.generate([generate(9)])[0])
    finally:
        go_on.set()
    run(engine, lambda seen: all(has(Finished, number)(seen) for number in range(4)))
    assert is_clean(engine)
