"""The model's file and the choice in its folder as they change on disk: what is followed, and when.

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
from engines_by_file import EnginesByFile, ready_as, refused_use, writer
from running_house import ask, details_of, running_house
from sqlstrict_convert.models.folder import models_folder
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from stand_in_engine import (
    until,
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
