"""The model that the daemon begins with: tried like every later one, and what answers in its place.

The engines are stand-ins; files, the folder and the bundled model are real.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from engines_by_file import EnginesByFile, install, writer
from running_house import running_house
from sqlstrict_convert.models.folder import models_folder
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.errors import CannotStart
from sqlstrictd.model.swap import probe
from stand_in_engine import StandInEngine, Work, until


async def no_numbers(engine: StandInEngine, work: Work) -> None:
    output = wire.Output("x", "stop", 1, float("nan"), float("nan"), 0.0)
    engine.send(wire.Finished(work.id, (output,), 1, 1))


async def fails(engine: StandInEngine, work: Work) -> None:
    engine.send(wire.Failed(work.id, "DECODE_FAILED", "the model's output is not a number"))


@pytest.mark.parametrize("how", ["refused", "dying", "writing no numbers"])
async def test_a_chosen_model_that_cannot_serve_leaves_its_place_to_the_bundled_one(
    house: Path, tiny_gguf: Path, how: str
) -> None:
    engines = EnginesByFile()
    if how == "refused":
        engines.ready_of["old"] = wire.LoadFailed("old.gguf is broken")
    elif how == "dying":
        engines.ready_of["old"], engines.dying = None, {"old"}
    else:
        engines.scripts["old"] = no_numbers
    async with running_house(
        house, engines.script, engines=engines, model=None, first_probe=probe
    ) as front:
        state = (await front.status.GetStatus(pb.GetStatusRequest())).model_state
        assert state.origin == pb.MODEL_ORIGIN_BUNDLED and state.problem
        assert (await writer(front)).startswith("bundled-")
        assert models_folder(house / "data").chosen() == "old"
        assert (await front.counters())["models_rejected"] == 1
        n_tries = engines.names.count("old")

        # It is not tried again as it is, and taken as soon as it is another.
        n_looks = 3
        for _ in range(n_looks):
            front.house.follower._wake.set()
            await until(lambda: not front.house.follower._wake.is_set())
        assert engines.names.count("old") == n_tries
        engines.ready_of.clear()
        engines.dying.clear()
        engines.scripts.clear()
        path = install(house, tiny_gguf, "third").replace(house / "data/models/old.gguf")
        await until(lambda: front.house.engine.choice.path == path)
        assert await writer(front) == "old" and not front.house.follower.problem


async def test_a_model_given_by_flag_that_cannot_compute_stops_the_start(house: Path) -> None:
    engines = EnginesByFile()
    engines.scripts["old"] = fails
    path = house / "data/models/old.gguf"
    with pytest.raises(CannotStart, match="its weights may be broken"):
        async with running_house(
            house, engines.script, engines=engines, model=path, first_probe=probe
        ):
            pytest.fail("it started")
    assert engines.names == ["old"]


async def test_neither_the_chosen_nor_the_bundled_model_can_serve(house: Path) -> None:
    engines = EnginesByFile()
    engines.script = engines.scripts["old"] = no_numbers
    with pytest.raises(CannotStart, match="old writes no numbers.*nor can the bundled model"):
        async with running_house(
            house, engines.script, engines=engines, model=None, first_probe=probe
        ):
            pytest.fail("it started")
