from __future__ import annotations

import asyncio
from contextlib import ExitStack

import pytest
from sqlstrictd.admission import Admission
from sqlstrictd.errors import QueueFull, ShuttingDown


async def test_as_many_as_have_slots_or_may_wait_come_in() -> None:
    admission = Admission(slots=2, queue_limit=1)
    with ExitStack() as inside:
        assert [inside.enter_context(admission.place()) for _ in range(3)] == [0, 0, 0]
        assert (admission.n_inside, admission.n_ahead) == (3, 1)
        assert (admission.n_waiting, admission.n_batch_waiting) == (1, 0)
        with pytest.raises(QueueFull) as caught, admission.place():
            pass
        assert 0.2 <= caught.value.retry_after_s <= 5.0
    assert admission.n_inside == 0
    with admission.place():
        assert admission.n_inside == 1


async def test_those_who_wait_their_turn_come_in_in_order() -> None:
    admission = Admission(slots=1, queue_limit=0)
    came: list[int] = []
    go = asyncio.Event()

    async def visit(number: int) -> None:
        async with admission.place_in_turn():
            came.append(number)
            assert admission.n_inside == 1
            await go.wait()

    visits = [asyncio.create_task(visit(number)) for number in range(5)]
    await asyncio.sleep(0)
    go.set()
    await asyncio.gather(*visits)
    assert came == [0, 1, 2, 3, 4]
    assert admission.n_inside == 0


async def test_single_questions_and_batches_do_not_keep_each_other_out() -> None:
    admission = Admission(slots=2, queue_limit=3)
    n_turns = 0
    go = asyncio.Event()

    async def take_turn() -> None:
        nonlocal n_turns
        async with admission.place_in_turn():
            n_turns += 1
            await go.wait()

    batch = [asyncio.create_task(take_turn()) for _ in range(100)]
    await asyncio.sleep(0)
    # Those in slots, and as many that are made ready meanwhile.
    assert n_turns == admission.n_inside == 4
    # Two are in slots. Those of a batch never count for the limit of single questions.
    assert (admission.n_waiting, admission.n_batch_waiting) == (0, 98)
    with ExitStack() as inside:
        ahead = [inside.enter_context(admission.place()) for _ in range(5)]
        assert ahead == [2, 3, 4, 5, 6]
        assert (admission.n_waiting, admission.n_batch_waiting) == (3, 100)
        with pytest.raises(QueueFull, match="5 questions"), admission.place():
            pass
        # The house is full of single questions, and the batch goes on.
        go.set()
        await asyncio.gather(*batch)
        assert (n_turns, admission.n_inside) == (100, 5)


async def test_who_stops_waiting_leaves_no_gap() -> None:
    admission = Admission(slots=1, queue_limit=0)
    go = asyncio.Event()

    async def visit() -> None:
        async with admission.place_in_turn():
            await go.wait()

    visits = [asyncio.create_task(visit()) for _ in range(4)]
    await asyncio.sleep(0)
    visits[1].cancel()
    visits[2].cancel()
    go.set()
    await asyncio.gather(*visits, return_exceptions=True)
    assert visits[3].exception() is None
    assert admission.n_inside == 0


async def test_a_turn_that_comes_with_the_cancellation_is_given_on() -> None:
    admission = Admission(slots=1, queue_limit=0)

    async def visit() -> str:
        async with admission.place_in_turn():
            return "came in"

    async with admission.place_in_turn():
        first, second = asyncio.create_task(visit()), asyncio.create_task(visit())
        await asyncio.sleep(0)
    # The place went to `first` a moment ago, which has not run since.
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert await second == "came in"
    assert admission.n_inside == 0


async def test_a_closed_house_tells_everybody_outside() -> None:
    admission = Admission(slots=1, queue_limit=0)

    async def visit() -> None:
        async with admission.place_in_turn():
            pass

    async with admission.place_in_turn():
        outside = asyncio.create_task(visit())
        await asyncio.sleep(0)
        admission.close(ShuttingDown("stopping"))
        with pytest.raises(ShuttingDown):
            await outside
        with pytest.raises(ShuttingDown), admission.place():
            pass
        assert admission.n_inside == 1
    assert admission.n_inside == 0
