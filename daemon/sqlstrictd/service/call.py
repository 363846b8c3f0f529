"""The one boundary that every call goes through: bytes in, bytes or a typed status out, a log line.

The methods in the other files get a parsed message and a `Call`; whatever they raise becomes a
status here and nowhere else. gRPC's own parsing is not used: it answers bad bytes with the parser's
text, and an exception that reaches gRPC goes to the client word for word.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from copy import copy
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from sqlstrictd.counters import Counters
from sqlstrictd.errors import (
    DeadlineExceeded,
    InternalError,
    InvalidRequest,
    MalformedMessage,
    RequestCancelled,
    SchemaError,
    SchemaTooLarge,
    SqlstrictError,
)
from sqlstrictd.service.status_details import code_of, trailers_of

log = logging.getLogger(__name__)

# gRPC's own classes, which its published type stubs describe in two ways.
Context = Any
Handler = Any
M = TypeVar("M", bound=Message)
WRITE_LIMIT_S = 5.0
NO_DEADLINE_S = 10 * 365 * 86400.0


class Call:
    """One call: its name for the log, its deadline, and what the log line will say."""

    def __init__(self, method: str, context: Context, max_deadline_s: float) -> None:
        self.method = method
        self.request_id = secrets.token_hex(6)
        self.facts: dict[str, object] = {}
        self.schema_field = "schema.ddl"
        self.began = asyncio.get_running_loop().time()
        remaining_s = context.time_remaining()
        # gRPC gives None or some centuries where the client has set none.
        has_deadline = remaining_s is not None and remaining_s < NO_DEADLINE_S
        self.client_deadline = self.began + remaining_s if has_deadline else None
        self.deadline = self.capped(max_deadline_s)
        self._context = context

    @property
    def context(self) -> Context:
        """gRPC's side of the call."""
        return self._context

    def capped(self, max_deadline_s: float) -> float:
        """Return when work that begins now must end: the client's deadline or the daemon's cap."""
        cap = asyncio.get_running_loop().time() + max_deadline_s
        return cap if self.client_deadline is None else min(cap, self.client_deadline)

    async def write(self, message: Message, counters: Counters) -> None:
        """Send a message of a stream. Raises RequestCancelled where nobody reads it."""
        try:
            async with asyncio.timeout(WRITE_LIMIT_S):
                await self._context.write(message.SerializeToString())
        except TimeoutError as error:
            counters.add("slow_readers")
            raise RequestCancelled(
                f"the client did not read for {WRITE_LIMIT_S:g} s, so the call was ended"
            ) from error


class Boundary:
    """Makes gRPC's handlers out of methods that know only messages and calls."""

    def __init__(self, counters: Counters, max_deadline_s: float) -> None:
        self.counters = counters
        self.max_deadline_s = max_deadline_s

    def unary(
        self,
        name: str,
        request_type: type[M],
        method: Callable[[Call, M], Awaitable[Message]],
        max_deadline_s: float | None = None,
    ) -> Handler:
        """Return the handler of a method with one request and one response.

        `max_deadline_s` is the method's own cap, where it is not that of questions.
        """

        async def rpc(data: bytes, context: Context) -> bytes:
            reply = b""
            async with self._call(name, context) as call:
                request = parse(request_type, data)
                if max_deadline_s is not None:
                    call.deadline = call.capped(max_deadline_s)
                async with asyncio.timeout_at(call.deadline):
                    reply = (await method(call, request)).SerializeToString()
            return reply

        return grpc.unary_unary_rpc_method_handler(rpc)

    def server_stream(
        self, name: str, request_type: type[M], method: Callable[[Call, M], Awaitable[None]]
    ) -> Handler:
        """Return the handler of a method that writes its responses with `call.write`."""

        async def rpc(data: bytes, context: Context) -> None:
            async with self._call(name, context) as call:
                await method(call, parse(request_type, data))

        return grpc.unary_stream_rpc_method_handler(rpc)

    def stream_stream(
        self, name: str, method: Callable[[Call, AsyncIterator[bytes]], Awaitable[None]]
    ) -> Handler:
        """Return the handler of a method that reads raw requests and writes responses."""

        async def rpc(requests: AsyncIterator[bytes], context: Context) -> None:
            async with self._call(name, context) as call:
                await method(call, requests)

        return grpc.stream_stream_rpc_method_handler(rpc)

    @asynccontextmanager
    async def _call(self, name: str, context: Context) -> AsyncIterator[Call]:
        call = Call(name, context, self.max_deadline_s)
        code = "OK"
        try:
            yield call
        except asyncio.CancelledError:
            code = self._count_cancelled(call)
            raise
        except Exception as error:
            known = self.known(error, call)
            code = f"{known.status.name}/{known.reason}"
            await context.abort(code_of(known), known.message, trailers_of(known, call.request_id))
        finally:
            duration_ms = (asyncio.get_running_loop().time() - call.began) * 1000
            facts = "".join(f" {key}={value}" for key, value in call.facts.items())
            # Health and status are asked all the time by whoever watches over us or waits for us.
            is_watching = name == "GetStatus" or name.startswith("Health.")
            level = logging.DEBUG if is_watching else logging.INFO
            text = "%s id=%s code=%s%s ms=%.1f"
            log.log(level, text, name, call.request_id, code, facts, duration_ms)

    def known(self, error: Exception, call: Call) -> SqlstrictError:
        """Return the error as one of ours, counted; an unknown one as INTERNAL, its text hidden."""
        if isinstance(error, TimeoutError):
            error = DeadlineExceeded("the time of the request was over")
        if not isinstance(error, SqlstrictError):
            # Frames and type only: the exception's text may quote the request.
            frames = "".join(traceback.format_tb(error.__traceback__))
            log.error("id=%s %s\n%s", call.request_id, type(error).__name__, frames)
            error = InternalError(f"internal error, id={call.request_id}")
        elif type(error) is DeadlineExceeded and call.client_deadline is None:
            error = DeadlineExceeded(
                f"{error.message} (the daemon's own cap of {self.max_deadline_s:g} s)"
            )
        elif isinstance(error, SchemaError | SchemaTooLarge) and not error.field:
            # The parser does not know where in which message its text stood. A copy, since the
            # same error may be on its way to others who sent the same text.
            error = copy(error)
            error.field = call.schema_field
        self._count(error, call)
        return error

    def _count(self, error: SqlstrictError, call: Call) -> None:
        if isinstance(error, InvalidRequest):
            self.counters.add("invalid_requests")
        elif isinstance(error, DeadlineExceeded):
            self.counters.add("deadline_exceeded")
        elif isinstance(error, RequestCancelled):
            self.counters.add("cancelled")
        elif error.reason == "QUEUE_FULL":
            self.counters.add("queue_full")
        elif isinstance(error, InternalError):
            self.counters.add("internal_errors")
            self.counters.note_error(f"{error.reason} id={call.request_id}")

    def _count_cancelled(self, call: Call) -> str:
        # At the client's deadline gRPC cancels the call, often before our own clock strikes.
        now = asyncio.get_running_loop().time()
        is_late = call.client_deadline is not None and now >= call.client_deadline - 0.05
        self.counters.add("deadline_exceeded" if is_late else "cancelled")
        return "DEADLINE_EXCEEDED" if is_late else "CANCELLED"


def parse(message_type: type[M], data: bytes) -> M:
    """Return the message of the bytes. Raises MalformedMessage."""
    try:
        return message_type.FromString(data)
    except DecodeError as error:
        raise MalformedMessage(
            f"the request is not a {message_type.DESCRIPTOR.full_name} message"
        ) from error
