"""Another model in the place of the one that answers: races, refusals and short memory.

The engines are stand-ins, so that each can be held at any point; files and the folder are real.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

import grpc
import pytest
from running_house import GOOD_SQL, QUICK, RunningHouse, ask, details_of, running_house
from sqlstrict_convert.models.folder import models_folder
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.engine_process import EngineLink
from sqlstrictd.model.file import ModelFile
from stand_in_engine import (
    READY,
    Script,
    StandInEngine,
    StandInEngines,
    Work,
    answering,
    until,
)


class EnginesByFile(StandInEngines):
    """Engines that know which file they run; `ready_of` and `scripts` say what each does by name.

    One whose message is None is loading for ever, until it is told to be ready; those of `dying`
    end while they load.
    """

    def __init__(self) -> None:
        super().__init__(answering(GOOD_SQL))
        self.ready_of: dict[str, wire.Message | None] = {}
        self.scripts: dict[str, Script] = {}
        self.names: list[str] = []
        self.dying: set[str] = set()

    async def spawn_of(self, file: ModelFile) -> EngineLink:
        ready = self.ready_of.get(file.name, wire.Ready(**{**fields(READY), "name": file.name}))
        engine = StandInEngine(self.scripts.get(file.name, self.script), ready, self.beats)
        link = await engine.connect()
        # Not before: a test that sees the name may go on with the engine at once.
        self.lives.append(engine)
        self.names.append(file.name)
        if file.name in self.dying:
            engine.crash(-6)
        return link

    def live_of(self, name: str) -> StandInEngine:
        """The last engine that ran this file."""
        return [live for live, other in zip(self.lives, self.names, strict=True) if other == name][
            -1
        ]


def fields(message: wire.Ready) -> dict[str, object]:
    return {name: getattr(message, name) for name in wire.Ready.__dataclass_fields__}


def ready_as(name: str) -> wire.Ready:
    return wire.Ready(**{**fields(READY), "name": name})  # type: ignore[arg-type]


def install(folder: Path, gguf: Path, name: str) -> Path:
    """Put a model into the folder's models that differs from all others in its last bytes."""
    models = folder / "data" / "models"
    models.mkdir(parents=True, exist_ok=True)
    temporary = models / f".{name}.tmp"
    shutil.copyfile(gguf, temporary)
    with temporary.open("r+b") as file:
        file.seek(-32, os.SEEK_END)
        file.write(name.encode().ljust(32)[:32])
    target = models / f"{name}.gguf"
    os.replace(temporary, target)
    return target


@pytest.fixture
def house(tmp_path: Path, tiny_gguf: Path) -> Path:
    """A folder with the models "old" (chosen), "new" and "third"."""
    for name in ("old", "new", "third"):
        install(tmp_path, tiny_gguf, name)
    models_folder(tmp_path / "data").choose("old")
    return tmp_path


async def writer(front: RunningHouse) -> str:
    """The name of the model that answers a question asked now."""
    response = await front.translation.Translate(ask())
    return str(response.sql.certificate.model.partition("@")[0])


async def refused_use(front: RunningHouse, name: str) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await front.models.UseModel(pb.UseModelRequest(name=name))
    details = details_of(caught.value)
    return details.code, details.reason


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
        output = wire.Output("x", "stop", 1, float("nan"), float("nan"))
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


async def test_a_model_given_by_flag_is_fixed_but_its_file_is_followed(
    house: Path, tiny_gguf: Path
) -> None:
    engines = EnginesByFile()
    path = house / "data/models/old.gguf"
    async with running_house(house, engines.script, engines=engines, model=path) as front:
        assert await refused_use(front, "new") == (
            grpc.StatusCode.FAILED_PRECONDITION,
            "MODEL_FIXED",
        )
        before = (await front.models.GetModel(pb.GetModelRequest())).model.sha256
        os.replace(house / "data/models/new.gguf", path)
        await until(lambda: front.house.counters["model_swaps"] == 1)
        found = await front.models.GetModel(pb.GetModelRequest())
        assert found.model.sha256 != before
        assert found.state.origin == pb.MODEL_ORIGIN_FLAG


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


