"""StatusService: how the daemon is."""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import __version__
from sqlstrictd.admission import Admission
from sqlstrictd.catalog import Catalog
from sqlstrictd.counters import Counters
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.model.follower import ModelFollower
from sqlstrictd.service.call import Boundary, Call, Handler
from sqlstrictd.service.responses import model_pb, model_state_pb


class StatusService:
    """The method of StatusService."""

    def __init__(
        self,
        engine: EngineRoom,
        follower: ModelFollower,
        admission: Admission,
        catalog: Catalog,
        counters: Counters,
    ) -> None:
        self._engine = engine
        self._follower = follower
        self._admission = admission
        self._catalog = catalog
        self._counters = counters
        self._began = time.monotonic()

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""
        return {"GetStatus": boundary.unary("GetStatus", pb.GetStatusRequest, self._get)}

    async def _get(self, call: Call, request: pb.GetStatusRequest) -> pb.GetStatusResponse:
        supervisor = self._engine.current.supervisor
        heartbeat, model = supervisor.heartbeat, supervisor.model
        return pb.GetStatusResponse(
            version=__version__,
            ready=self._engine.is_ready,
            model=model_pb(model, self._engine.current.file) if model else None,
            model_state=model_state_pb(self._engine.choice, self._follower),
            slots=self._admission.slots,
            slots_busy=sum(model.dispatch.n_running for model in self._engine.all_models),
            queued=self._admission.n_waiting,
            batch_queued=self._admission.n_batch_waiting,
            queue_limit=self._admission.queue_limit,
            resident_schemas=heartbeat.resident_schemas if heartbeat else 0,
            registered_schemas=len(self._catalog),
            front_memory_bytes=resident_memory_bytes(),
            engine_memory_bytes=heartbeat.memory_bytes if heartbeat else 0,
            uptime_s=time.monotonic() - self._began,
            counters=self._counters.counts,
            last_errors=self._counters.last_errors,
            front_pid=os.getpid(),
            engine_pid=supervisor.pid,
        )


def resident_memory_bytes() -> int:
    """Return the memory of this process; its highest so far where the system tells no more."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")
