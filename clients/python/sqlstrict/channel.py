"""How the client reaches the daemon: which socket, whether to trust it, and how calls are retried.

Both clients use it. A socket is looked at (owner, mode) and tried with a plain `connect` before
gRPC sees it, because gRPC alone would take seconds to say that nothing listens, and would send the
question to whoever does. Calls that end with UNAVAILABLE are repeated by gRPC itself.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
from sqlstrict_proto import address as addresses
from sqlstrict_proto.address import AddressError, AddressProblem

from sqlstrict import answers, calls, errors

DEFAULT_TIMEOUT_S = 30.0
# Of a whole batch, whose questions also have the daemon's own each, and of loading a model.
LONG_TIMEOUT_S = 600.0
# How long to sleep between looks at a daemon that is not there yet.
POLL_S = 0.05

# Every call may be sent twice without harm but DeleteSchema, whose second answer is NOT_FOUND.
_RETRIED: tuple[dict[str, str], ...] = (
    {"service": "sqlstrict.v1.TranslationService"},
    {"service": "sqlstrict.v1.CheckService"},
    {"service": "sqlstrict.v1.StatusService"},
    {"service": "sqlstrict.v1.ModelService"},
    {"service": "sqlstrict.v1.SchemaService", "method": "RegisterSchema"},
    {"service": "sqlstrict.v1.SchemaService", "method": "GetSchema"},
    {"service": "sqlstrict.v1.SchemaService", "method": "ListSchemas"},
)
_SERVICE_CONFIG: dict[str, Any] = {
    "methodConfig": [
        {
            "name": list(_RETRIED),
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
    # After five failures that no successes outweigh, calls are not repeated any more: repeating
    # them would only load a daemon that is in trouble.
    "retryThrottling": {"maxTokens": 10, "tokenRatio": 0.5},
}
OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.max_receive_message_length", 16 * 2**20),
)


def resolve_address(address: str | None, environ: Mapping[str, str] | None = None) -> Path:
    """Return the socket to use: the address given, else `SQLSTRICT_ADDRESS`, else the default.

    Raises `InvalidAddress`.
    """
    environ = os.environ if environ is None else environ
    # An empty variable counts as none, as it does for the daemon.
    text = address if address is not None else environ.get("SQLSTRICT_ADDRESS") or None
    try:
        if text is None:
            return addresses.default_socket_path(environ)
        return addresses.parse_address(text)
    except AddressError as error:
        source = "SQLSTRICT_ADDRESS: " if text is not None and address is None else ""
        raise errors.InvalidAddress(f"{source}{error}", field="address") from error


def target(path: Path) -> str:
    """Return a socket's path as gRPC takes it."""
    return addresses.grpc_target(path)


def format_address(path: Path) -> str:
    """Return a socket's path as an address."""
    return addresses.format_address(path)


def probe(path: Path) -> None:
    """Raise `NotReachable` unless something listens on a socket that is ours alone."""
    try:
        addresses.check_socket(path)
        with socket.socket(socket.AF_UNIX) as probing:
            probing.setblocking(False)
            probing.connect(str(path))
    except AddressError as error:
        if error.problem is AddressProblem.MISSING:
            raise _not_running(path) from error
        raise errors.UntrustedSocket(str(error), reason="UNTRUSTED_SOCKET") from error
    except BlockingIOError:
        # Its backlog is full, so somebody listens.
        return
    except (ConnectionRefusedError, FileNotFoundError) as error:
        raise _not_running(path) from error
    except OSError as error:
        raise errors.NotReachable(
            f"cannot connect to {addresses.format_address(path)}: {error.strerror}"
        ) from error


def pauses_until_reachable(path: Path, waits: bool, deadline: float) -> Iterator[float]:
    """Yield how long to sleep before the next look, until something listens at the path.

    `deadline` is on the clock of `time.monotonic`. Raises `NotReachable` as `probe` does: at once
    without `waits` or when waiting cannot help, else at the deadline.
    """
    while True:
        try:
            probe(path)
        except errors.DaemonNotRunning:
            if not waits or time.monotonic() + POLL_S >= deadline:
                raise
        else:
            return
        yield POLL_S


def from_rpc_error(error: Any, path: Path, timeout_s: float) -> errors.SqlstrictError:
    """Return the exception of a failed call; `error` is what gRPC's sync or async half raised."""
    code: grpc.StatusCode = error.code()
    details = b""
    for key, value in error.trailing_metadata() or ():
        if key == errors.DETAILS_KEY:
            details = value
    found = errors.from_status(code.name, error.details() or "", details)
    if found.reason:
        return found
    # Without a reason the daemon did not end this call, but gRPC on either side did.
    if isinstance(found, errors.Unavailable | errors.DeadlineExceeded):
        try:
            probe(path)
        except errors.NotReachable as gone:
            return gone
    if isinstance(found, errors.DeadlineExceeded):
        return errors.DeadlineExceeded(
            f"no answer within {timeout_s:g} s; give it more time (timeout_s, --timeout), or look"
            " at `sqlstrict status`",
            reason="DEADLINE_EXCEEDED",
            code=found.code,
        )
    return found


def serializers(call: calls.Call[Any]) -> dict[str, Any]:
    """Return how gRPC turns the call's messages into bytes and back."""
    return {
        "request_serializer": type(call.request).SerializeToString,
        "response_deserializer": call.response.FromString,
    }


def check_last(event: answers.Event | None) -> None:
    """Raise `DaemonError` when a stream ended before its answer."""
    if not isinstance(event, answers.Answer):
        raise errors.DaemonError("the daemon ended the stream without an answer")


def check_answered(n_answered: int, n_asked: int) -> None:
    """Raise `DaemonError` when a batch ended before its last answer."""
    if n_answered < n_asked:
        raise errors.DaemonError(
            f"the daemon ended the batch after {n_answered} of {n_asked} answers"
        )


def never_ready(limit_s: float, failure: errors.SqlstrictError | None) -> errors.DeadlineExceeded:
    """Return the error of a daemon that did not become ready in time, and why it is not."""
    why = failure.message if failure else "it runs but has no model ready; see `sqlstrict status`"
    return errors.DeadlineExceeded(
        f"the daemon was not ready within {limit_s:g} s: {why}", reason="NOT_READY"
    )


def check_timeout(timeout_s: float) -> float:
    """Return a deadline in seconds. Raises `InvalidRequest` unless it lies in the future."""
    if not timeout_s > 0:
        raise errors.InvalidRequest(
            f"timeout_s is {timeout_s:g}; it must be over 0", field="timeout_s"
        )
    return timeout_s


def _not_running(path: Path) -> errors.DaemonNotRunning:
    return errors.DaemonNotRunning(
        f"no daemon listens on {addresses.format_address(path)}; start one with `sqlstrict serve`",
        reason="DAEMON_NOT_RUNNING",
    )
