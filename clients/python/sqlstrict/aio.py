"""The client for asyncio: the same names as `client.py`, and the same calls of `calls.py`.

Only waiting is done here; arguments, answers and errors are those of the sync client.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar, Unpack

import grpc
import grpc.aio

from sqlstrict import answers, calls, channel, errors
from sqlstrict.model_answers import CurrentModel, ModelFile

Result = TypeVar("Result")


class AsyncClient:
    """A connection to the daemon for one event loop; see `Client` for the arguments."""

    def __init__(
        self,
        address: str | None = None,
        *,
        timeout_s: float = channel.DEFAULT_TIMEOUT_S,
        wait_for_ready: bool = False,
    ) -> None:
        self._path = channel.resolve_address(address)
        self._timeout_s = channel.check_timeout(timeout_s)
        self._waits = wait_for_ready
        self._is_probed = False
        self._channel = grpc.aio.insecure_channel(
            channel.target(self._path), options=channel.OPTIONS
        )

    @property
    def address(self) -> str:
        """The daemon's address, as `--address` takes it."""
        return channel.format_address(self._path)

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection; calls under way end with `Cancelled`."""
        await self._channel.close(grace=None)

    async def translate(
        self,
        question: str,
        *,
        timeout_s: float | None = None,
        **options: Unpack[calls.QuestionOptions],
    ) -> answers.Answer:
        """Turn a question into SQL or a refusal; `calls.QuestionOptions` lists the options."""
        return await self._answer(calls.translate(question, **options), timeout_s)

    def stream(
        self,
        question: str,
        *,
        include_draft: bool = False,
        timeout_s: float | None = None,
        **options: Unpack[calls.QuestionOptions],
    ) -> AsyncIterator[answers.Event]:
        """Do the same with progress on the way; the last event is the `Answer`.

        Closing the iterator early cancels the question.
        """
        call = calls.stream(question, include_draft=include_draft, **options)
        return self._events(call, timeout_s)

    def batch(
        self,
        questions: Iterable[str] | AsyncIterable[str],
        *,
        timeout_s: float | None = None,
        **options: Unpack[calls.QuestionOptions],
    ) -> AsyncIterator[answers.BatchResult]:
        """Ask many questions on one stream; the results come in their order.

        Questions are drawn as the daemon takes them. An error of one does not end the batch; one
        that drawing them raises is raised after the results of those before. `timeout_s` is for
        the whole batch, 600 by default.
        """
        calls.batched("", **options)  # so that a wrong option is said here, not at the first result
        return self._results(questions, options, timeout_s)

    async def prefill(
        self,
        question_beginning: str = "",
        *,
        timeout_s: float | None = None,
        **options: Unpack[calls.SchemaOptions],
    ) -> None:
        """Have a schema, and what is typed of a question so far, read before the question is asked.

        Returns at once; it is a hint, and no answer depends on it.
        """
        await self._answer(calls.prefill(question_beginning, **options), timeout_s)

    async def register_schema(
        self, name: str, ddl: str, *, dialect: str = "", timeout_s: float | None = None
    ) -> answers.RegisteredSchema:
        """Keep a schema under a name, replacing one of that name."""
        return await self._answer(calls.register_schema(name, ddl, dialect=dialect), timeout_s)

    async def get_schema(self, name: str, *, timeout_s: float | None = None) -> answers.Schema:
        """Fetch a registered schema with its tables."""
        return await self._answer(calls.get_schema(name), timeout_s)

    async def list_schemas(self, *, timeout_s: float | None = None) -> list[answers.SchemaInfo]:
        """Fetch all registered schemas, ordered by name."""
        found, next_page = await self._answer(calls.list_schemas(), timeout_s)
        while next_page:
            page, next_page = await self._answer(calls.list_schemas(next_page), timeout_s)
            found += page
        return found

    async def delete_schema(self, name: str, *, timeout_s: float | None = None) -> None:
        """Forget a registered schema."""
        await self._answer(calls.delete_schema(name), timeout_s)

    async def check(
        self,
        statement: str,
        *,
        check_writable: bool = True,
        timeout_s: float | None = None,
        **options: Unpack[calls.CheckOptions],
    ) -> answers.CheckReport:
        """Judge a statement without the model; `calls.CheckOptions` lists the options."""
        call = calls.check(statement, check_writable=check_writable, **options)
        return await self._answer(call, timeout_s)

    async def model(self, *, timeout_s: float | None = None) -> CurrentModel:
        """Fetch which model answers, and where it came from."""
        return await self._answer(calls.model(), timeout_s)

    async def models(self, *, timeout_s: float | None = None) -> list[ModelFile]:
        """Fetch the models of the daemon's models folder, ordered by name."""
        return await self._answer(calls.models(), timeout_s)

    async def use_model(self, name: str, *, timeout_s: float | None = None) -> CurrentModel:
        """Choose a model of the models folder, and return when it answers.

        No question fails for it. Raises `ModelNotUsed` where the model before goes on. `timeout_s`
        is 600 by default, since a large model takes its time to load.
        """
        limit_s = channel.LONG_TIMEOUT_S if timeout_s is None else timeout_s
        return await self._answer(calls.use_model(name), limit_s)

    async def status(self, *, timeout_s: float | None = None) -> answers.Status:
        """Fetch how the daemon is."""
        return await self._answer(calls.status(), timeout_s)

    async def is_ready(self, *, timeout_s: float | None = None) -> bool:
        """Return whether a question would be answered now. Does not raise `NotReachable`."""
        try:
            return (await self.status(timeout_s=timeout_s)).is_ready
        except (errors.NotReachable, errors.Unavailable):
            return False

    async def wait_for_ready(self, *, timeout_s: float | None = None) -> answers.Status:
        """Wait until a question would be answered. Raises `DeadlineExceeded` when it takes longer.

        A daemon that is not there yet is waited for too.
        """
        limit_s = self._limit(timeout_s)
        deadline = time.monotonic() + limit_s
        failure: errors.SqlstrictError | None = None
        has_answered = False
        while True:
            try:
                left_s = max(deadline - time.monotonic(), channel.POLL_S)
                found = await self.status(timeout_s=left_s)
                if found.is_ready:
                    return found
                failure, has_answered = None, True
            except (errors.DaemonNotRunning, errors.Unavailable) as error:
                failure = error
            except errors.DeadlineExceeded as error:
                # The last look was cut off; what those before it found says more.
                failure = failure if has_answered else error
            if time.monotonic() + channel.POLL_S >= deadline:
                raise channel.never_ready(limit_s, failure) from failure
            await asyncio.sleep(channel.POLL_S)

    def _limit(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else channel.check_timeout(timeout_s)

    @asynccontextmanager
    async def _within(self, limit_s: float) -> AsyncIterator[dict[str, Any]]:
        """Reach the daemon, give gRPC what is left of the time, and turn its errors into ours."""
        deadline = time.monotonic() + limit_s
        is_new = not self._is_probed
        if is_new:
            for pause_s in channel.pauses_until_reachable(self._path, self._waits, deadline):
                await asyncio.sleep(pause_s)
            self._is_probed = True
        try:
            # Somebody listens, so a connection that gRPC holds for broken is worth waiting for.
            waits = self._waits or is_new
            yield {"timeout": deadline - time.monotonic(), "wait_for_ready": waits}
        except grpc.RpcError as error:
            failure = channel.from_rpc_error(error, self._path, limit_s)
            self._is_probed = not isinstance(failure, errors.NotReachable)
            raise failure from error

    async def _answer(self, call: calls.Call[Result], timeout_s: float | None) -> Result:
        async with self._within(self._limit(timeout_s)) as options:
            send = self._channel.unary_unary(call.path, **channel.serializers(call))
            response = await send(call.request, **options)
        return call.read(response)

    async def _events(
        self, call: calls.Call[answers.Event | None], timeout_s: float | None
    ) -> AsyncIterator[answers.Event]:
        event = None
        async with self._within(self._limit(timeout_s)) as options:
            send = self._channel.unary_stream(call.path, **channel.serializers(call))
            responses: Any = send(call.request, **options)
            try:
                async for response in responses:
                    event = call.read(response)
                    if event is not None:
                        yield event
            finally:
                responses.cancel()
        channel.check_last(event)

    async def _results(
        self,
        questions: Iterable[str] | AsyncIterable[str],
        options: calls.QuestionOptions,
        timeout_s: float | None,
    ) -> AsyncIterator[answers.BatchResult]:
        failures: list[Exception] = []
        n_asked = n_answered = 0

        async def feed() -> AsyncIterator[Any]:
            nonlocal n_asked
            try:
                async for question in _drawn(questions):
                    n_asked += 1
                    yield calls.batched(question, **options)
            except Exception as error:
                failures.append(error)

        call = calls.batch()
        limit_s = channel.LONG_TIMEOUT_S if timeout_s is None else timeout_s
        async with self._within(self._limit(limit_s)) as call_options:
            send = self._channel.stream_stream(call.path, **channel.serializers(call))
            responses: Any = send(feed(), **call_options)
            try:
                async for response in responses:
                    n_answered += 1
                    yield call.read(response)
            finally:
                responses.cancel()
        if failures:
            raise failures[0]
        channel.check_answered(n_answered, n_asked)


async def _drawn(questions: Iterable[str] | AsyncIterable[str]) -> AsyncIterator[str]:
    if isinstance(questions, AsyncIterable):
        async for question in questions:
            yield question
    else:
        for question in questions:
            yield question
