from __future__ import annotations

import asyncio

import pytest
from sqlstrictd.counters import Counters
from sqlstrictd.dispatch import Dispatch
from sqlstrictd.engine import wire
from sqlstrictd.errors import DeadlineExceeded, EngineCrashed, GrammarTooLarge, ShuttingDown
from sqlstrictd.prompt import build_prompt
from sqlstrictd.quarantine import Quarantine


def generate(question: str, grammar: str = "g") -> wire.Generate:
    prompt = build_prompt("schema", question)
    return wire.Generate(0, prompt.schema, prompt.question, "key", grammar, 64)


MATCH = wire.Match(0, "key", "g", "text")


class House:
    """A dispatch, and what it has sent to its engine."""

    def __init__(self, slots: int = 2) -> None:
        self.counters = Counters()
        self.dispatch = Dispatch(self.counters, Quarantine())
        self.sent: list[wire.Message] = []
        self.dispatch.attach(self.send, slots)

    def send(self, message: wire.Message) -> None:
        wire.encode(message)
        self.sent.append(message)

    def run(self, work: wire.Generate | wire.Match) -> asyncio.Task[wire.Finished | wire.Matched]:
        deadline = asyncio.get_running_loop().time() + 60
        return asyncio.create_task(self.dispatch.run(work, deadline))

    def finish(self, message: wire.Message) -> None:
        assert isinstance(message, wire.Generate)
        self.dispatch.receive(wire.Finished(message.id, (), 0, 0))

    @property
    def questions(self) -> list[str]:
        return [work.question[0].text for work in self.sent if isinstance(work, wire.Generate)]


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_engine_gets_as_many_as_it_has_slots_in_order() -> None:
    house = House(slots=2)
    tasks = [house.run(generate(name)) for name in "abcd"]
    await settle()
    assert house.questions == ["a", "b"]
    assert (house.dispatch.n_running, house.dispatch.n_waiting) == (2, 2)
    house.finish(house.sent[1])
    assert house.questions == ["a", "b", "c"]
    for number in (0, 2, 3):
        house.finish(house.sent[number])
    await asyncio.gather(*tasks)
    assert len({message.id for message in house.sent}) == 4


async def test_what_goes_first_waits_before_all_others() -> None:
    house = House(slots=1)
    tasks = [house.run(generate(name)) for name in "abc"]
    await settle()
    deadline = asyncio.get_running_loop().time() + 60
    urgent = house.dispatch.run(generate("urgent"), deadline, goes_first=True)
    tasks.append(asyncio.create_task(urgent))
    await settle()
    assert house.questions == ["a"]
    for number in range(4):
        house.finish(house.sent[number])
    await asyncio.gather(*tasks)
    assert house.questions == ["a", "urgent", "b", "c"]


async def test_a_match_needs_no_slot() -> None:
    house = House(slots=1)
    tasks = [house.run(generate("a")), house.run(generate("b")), house.run(MATCH)]
    await settle()
    assert [type(message) for message in house.sent] == [wire.Generate, wire.Match]
    house.dispatch.receive(wire.Matched(house.sent[1].id, True, 4))
    assert await tasks[2] == wire.Matched(house.sent[1].id, True, 4)
    for task in tasks[:2]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_what_is_given_up_while_it_waits_is_never_sent() -> None:
    house = House(slots=1)
    first, second, third = (house.run(generate(name)) for name in "abc")
    await settle()
    second.cancel()
    await settle()
    house.finish(house.sent[0])
    await settle()
    assert house.questions == ["a", "c"]
    house.finish(house.sent[1])
    await asyncio.gather(first, third)


async def test_what_is_given_up_while_it_runs_is_cancelled_and_its_answer_dropped() -> None:
    house = House(slots=1)
    task = house.run(generate("a"))
    await settle()
    (work,) = house.sent
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert house.sent[1] == wire.Cancel(work.id)
    house.finish(work)
    assert house.dispatch.n_running == 0


