"""Another model where memory is short: the old one is stopped first, and comes back if need be."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engines_by_file import EnginesByFile, refused_use, writer
from running_house import GOOD_SQL, QUICK, ask, running_house
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from stand_in_engine import (
    StandInEngine,
    Work,
    answering,
    until,
)


async def test_short_of_memory_the_old_one_is_stopped_first(house: Path) -> None:
    engines, release = EnginesByFile(), asyncio.Event()

    async def held(engine: StandInEngine, work: Work) -> None:
        await release.wait()
        await answering(GOOD_SQL)(engine, work)

    engines.scripts["old"] = held
    async with running_house(
        house, engines.script, engines=engines, model=None, free_memory=lambda: 0
    ) as front:
        before = asyncio.ensure_future(front.translation.Translate(ask("before")))
        await until(lambda: engines.live_of("old").generates)
        use = asyncio.ensure_future(front.models.UseModel(pb.UseModelRequest(name="new")))
        await until(lambda: not front.house.engine.is_ready)
        during = asyncio.ensure_future(front.translation.Translate(ask("during")))
        await until(lambda: front.house.admission.n_inside == 2)
        assert engines.names == ["old"]
        release.set()
        await use
        models = [(await call).sql.certificate.model for call in (before, during)]
        assert [model.partition("@")[0] for model in models] == ["old", "new"]
        assert engines.lives[0].was_told_to_stop


async def test_short_of_memory_a_bad_model_brings_the_old_one_back(house: Path) -> None:
    engines = EnginesByFile()
    engines.ready_of["new"] = wire.LoadFailed("broken")
    async with running_house(
        house, engines.script, QUICK, engines, model=None, free_memory=lambda: 0
    ) as front:
        assert (await refused_use(front, "new"))[1] == "MODEL_REJECTED"
        assert await writer(front) == "old"
        assert engines.names == ["old", "new", "old"]
