"""Stand-in engines that know which model's file they run, and a folder of models for them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import grpc
import pytest
from running_house import GOOD_SQL, RunningHouse, ask, details_of
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrictd.engine import wire
from sqlstrictd.engine_process import EngineLink
from sqlstrictd.model.file import ModelFile
from stand_in_engine import (
    READY,
    Script,
    StandInEngine,
    StandInEngines,
    answering,
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
    """The message of an engine that has loaded the model of this name."""
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


async def writer(front: RunningHouse) -> str:
    """The name of the model that answers a question asked now."""
    response = await front.translation.Translate(ask())
    return str(response.sql.certificate.model.partition("@")[0])


async def refused_use(front: RunningHouse, name: str) -> tuple[grpc.StatusCode, str]:
    """Choose a model in vain; returns the code and the reason."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await front.models.UseModel(pb.UseModelRequest(name=name))
    details = details_of(caught.value)
    return details.code, details.reason
