"""Another model chosen in the place of the one that answers: races and refusals.

The engines are stand-ins, so that each can be held at any point; files and the folder are real.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import grpc
import pytest
from engines_by_file import EnginesByFile, ready_as, refused_use, writer
from running_house import GOOD_SQL, ask, details_of, running_house
from sqlstrict_convert.models.folder import models_folder
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from stand_in_engine import (
    StandInEngine,
    Work,
    answering,
    until,
)


async def test_what_is_asked_after_the_choice_is_answered_by_the_new_model(house: Path) -> None:
    engines = EnginesByFile()
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        assert await writer(front) == "old"
        used = await front.models.UseModel(pb.UseModelRequest(name="new"))
        assert (used.model.name, used.state.name, used.state.origin) == (
            "new",
            "new",
            pb.MODEL_ORIGIN_CHOSEN,
        )
        assert await writer(front) == "new"
        assert models_folder(house / "data").chosen() == "new"
        await until(lambda: engines.live_of("old").was_told_to_stop)
        # Before anybody was handed to it, it has written something and read the last schemas.
        new = engines.live_of("new")
        assert new.generates[0].grammar_key == "probe"
        assert len(new.prefills) == 1
        listed = (await front.models.ListModels(pb.ListModelsRequest())).models
        assert [(one.name, one.chosen, one.serving) for one in listed] == [
            ("new", True, True),
            ("old", False, False),
            ("third", False, False),
        ]
        assert {one.architecture for one in listed} == {"lfm2"}
        assert (await front.counters())["model_swaps"] == 1


async def test_what_runs_on_the_old_model_ends_there(house: Path) -> None:
    engines, release = EnginesByFile(), asyncio.Event()

    async def held(engine: StandInEngine, work: Work) -> None:
        await release.wait()
        await answering(GOOD_SQL)(engine, work)

    engines.scripts["old"] = held
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        calls = [
            asyncio.ensure_future(front.translation.Translate(ask(f"q {n}"))) for n in range(9)
        ]
        await until(lambda: len(engines.live_of("old").generates) == 4)
        await until(lambda: front.house.dispatch.n_waiting == 5)
        await front.models.UseModel(pb.UseModelRequest(name="new"))
        assert await writer(front) == "new"
        assert not engines.live_of("old").was_told_to_stop
        release.set()
        answers = await asyncio.gather(*calls)
        assert {one.sql.certificate.model.partition("@")[0] for one in answers} == {"old"}
        await until(lambda: engines.live_of("old").was_told_to_stop)


async def test_the_old_engine_may_crash_while_its_last_requests_end(house: Path) -> None:
    engines, crashed = EnginesByFile(), asyncio.Event()

    async def silent_until_crash(engine: StandInEngine, work: Work) -> None:
        await crashed.wait()
        await answering(GOOD_SQL)(engine, work)

    engines.scripts["old"] = silent_until_crash
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        call = asyncio.ensure_future(front.translation.Translate(ask()))
        await until(lambda: engines.live_of("old").generates)
        await front.models.UseModel(pb.UseModelRequest(name="new"))
        # The file is gone by now; the engine is started again on what is held open of it.
        (house / "data/models/old.gguf").unlink()
        engines.live_of("old").crash()
        crashed.set()
        assert (await call).sql.certificate.model.startswith("old@")
        await until(lambda: engines.live_of("old").was_told_to_stop)


@pytest.mark.parametrize("how", ["refused", "dying", "writing no numbers", "dying when asked"])
async def test_a_model_that_cannot_be_used_leaves_the_old_one(house: Path, how: str) -> None:
    engines = EnginesByFile()

    async def no_numbers(engine: StandInEngine, work: Work) -> None:
        output = wire.Output("x", "stop", 1, float("nan"), float("nan"), 0.0)
        engine.send(wire.Finished(work.id, (output,), 1, 1))

    async def dying(engine: StandInEngine, work: Work) -> None:
        engine.crash(-6)

    if how == "refused":
        engines.ready_of["new"] = wire.LoadFailed("new.gguf is broken")
    elif how == "dying":
        engines.ready_of["new"], engines.dying = None, {"new"}
    else:
        engines.scripts["new"] = no_numbers if how == "writing no numbers" else dying
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        code, reason = await refused_use(front, "new")
        assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "MODEL_REJECTED")
        assert await writer(front) == "old"
        assert models_folder(house / "data").chosen() == "old"
        state = (await front.models.GetModel(pb.GetModelRequest())).state
        assert (state.name, state.loading, state.problem) == ("old", "", "")
        assert not engines.live_of("old").was_told_to_stop


async def test_names_that_are_no_models(house: Path) -> None:
    engines = EnginesByFile()
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        assert await refused_use(front, "../old") == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_FIELD",
        )
        assert await refused_use(front, "nobody") == (
            grpc.StatusCode.NOT_FOUND,
            "MODEL_NOT_FOUND",
        )


async def test_a_model_that_the_engine_cannot_compute_with_is_said_to_be_broken(
    house: Path,
) -> None:
    engines = EnginesByFile()

    async def not_numbers(engine: StandInEngine, work: Work) -> None:
        engine.send(wire.Failed(work.id, "DECODE_FAILED", "the model's output is not a number"))

    engines.scripts["new"] = not_numbers
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.models.UseModel(pb.UseModelRequest(name="new"))
        told = caught.value.details() or ""
        assert "its weights may be broken" in told and "report it" not in told
        assert await writer(front) == "old"


async def test_a_later_choice_supersedes_the_one_that_loads(house: Path) -> None:
    engines = EnginesByFile()
    engines.ready_of["new"] = None
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        first = asyncio.ensure_future(front.models.UseModel(pb.UseModelRequest(name="new")))
        await until(lambda: "new" in engines.names)
        assert (await front.models.GetModel(pb.GetModelRequest())).state.loading == "new"
        await front.models.UseModel(pb.UseModelRequest(name="third"))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await first
        details = details_of(caught.value)
        assert (details.code, details.reason) == (grpc.StatusCode.ABORTED, "MODEL_SUPERSEDED")
        assert await writer(front) == "third"
        assert engines.live_of("new").was_told_to_stop
        assert models_folder(house / "data").chosen() == "third"


async def test_two_who_choose_the_same_wait_together(house: Path) -> None:
    engines = EnginesByFile()
    engines.ready_of["new"] = None
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        request = pb.UseModelRequest(name="new")
        both = [asyncio.ensure_future(front.models.UseModel(request)) for _ in range(2)]
        await until(lambda: "new" in engines.names)
        engines.live_of("new").send(ready_as("new"))
        for used in await asyncio.gather(*both):
            assert used.state.name == "new"
        assert engines.names.count("new") == 1


async def test_a_client_that_goes_away_does_not_take_its_choice_back(house: Path) -> None:
    engines = EnginesByFile()
    engines.ready_of["new"] = None
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        call = front.models.UseModel(pb.UseModelRequest(name="new"))
        await until(lambda: "new" in engines.names)
        call.cancel()
        engines.live_of("new").send(ready_as("new"))
        await until(lambda: front.house.engine.choice.name == "new")
        assert await writer(front) == "new"


async def test_a_stop_during_a_change_leaves_no_engine(house: Path) -> None:
    engines = EnginesByFile()
    engines.ready_of["new"] = None
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        call = asyncio.ensure_future(front.models.UseModel(pb.UseModelRequest(name="new")))
        await until(lambda: "new" in engines.names)
        await front.house.drain(0.0, asyncio.Event())
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert details_of(caught.value).reason == "MODEL_SUPERSEDED"
    for live in engines.lives:
        assert live.was_told_to_stop
