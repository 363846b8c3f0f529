"""The parts of the daemon, put together: who is given whom. No part makes another part by itself.

`server.py` builds one house for the life of the process; tests build theirs with a stand-in engine.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import grpc
from grpc_reflection.v1alpha import reflection
from sqlstrict_proto.address import grpc_target
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import limits
from sqlstrictd.admission import Admission
from sqlstrictd.catalog import Catalog
from sqlstrictd.check import Check
from sqlstrictd.config import Config
from sqlstrictd.counters import Counters
from sqlstrictd.dispatch import Dispatch
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import CannotStart, ShuttingDown
from sqlstrictd.grammars import Grammars
from sqlstrictd.model.choice import Choice, ModelChoice
from sqlstrictd.model.file import ModelFile
from sqlstrictd.model.first import Probe, start_first
from sqlstrictd.model.follower import ModelFollower, Pace
from sqlstrictd.model.free_memory import free_memory_bytes
from sqlstrictd.model.loaded import Spawn
from sqlstrictd.model.swap import ModelSwap, probe
from sqlstrictd.read_ahead import ReadAhead
from sqlstrictd.service import health
from sqlstrictd.service.call import Boundary, Handler
from sqlstrictd.service.check import CheckService
from sqlstrictd.service.health import Health
from sqlstrictd.service.models import ModelService
from sqlstrictd.service.schemas import SchemaService
from sqlstrictd.service.status import StatusService
from sqlstrictd.service.translation import TranslationService
from sqlstrictd.supervisor import Patience, Supervisor
from sqlstrictd.translate import Translator
from sqlstrictd.worker.tasks import Workers

log = logging.getLogger(__name__)

# Calls beyond this are refused by gRPC itself, before any code of ours runs.
MAX_CALLS = 128
OPTIONS = (
    ("grpc.max_receive_message_length", limits.MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", limits.MAX_REPLY_BYTES),
    ("grpc.max_concurrent_streams", 32),
    ("grpc.max_metadata_size", 8192),
    ("grpc.absolute_max_metadata_size", 16384),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 30_000),
    ("grpc.http2.max_ping_strikes", 2),
    ("grpc.max_connection_idle_ms", 30 * 60_000),
    ("grpc.enable_http_proxy", 0),
)
DRAIN_POLL_S = 0.02
LAST_WORDS_S = 1.0


class Service(Protocol):
    """A service of the contract: its methods, made into gRPC's handlers."""

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""


class House:
    """Everything that answers requests."""

    def __init__(
        self,
        config: Config,
        choices: ModelChoice,
        choice: Choice,
        model_file: ModelFile,
        spawn: Spawn,
        patience: Patience | None = None,
        workers: Workers | None = None,
        pace: Pace | None = None,
        free_memory: Callable[[], int | None] = free_memory_bytes,
        first_probe: Probe = probe,
    ) -> None:
        self.config = config
        self.counters = Counters()
        self.workers = workers or Workers(self.counters)
        self.catalog = Catalog(config.data_folder / "schemas", self.workers.parse)
        self.engine = EngineRoom(choice, model_file, spawn, self.counters, patience)
        self._swap = ModelSwap(self.engine, patience, free_memory)
        self._probe = first_probe
        self.follower = ModelFollower(choices, self.engine, self._swap, self.counters, pace)
        self.admission = Admission(config.slots, config.queue_limit)
        self.health = Health(lambda: self.engine.is_ready, self.counters)
        grammars = Grammars()
        translator = Translator(
            self.catalog,
            grammars,
            self.engine,
            self.workers,
            self.counters,
            config.log_content,
        )
        read_ahead = ReadAhead(self.catalog, self.engine, self.counters)
        check = Check(self.catalog, grammars, self.engine, self.workers, self.counters)
        self._services: dict[str, Service] = {
            "sqlstrict.v1.TranslationService": TranslationService(
                translator, read_ahead, self.admission, self.counters, config.log_content
            ),
            "sqlstrict.v1.SchemaService": SchemaService(self.catalog, self.engine, self.counters),
            "sqlstrict.v1.CheckService": CheckService(check),
            "sqlstrict.v1.ModelService": ModelService(self.engine, self.follower),
            "sqlstrict.v1.StatusService": StatusService(
                self.engine,
                self.follower,
                self.admission,
                self.catalog,
                self.counters,
            ),
            health.SERVICE: self.health,
        }
        self._server: grpc.aio.Server | None = None

    @property
    def supervisor(self) -> Supervisor:
        """The supervisor of the model that answers."""
        return self.engine.current.supervisor

    @property
    def dispatch(self) -> Dispatch:
        """The requests of the model that answers."""
        return self.engine.current.dispatch

    async def open(self, socket_path: Path) -> None:
        """Bind the socket and answer calls. Raises CannotStart."""
        boundary = Boundary(self.counters, self.config.max_deadline_s)
        server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=MAX_CALLS)
        for name, service in self._services.items():
            handlers = grpc.method_handlers_generic_handler(name, service.handlers(boundary))
            server.add_generic_rpc_handlers((handlers,))
        if self.config.reflection:
            # The file's import registers its messages; the names tell which services are here.
            assert pb.DESCRIPTOR.name
            reflection.enable_server_reflection((*self._services, reflection.SERVICE_NAME), server)
        try:
            server.add_insecure_port(grpc_target(socket_path))
        except RuntimeError as error:
            raise CannotStart(f"the socket {socket_path} cannot be bound") from error
        self.catalog.load()
        for registered in self.catalog.list():
            self.engine.prefill(registered.schema)
        await server.start()
        self._server = server

    async def start_engine(self) -> None:
        """Start the engine and the checker, and wait until both can work. Raises CannotStart.

        From then on the model is followed.
        """
        first = start_first(self.engine, self._swap, self.follower.choices, self._probe)
        rejected, _ = await asyncio.gather(first, self.workers.warm())
        self.follower.start(rejected)

    async def drain(self, grace_s: float, hurry: asyncio.Event) -> None:
        """Let running questions end, for `grace_s` or until `hurry`; turn away all others."""
        self.health.is_stopping = True
        stopping = ShuttingDown("the daemon is stopping; ask again when it is up")
        self.admission.close(stopping)
        self.engine.refuse(stopping)
        await self.follower.stop()
        self.engine.refuse(stopping)  # A model may have taken the place of another until then.
        loop = asyncio.get_running_loop()
        end = loop.time() + grace_s
        while self.admission.n_inside and loop.time() < end and not hurry.is_set():
            await asyncio.sleep(DRAIN_POLL_S)
        if self.admission.n_inside:
            log.warning("%d questions did not end in time", self.admission.n_inside)
        self.engine.abort(stopping)

    async def close(self) -> None:
        """Stop answering, and end every process of the house."""
        for model in self.engine.all_models:
            model.supervisor.is_stopping = True
        if self._server is not None:
            await self._server.stop(LAST_WORDS_S)
        await self.engine.close()
        await self.workers.close()
