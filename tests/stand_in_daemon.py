"""A stand-in for the daemon at the client's only seam, the socket: scripted replies over real gRPC.

It parses and answers nothing by itself. Each method has a queue of replies; the last one stays.
"""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from sqlstrict_proto import address
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb


@dataclass
class Failure:
    """An error as the daemon sends it; without a reason, as bare gRPC does."""

    code: grpc.StatusCode
    message: str = "it failed"
    reason: str = ""
    field: str = ""
    metadata: dict[str, str] = dataclass_field(default_factory=dict)
    retry_after_s: float | None = None
    raw_details: bytes | None = None

    def details(self) -> bytes:
        """The serialised google.rpc.Status."""
        if self.raw_details is not None:
            return self.raw_details
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        info = error_details_pb2.ErrorInfo(
            reason=self.reason, domain="sqlstrict", metadata=self.metadata
        )
        status.details.add().Pack(info)
        if self.field:
            violation = error_details_pb2.BadRequest.FieldViolation(field=self.field)
            status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        if self.retry_after_s is not None:
            delay = duration_pb2.Duration()
            delay.FromNanoseconds(round(self.retry_after_s * 1e9))
            status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
        return status.SerializeToString()

    async def end(self, context: Any) -> None:
        """End the call with this error."""
        trailer = (("grpc-status-details-bin", self.details()),)
        has_details = self.reason or self.raw_details is not None
        await context.abort(self.code, self.message, trailer if has_details else ())


class Forever:
    """Never answer; the call ends by its deadline or by being cancelled."""


class StandInDaemon:
    """Serves the contract on a Unix socket from a thread of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.address = address.format_address(path)
        self.requests: list[tuple[str, Message]] = []
        self.cancelled = threading.Event()
        self.waiting = threading.Event()
        # How many questions of a batch are answered before it ends; None for all.
        self.batch_ends_after: int | None = None
        self._replies: dict[str, deque[Any]] = defaultdict(deque)

    def reply(self, method: str, *replies: Any) -> None:
        """Script a method: messages, `Failure`s, `Forever`, or lists of these for streams."""
        self._replies[method] = deque(replies)

    def asked(self, method: str) -> list[Any]:
        """The requests that a method has had."""
        return [request for name, request in self.requests if name == method]

    def __enter__(self) -> StandInDaemon:
        self.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self) -> None:
        """Listen; after `stop` this may be done again."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def stop(self) -> None:
        """End every call and close the socket."""
        asyncio.run_coroutine_threadsafe(self._server.stop(None), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _start(self) -> None:
        self._server: Any = grpc.aio.server()
        for service in pb.DESCRIPTOR.services_by_name.values():
            methods = {method.name: self._method(method) for method in service.methods}
            handler = grpc.method_handlers_generic_handler(service.full_name, methods)
            self._server.add_generic_rpc_handlers((handler,))
        self._server.add_insecure_port(address.grpc_target(self.path))
        await self._server.start()

    def _method(self, method: Any) -> grpc.RpcMethodHandler[Any, Any]:
        kinds: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
            "TranslateStream": (grpc.unary_stream_rpc_method_handler, self._streamed),
            "TranslateBatch": (grpc.stream_stream_rpc_method_handler, self._batched),
        }
        kind, answer = kinds.get(method.name, (grpc.unary_unary_rpc_method_handler, self._answered))

        request_type = getattr(pb, method.input_type.name)
        handler: grpc.RpcMethodHandler[Any, Any] = kind(
            partial(answer, method.name),
            request_deserializer=request_type.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        return handler

    def _next(self, method: str) -> Any:
        replies = self._replies[method]
        return replies.popleft() if len(replies) > 1 else replies[0]

    async def _give(self, reply: Any, context: Any) -> Any:
        if isinstance(reply, Failure):
            await reply.end(context)
        if isinstance(reply, Forever):
            self.waiting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        return reply

    async def _answered(self, method: str, request: Message, context: Any) -> Any:
        self.requests.append((method, request))
        return await self._give(self._next(method), context)

    async def _streamed(self, method: str, request: Message, context: Any) -> AsyncIterator[Any]:
        self.requests.append((method, request))
        for reply in self._next(method):
            yield await self._give(reply, context)

    async def _batched(
        self, method: str, requests: AsyncIterator[Message], context: Any
    ) -> AsyncIterator[Any]:
        n_answered = 0
        async for request in requests:
            self.requests.append((method, request))
            if n_answered == self.batch_ends_after:
                return
            n_answered += 1
            yield await self._give(self._next(method), context)