async def test_a_choice_written_into_the_folder_is_followed(house: Path) -> None:
    engines = EnginesByFile()
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        models_folder(house / "data").choose("new")
        await until(lambda: front.house.engine.choice.name == "new")
        assert await writer(front) == "new"


async def test_a_file_that_looks_new_and_is_the_same_changes_nothing(house: Path) -> None:
    engines = EnginesByFile()
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        path = house / "data/models/old.gguf"
        copy = path.with_name(".copy.tmp")
        shutil.copyfile(path, copy)
        os.replace(copy, path)
        inode = path.stat().st_ino
        await until(lambda: front.house.engine.current.file.look.inode == inode)
        assert engines.names == ["old"]
        assert (await front.counters())["model_swaps"] == 0


async def test_a_bad_file_is_told_and_tried_once(house: Path, tiny_gguf: Path) -> None:
    engines = EnginesByFile()
    path = house / "data/models/old.gguf"
    good = path.read_bytes()
    async with running_house(house, engines.script, engines=engines, model=None) as front:

        def replace_by(content: bytes) -> None:
            temporary = path.with_name(".bad.tmp")
            temporary.write_bytes(content)
            os.replace(temporary, path)

        async def problem() -> str:
            return str((await front.status.GetStatus(pb.GetStatusRequest())).model_state.problem)

        replace_by(good[: len(good) // 2])
        await until(lambda: front.house.follower.problem)
        assert "cut off" in await problem()
        replace_by(good.replace(b"<|im_end|>", b"<|im_3nd|>"))
        await until(lambda: "ChatML" in front.house.follower.problem)
        path.unlink()
        await until(lambda: "cannot be read" in front.house.follower.problem)
        assert await writer(front) == "old"

        # One that only the engine can judge: tried by one engine, and never again for a touch.
        engines.ready_of["old"] = wire.LoadFailed("the weights are broken")
        other = bytes([*good[:-1], good[-1] ^ 1])
        replace_by(other)
        await until(lambda: "weights are broken" in front.house.follower.problem)
        assert engines.names == ["old", "old"]
        n_rejected = front.house.counters["models_rejected"]
        replace_by(other)
        await until(lambda: front.house.counters["models_rejected"] > n_rejected)
        assert engines.names == ["old", "old"]
        assert "weights are broken" in await problem()

        replace_by(good)
        await until(lambda: not front.house.follower.problem)
        assert await writer(front) == "old"
        assert (await front.counters())["model_swaps"] == 0


async def test_a_file_that_changes_while_it_is_loaded_is_not_taken(house: Path) -> None:
    engines = EnginesByFile()
    engines.ready_of["new"] = None
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        call = asyncio.ensure_future(front.models.UseModel(pb.UseModelRequest(name="new")))
        await until(lambda: "new" in engines.names)
        path = house / "data/models/new.gguf"
        with path.open("r+b") as file:
            file.seek(-32, os.SEEK_END)
            file.write(b"something else, of the same size")
        first = engines.live_of("new")
        del engines.ready_of["new"]
        first.send(ready_as("new"))
        # Whoever notices first, what answers at last is what the file holds at last.
        await call
        found = await front.models.GetModel(pb.GetModelRequest())
        assert found.state.name == "new"
        assert found.model.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert not any(one.grammar_key != "probe" for one in first.generates)


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


async def test_a_file_overwritten_under_a_crashed_engine_is_not_loaded_as_the_old_one(
    house: Path,
) -> None:
    engines = EnginesByFile()
    async with running_house(house, engines.script, engines=engines, model=None) as front:
        path = house / "data/models/old.gguf"
        good = path.read_bytes()
        path.write_bytes(b"GGUF and then nothing")
        engines.live_of("old").crash()
        await until(lambda: front.house.counters["engine_crashes"] >= 2)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await front.translation.Translate(ask())
        assert details_of(caught.value).reason in ("MODEL_UNUSABLE", "ENGINE_UNSTABLE")
        assert engines.names == ["old"]
        path.write_bytes(good)
        await until(lambda: front.house.supervisor.is_ready)
        assert await writer(front) == "old"
