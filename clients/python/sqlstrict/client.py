"""The client for ordinary code: each method makes one call of `calls.py` and waits for it.

`aio.py` has the same names for asyncio. Arguments are checked in `calls.py`, answers are read in
`reading.py`, errors come from `errors.py`; only waiting is done here.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, Unpack

import grpc

from sqlstrict import answers, calls, channel, errors
from sqlstrict.model_answers import CurrentModel, ModelFile

Result = TypeVar("Result")


class Client:
    """A connection to the daemon; threads may share it.

    `address` defaults to `SQLSTRICT_ADDRESS`, then to the user's own socket. `timeout_s` is the
    deadline of every call that names none. With `wait_for_ready` a call waits, up to its deadline,
    for a daemon that is not there yet. Every method raises a `SqlstrictError` when it fails.
    """

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
        self._channel = grpc.insecure_channel(channel.target(self._path), options=channel.OPTIONS)

    @property
    def address(self) -> str:
        """The daemon's address, as `--address` takes it."""
        return channel.format_address(self._path)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; calls under way end with `Cancelled`."""
        self._channel.close()

    def translate(
        self,
        question: str,
        *,
        timeout_s: float | None = None,
        **options: Unpack[calls.QuestionOptions],
    ) -> answers.Answer:
        """Turn a question into SQL or a refusal; `calls.QuestionOptions` lists the options."""
        return self._answer(calls.translate(question, **options), timeout_s)

    def stream(
        self,
        question: str,
        *,
        include_draft: bool = False,
        timeout_s: float | None = None,
        **options: Unpack[calls.QuestionOptions],
    ) -> Iterator[answers.Event]:
        """Do the same with progress on the way; the last event is the `Answer`.

        Leaving the loop early cancels the question.
        """
        call = calls.stream(question, include_draft=include_draft, **options)
        return self._events(call, timeout_s)

    def batch(
        self,
        questions: Iterable[str],
        *,
        timeout_s: float | None = None,
        **options: Unpack[calls.QuestionOptions],
    ) -> Iterator[answers.BatchResult]:
        """Ask many questions on one stream; the results come in their order.

        Questions are drawn as the daemon takes them, in another thread. An error of one does not
        end the batch; one that drawing them raises is raised after the results of those before.
        `timeout_s` is for the whole batch, 600 by default.
        """
        calls.batched("", **options)  # so that a wrong option is said here, not at the first result
        return self._results(questions, options, timeout_s)

    def prefill(
        self,
        question_beginning: str = "",
        *,
        timeout_s: float | None = None,
        **options: Unpack[calls.SchemaOptions],
    ) -> None:
        """Have a schema, and what is typed of a question so far, read before the question is asked.

        Returns at once; it is a hint, and no answer depends on it.
        """
        self._answer(calls.prefill(question_beginning, **options), timeout_s)

    def register_schema(
        self, name: str, ddl: str, *, dialect: str = "", timeout_s: float | None = None
    ) -> answers.RegisteredSchema:
        """Keep a schema under a name, replacing one of that name."""
        return self._answer(calls.register_schema(name, ddl, dialect=dialect), timeout_s)

    def get_schema(self, name: str, *, timeout_s: float | None = None) -> answers.Schema:
        """Fetch a registered schema with its tables."""
        return self._answer(calls.get_schema(name), timeout_s)

    def list_schemas(self, *, timeout_s: float | None = None) -> list[answers.SchemaInfo]:
        """Fetch all registered schemas, ordered by name."""
        found, next_page = self._answer(calls.list_schemas(), timeout_s)
        while next_page:
            page, next_page = self._answer(calls.list_schemas(next_page), timeout_s)
            found += page
        return found

    def delete_schema(self, name: str, *, timeout_s: float | None = None) -> None:
        """Forget a registered schema."""
        self._answer(calls.delete_schema(name), timeout_s)

    def check(
        self,
        statement: str,
        *,
        check_writable: bool = True,
        timeout_s: float | None = None,
        **options: Unpack[calls.CheckOptions],
    ) -> answers.CheckReport:
        """Judge a statement without the model; `calls.CheckOptions` lists the options."""
        call = calls.check(statement, check_writable=check_writable, **options)
        return self._answer(call, timeout_s)

    def model(self, *, timeout_s: float | None = None) -> CurrentModel:
        """Fetch which model answers, and where it came from."""
        return self._answer(calls.model(), timeout_s)

    def models(self, *, timeout_s: float | None = None) -> list[ModelFile]:
        """Fetch the models of the daemon's models folder, ordered by name."""
        return self._answer(calls.models(), timeout_s)

    def use_model(self, name: str, *, timeout_s: float | None = None) -> CurrentModel:
        """Choose a model of the models folder, and return when it answers.

        No question fails for it. Raises `ModelNotUsed` where the model before goes on. `timeout_s`
        is 600 by default, since a large model takes its time to load.
        """
        limit_s = channel.LONG_TIMEOUT_S if timeout_s is None else timeout_s
        return self._answer(calls.use_model(name), limit_s)

    def status(self, *, timeout_s: float | None = None) -> answers.Status:
        """Fetch how the daemon is."""
        return self._answer(calls.status(), timeout_s)

    def is_ready(self, *, timeout_s: float | None = None) -> bool:
        """Return whether a question would be answered now. Does not raise `NotReachable`."""
        try:
            return self.status(timeout_s=timeout_s).is_ready
        except (errors.NotReachable, errors.Unavailable):
            return False

    def wait_for_ready(self, *, timeout_s: float | None = None) -> answers.Status:
        """Wait until a question would be answered. Raises `DeadlineExceeded` when it takes longer.

        A daemon that is not there yet is waited for too.
        """
        limit_s = self._limit(timeout_s)
        deadline = time.monotonic() + limit_s
        failure: errors.SqlstrictError | None = None
        has_answered = False
        while True:
            try:
                found = self.status(timeout_s=max(deadline - time.monotonic(), channel.POLL_S))
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
            time.sleep(channel.POLL_S)

    def _limit(self, timeout_s: float | None) -> float:
        return self._timeout_s if timeout_s is None else channel.check_timeout(timeout_s)

    @contextmanager
    def _within(self, limit_s: float) -> Iterator[dict[str, Any]]:
        """Reach the daemon, give gRPC what is left of the time, and turn its errors into ours."""
        deadline = time.monotonic() + limit_s
        is_new = not self._is_probed
        if is_new:
            for pause_s in channel.pauses_until_reachable(self._path, self._waits, deadline):
                time.sleep(pause_s)
            self._is_probed = True
        try:
            # Somebody listens, so a connection that gRPC holds for broken is worth waiting for.
            waits = self._waits or is_new
            yield {"timeout": deadline - time.monotonic(), "wait_for_ready": waits}
        except grpc.RpcError as error:
            failure = channel.from_rpc_error(error, self._path, limit_s)
            self._is_probed = not isinstance(failure, errors.NotReachable)
            raise failure from error

    def _answer(self, call: calls.Call[Result], timeout_s: float | None) -> Result:
        with self._within(self._limit(timeout_s)) as options:
            send = self._channel.unary_unary(call.path, **channel.serializers(call))
            response = send(call.request, **options)
        return call.read(response)

    def _events(
        self, call: calls.Call[answers.Event | None], timeout_s: float | None
    ) -> Iterator[answers.Event]:
        event = None
        with self._within(self._limit(timeout_s)) as options:
            send = self._channel.unary_stream(call.path, **channel.serializers(call))
            responses: Any = send(call.request, **options)
            try:
                for response in responses:
                    event = call.read(response)
                    if event is not None:
                        yield event
            finally:
                responses.cancel()
        channel.check_last(event)

    def _results(
        self,
        questions: Iterable[str],
        options: calls.QuestionOptions,
        timeout_s: float | None,
    ) -> Iterator[answers.BatchResult]:
        failures: list[Exception] = []
        n_asked = n_answered = 0

        def feed() -> Iterator[Any]:
            nonlocal n_asked
            try:
                for question in questions:
                    n_asked += 1
                    yield calls.batched(question, **options)
            except Exception as error:
                failures.append(error)

        call = calls.batch()
        limit_s = channel.LONG_TIMEOUT_S if timeout_s is None else timeout_s
        with self._within(self._limit(limit_s)) as call_options:
            send = self._channel.stream_stream(call.path, **channel.serializers(call))
            responses: Any = send(feed(), **call_options)
            try:
                for response in responses:
                    n_answered += 1
                    yield call.read(response)
            finally:
                responses.cancel()
        if failures:
            raise failures[0]
        channel.check_answered(n_answered, n_asked)
