"""Every exception of the client, and how a call's end becomes one.

    SqlstrictError              reason, code
    ├── NotReachable            no daemon could be asked
    │   ├── DaemonNotRunning       nothing listens at the address
    │   └── UntrustedSocket        the socket or its folder is not yours alone
    ├── InvalidRequest          field, line, column   the request cannot be served as it is
    │   ├── InvalidAddress         the address cannot be used
    │   └── SchemaError            the schema's text cannot be read
    ├── NotFound                no registered schema, or no model, of that name
    ├── Busy                    retry_after_s         full; ask again later
    ├── DeadlineExceeded        the time is over
    ├── Cancelled               the call was cancelled
    ├── NotReady                no model, or an engine that keeps crashing
    ├── ModelNotUsed            the model that was asked for does not answer; the one before does
    ├── Unavailable             the daemon could not finish; asking again may help
    │   ├── EngineCrashed
    │   └── ShuttingDown
    ├── DaemonError             a bug of the daemon's, or a daemon of another version
    ├── SourceError             a schema cannot be read from where it was said to be
    │   └── UnsupportedSource      a kind of database that is not read yet
    └── QueryError              a statement did not run on the user's database

A refusal is an answer and not an error. `from_status` turns a gRPC status with its google.rpc
details into one of these; it is the only place that does. gRPC itself is not imported here.
`NotReachable` is also a ConnectionError and `DeadlineExceeded` a TimeoutError, as Python's own are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo

DETAILS_KEY = "grpc-status-details-bin"


class SqlstrictError(Exception):
    """The base of all errors that the client raises.

    `reason` is stable and may be compared, as "SCHEMA_INVALID"; `code` is the name of the gRPC
    code and `request_id` the daemon's name for the call, as in its log. Both are empty where the
    call never reached the daemon.
    """

    request_id: str = ""

    def __init__(self, message: str, *, reason: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.code = code


class NotReachable(SqlstrictError, ConnectionError):
    """No daemon could be asked."""


class DaemonNotRunning(NotReachable):
    """Nothing listens at the address."""


class UntrustedSocket(NotReachable):
    """The socket or its folder could be another user's, so nothing was sent."""


class InvalidRequest(SqlstrictError):
    """The request breaks a rule of the contract.

    `field` names the field, as "schema.ddl"; `line` and `column` stand in the caller's own text
    and count from 1, 0 where unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "INVALID_FIELD",
        code: str = "",
        field: str = "",
        line: int = 0,
        column: int = 0,
    ) -> None:
        super().__init__(message, reason=reason, code=code)
        self.field = field
        self.line = line
        self.column = column


class InvalidAddress(InvalidRequest):
    """The address cannot be used; the message says what to write instead."""


class SchemaError(InvalidRequest):
    """The schema's text cannot be read."""


class NotFound(SqlstrictError):
    """No registered schema has this name or fingerprint, or no model has this name."""


class Busy(SqlstrictError):
    """The daemon is full. `retry_after_s` is None where waiting does not help."""

    def __init__(
        self, message: str, *, reason: str = "", code: str = "", retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, reason=reason, code=code)
        self.retry_after_s = retry_after_s


class DeadlineExceeded(SqlstrictError, TimeoutError):
    """The time of the call is over."""


class Cancelled(SqlstrictError):
    """The call was cancelled."""


class NotReady(SqlstrictError):
    """The daemon runs but cannot answer: no usable model, or an engine that keeps crashing."""


class ModelNotUsed(SqlstrictError):
    """The model that was asked for does not answer, and the one before goes on.

    `reason` is "MODEL_REJECTED" where its file is broken or no model for this, "MODEL_FIXED" where
    the daemon was started with a model's file, "MODEL_SUPERSEDED" where another was chosen since.
    """


class Unavailable(SqlstrictError):
    """The daemon could not finish the call, though it was tried again."""


class EngineCrashed(Unavailable):
    """The engine ended while it worked on the question."""


class ShuttingDown(Unavailable):
    """The daemon is stopping."""