async def test_time_that_is_over_says_where_it_went() -> None:
    house = House(slots=1)
    loop = asyncio.get_running_loop()
    running = house.run(generate("a"))
    await settle()
    with pytest.raises(DeadlineExceeded, match="waiting for a slot"):
        await house.dispatch.run(generate("b"), loop.time())
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_grammar_that_fits_no_frame_spoils_nothing_else() -> None:
    house = House(slots=1)
    large = house.run(generate("large", grammar="x" * wire.MAX_FRAME_BYTES))
    small = house.run(generate("small"))
    with pytest.raises(GrammarTooLarge):
        await large
    await settle()
    assert house.questions == ["small"]
    house.finish(house.sent[0])
    await small


async def test_after_a_crash_suspects_run_alone_and_first() -> None:
    house = House(slots=2)
    tasks = [house.run(generate(name)) for name in "abcd"]
    await settle()
    house.dispatch.detach(has_crashed=True)
    house.sent.clear()
    house.dispatch.attach(house.send, 2)
    assert house.questions == ["a"]
    house.finish(house.sent[0])
    assert house.questions == ["a", "b"]
    house.finish(house.sent[1])
    assert house.questions == ["a", "b", "c", "d"]
    for number in (2, 3):
        house.finish(house.sent[number])
    await asyncio.gather(*tasks)
    assert house.counters["requeued"] == 2


async def test_a_prefill_that_was_unanswered_at_a_crash_is_not_sent_again() -> None:
    house = House(slots=2)
    prompts = [build_prompt(name, "?") for name in ("answered", "failed", "unanswered")]
    prefills = [wire.Prefill(0, prompt.schema) for prompt in prompts]
    assert all(house.dispatch.send(prefill) for prefill in prefills)
    answered, failed, _ = house.sent
    assert isinstance(answered, wire.Prefill) and isinstance(failed, wire.Prefill)
    house.dispatch.receive(wire.Prefilled(answered.id, 10, 100))
    house.dispatch.receive(wire.Failed(failed.id, "CONTEXT_FULL", ""))
    house.dispatch.detach(has_crashed=True)
    house.dispatch.attach(house.send, 2)
    assert [house.dispatch.send(prefill) for prefill in prefills] == [True, True, False]


async def test_a_request_that_has_produced_is_not_tried_again() -> None:
    house = House(slots=2)
    begun, fresh = house.run(generate("begun")), house.run(generate("fresh"))
    await settle()
    house.dispatch.receive(wire.Started(house.sent[0].id, 10, 5))
    house.dispatch.receive(wire.Progress(house.sent[0].id, 1))
    house.dispatch.receive(wire.Started(house.sent[1].id, 10, 5))
    house.dispatch.detach(has_crashed=True)
    with pytest.raises(EngineCrashed):
        await begun
    house.dispatch.attach(house.send, 2)
    house.finish(house.sent[2])
    await fresh


async def test_an_engine_that_was_stopped_makes_no_suspects() -> None:
    house = House(slots=2)
    tasks = [house.run(generate(name)) for name in "ab"]
    await settle()
    house.dispatch.detach(has_crashed=False)
    house.sent.clear()
    house.dispatch.attach(house.send, 2)
    assert house.questions == ["a", "b"]
    for message in list(house.sent):
        house.finish(message)
    await asyncio.gather(*tasks)


async def test_a_refusal_ends_what_waits_and_not_what_runs() -> None:
    house = House(slots=1)
    running, waiting = house.run(generate("a")), house.run(generate("b"))
    await settle()
    house.dispatch.refuse(ShuttingDown("stopping"))
    with pytest.raises(ShuttingDown):
        await waiting
    with pytest.raises(ShuttingDown):
        await house.run(generate("c"))
    assert not running.done()
    house.dispatch.abort(ShuttingDown("stopping"))
    with pytest.raises(ShuttingDown):
        await running
    assert house.sent[-1] == wire.Cancel(house.sent[0].id)
