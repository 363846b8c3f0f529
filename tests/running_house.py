"""The whole front in the test's own process: real gRPC, real workers, a stand-in engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrict_proto.v1 import sqlstrict_pb2_grpc as stubs
from sqlstrictd.config import Config
from sqlstrictd.house import House
from sqlstrictd.model.choice import ModelChoice, find_model_file
from sqlstrictd.model.file import Look, ModelFile
from sqlstrictd.model.first import Probe
from sqlstrictd.model.follower import Pace
from sqlstrictd.model.loaded import LoadedModel
from sqlstrictd.supervisor import Patience
from stand_in_engine import Script, StandInEngines

SHOP = """
CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), price REAL, status TEXT
);
"""
QUESTION = "How many orders are open?"
GOOD_SQL = "SELECT COUNT(*) FROM orders WHERE status = 'open';"
OFTEN = Pace(look_s=0.02, settle_s=0.0)
QUICK = Patience(
    load_s=120.0,
    heartbeat_s=30.0,
    watch_s=0.05,
    backoff_s=(0.01,),
    circuit_retry_s=0.05,
    stop_s=1.0,
)


@dataclass
class RunningHouse:
    """A house that answers on a socket, and the stubs of a client of it."""

    house: House
    engines: StandInEngines
    channel: grpc.aio.Channel

    def __post_init__(self) -> None:
        self.translation = stubs.TranslationServiceStub(self.channel)
        self.schemas = stubs.SchemaServiceStub(self.channel)
        self.checks = stubs.CheckServiceStub(self.channel)
        self.models = stubs.ModelServiceStub(self.channel)
        self.status = stubs.StatusServiceStub(self.channel)

    async def counters(self) -> dict[str, int]:
        return dict((await self.status.GetStatus(pb.GetStatusRequest())).counters)


async def no_probe(model: LoadedModel) -> None:
    """Try nothing: what the first engine of a test gets is what the test asks of it."""


@asynccontextmanager
async def running_house(
    folder: Path,
    script: Script,
    patience: Patience = QUICK,
    engines: StandInEngines | None = None,
    waits: bool = True,
    pace: Pace = OFTEN,
    free_memory: Callable[[], int | None] = lambda: None,
    first_probe: Probe = no_probe,
    **settings: Any,
) -> AsyncIterator[RunningHouse]:
    """Open a house in a folder, by default with its engine up; close it with nothing left.

    Its model is a file that nobody reads, unless the settings say `model=None`: then it is the
    chosen one of the folder's models.
    """
    settings.setdefault("grace_s", 5.0)
    settings.setdefault("model", folder / "model.gguf")
    config = Config(socket_path=folder / "s", data_folder=folder / "data", **settings)
    engines = engines or StandInEngines(script)
    choices = ModelChoice(config)
    if config.model == folder / "model.gguf":
        # Nothing is read of it: the engine is a stand-in.
        config.model.touch()
        choice = await choices.read()
        file = ModelFile(choice.path, "ab" * 32, Look.at(choice.path))
    else:
        choice, file = await find_model_file(choices)
    house = House(
        config,
        choices,
        choice,
        file,
        engines.spawn_of,
        patience,
        pace=pace,
        free_memory=free_memory,
        first_probe=first_probe,
    )
    await house.open(config.socket_path)
    channel = grpc.aio.insecure_channel(
        f"unix:{config.socket_path}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    starting = asyncio.create_task(house.start_engine())
    try:
        if waits:
            await starting
        yield RunningHouse(house, engines, channel)
    finally:
        await channel.close()
        await house.drain(0.0, asyncio.Event())
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await house.close()


def ask(question: str = QUESTION, ddl: str = SHOP, **fields: Any) -> pb.TranslateRequest:
    """A question on the shop."""
    fields.setdefault("schema", pb.SchemaRef(ddl=ddl))
    return pb.TranslateRequest(question=question, **fields)


@dataclass(frozen=True)
class Details:
    """What a typed error carries."""

    code: grpc.StatusCode
    reason: str
    field: str
    metadata: dict[str, str]
    retry_s: float | None


def details_of(error: grpc.aio.AioRpcError) -> Details:
    """Unpack an error's details; fails where there are none, since every error must have them."""
    trailers = dict(error.trailing_metadata())
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert status.code == error.code().value[0]
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    found = [[packed for packed in status.details if packed.Unpack(kind)] for kind in (info, bad)]
    has_retry = any(packed.Unpack(retry) for packed in status.details)
    assert found[0], "an error without ErrorInfo"
    assert info.domain == "sqlstrict"
    return Details(
        error.code(),
        info.reason,
        bad.field_violations[0].field if found[1] else "",
        dict(info.metadata),
        retry.retry_delay.ToNanoseconds() / 1e9 if has_retry else None,
    )