class DaemonError(SqlstrictError):
    """A bug of the daemon's, or a daemon of another version."""


class SourceError(SqlstrictError):
    """A schema cannot be read from where it was said to be."""


class UnsupportedSource(SourceError):
    """The place is a kind of database that is not read yet."""


class QueryError(SqlstrictError):
    """A statement did not run on the user's database, or was stopped; nothing was written."""


_BY_CODE: Mapping[str, type[SqlstrictError]] = {
    "CANCELLED": Cancelled,
    "INVALID_ARGUMENT": InvalidRequest,
    "DEADLINE_EXCEEDED": DeadlineExceeded,
    "NOT_FOUND": NotFound,
    "RESOURCE_EXHAUSTED": Busy,
    "FAILED_PRECONDITION": NotReady,
    "UNAVAILABLE": Unavailable,
}
_BY_REASON: Mapping[str, type[SqlstrictError]] = {
    "SCHEMA_INVALID": SchemaError,
    "ENGINE_CRASHED": EngineCrashed,
    "SHUTTING_DOWN": ShuttingDown,
    "MODEL_REJECTED": ModelNotUsed,
    "MODEL_FIXED": ModelNotUsed,
    "MODEL_SUPERSEDED": ModelNotUsed,
}
# Numbers of the codes above, for errors that travel inside a message instead of ending a call.
_CODE_NAMES: Mapping[int, str] = {
    1: "CANCELLED",
    2: "UNKNOWN",
    3: "INVALID_ARGUMENT",
    4: "DEADLINE_EXCEEDED",
    5: "NOT_FOUND",
    8: "RESOURCE_EXHAUSTED",
    9: "FAILED_PRECONDITION",
    10: "ABORTED",
    12: "UNIMPLEMENTED",
    13: "INTERNAL",
    14: "UNAVAILABLE",
}


def from_status(code: str, message: str, details: bytes = b"") -> SqlstrictError:
    """Return the exception of a call that ended with this code.

    `details` is a serialised google.rpc.Status, as a daemon sends it in the trailer
    `grpc-status-details-bin`; empty where there is none.
    """
    # Late, so that `sqlstrict --help` does not load protobuf.
    from google.protobuf.message import DecodeError
    from google.rpc import error_details_pb2, status_pb2

    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    has_retry = False
    try:
        for packed in status_pb2.Status.FromString(details).details:
            packed.Unpack(info)
            packed.Unpack(bad_request)
            has_retry = packed.Unpack(retry) or has_retry
    except DecodeError:
        message += " (its details cannot be read: the daemon is of another version)"
    error = _error(code, message, info, bad_request, retry if has_retry else None)
    error.request_id = info.metadata.get("request_id", "")
    return error


def _error(
    code: str, message: str, info: ErrorInfo, bad_request: BadRequest, retry: RetryInfo | None
) -> SqlstrictError:
    kind = _BY_REASON.get(info.reason) or _BY_CODE.get(code, DaemonError)
    if issubclass(kind, InvalidRequest):
        violations = bad_request.field_violations
        return kind(
            message,
            reason=info.reason or "INVALID_FIELD",
            code=code,
            field=violations[0].field if violations else "",
            line=_number(info.metadata.get("line", "")),
            column=_number(info.metadata.get("column", "")),
        )
    if issubclass(kind, Busy):
        after_s = retry.retry_delay.ToTimedelta().total_seconds() if retry else None
        return kind(message, reason=info.reason, code=code, retry_after_s=after_s)
    if kind is DaemonError and code == "UNIMPLEMENTED":
        message = f"the daemon does not know this call; it is of another version ({message})"
    return kind(message, reason=info.reason, code=code)


def from_batch(code: int, reason: str, message: str) -> SqlstrictError:
    """Return the exception of one question of a batch."""
    name = _CODE_NAMES.get(code, "UNKNOWN")
    kind = _BY_REASON.get(reason) or _BY_CODE.get(name, DaemonError)
    return kind(message, reason=reason, code=name)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 0
