"""grpc.health.v1: is the front alive, and would a question be answered now?

"" and "liveness" are the front's: it answers, so it serves. "sqlstrict.v1.TranslationService" is
readiness: the model is loaded, the engine's heartbeat is fresh, and the daemon is not stopping.
Asked live at each call, not kept, so that it cannot be stale.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from grpc_health.v1 import health_pb2

from sqlstrictd.counters import Counters
from sqlstrictd.errors import SqlstrictError, Status
from sqlstrictd.service.call import Boundary, Call, Handler

SERVICE = "grpc.health.v1.Health"
READINESS = "sqlstrict.v1.TranslationService"
LIVENESS = ("", "liveness")
WATCH_S = 0.2
SERVING = int(health_pb2.HealthCheckResponse.SERVING)
NOT_SERVING = int(health_pb2.HealthCheckResponse.NOT_SERVING)
SERVICE_UNKNOWN = int(health_pb2.HealthCheckResponse.SERVICE_UNKNOWN)


class UnknownService(SqlstrictError):
    """Health was asked of a service that is not known here."""

    status = Status.NOT_FOUND
    reason = "UNKNOWN_SERVICE"


class Health:
    """The methods of Health."""

    def __init__(self, is_ready: Callable[[], bool], counters: Counters) -> None:
        self._is_ready = is_ready
        self._counters = counters
        self.is_stopping = False

    def handlers(self, boundary: Boundary) -> dict[str, Handler]:
        """Return the handlers by method name."""
        return {
            "Check": boundary.unary("Health.Check", health_pb2.HealthCheckRequest, self._check),
            "Watch": boundary.server_stream(
                "Health.Watch", health_pb2.HealthCheckRequest, self._watch
            ),
            "List": boundary.unary("Health.List", health_pb2.HealthListRequest, self._list),
        }

    async def _check(
        self, call: Call, request: health_pb2.HealthCheckRequest
    ) -> health_pb2.HealthCheckResponse:
        status = self._status(request.service)
        if status == SERVICE_UNKNOWN:
            raise UnknownService(f"known are 'liveness' and {READINESS!r}")
        return health_pb2.HealthCheckResponse(status=status)

    async def _list(
        self, call: Call, request: health_pb2.HealthListRequest
    ) -> health_pb2.HealthListResponse:
        response = health_pb2.HealthListResponse()
        for name in (*LIVENESS, READINESS):
            response.statuses[name].status = self._status(name)
        return response

    async def _watch(self, call: Call, request: health_pb2.HealthCheckRequest) -> None:
        """Write the status now and whenever it changes, until the client goes or we stop."""
        last = None
        while True:
            status = self._status(request.service)
            if status != last:
                message = health_pb2.HealthCheckResponse(status=status)
                await call.write(message, self._counters)
                last = status
            if self.is_stopping:
                return
            await asyncio.sleep(WATCH_S)

    def _status(self, service: str) -> int:
        if service in LIVENESS:
            is_serving = not self.is_stopping
        elif service == READINESS:
            is_serving = self._is_ready() and not self.is_stopping
        else:
            return SERVICE_UNKNOWN
        return SERVING if is_serving else NOT_SERVING
