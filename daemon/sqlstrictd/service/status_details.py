"""An error of ours -> a gRPC status with google.rpc details, as the contract's head says."""

from __future__ import annotations

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from sqlstrictd.errors import InvalidRequest, QueueFull, SchemaError, SqlstrictError

DOMAIN = "sqlstrict"
DETAILS_KEY = "grpc-status-details-bin"
PUSHBACK_KEY = "grpc-retry-pushback-ms"

Metadata = tuple[tuple[str, str | bytes], ...]


def code_of(error: SqlstrictError) -> grpc.StatusCode:
    """Return gRPC's code of an error."""
    return grpc.StatusCode[error.status.name]


def trailers_of(error: SqlstrictError, request_id: str) -> Metadata:
    """Return the trailing metadata of an error: its details, and when to ask again."""
    status = status_pb2.Status(
        code=code_pb2.Code.Value(error.status.name),
        message=error.message,
        details=[_packed(detail) for detail in _details(error, request_id)],
    )
    metadata: Metadata = ((DETAILS_KEY, status.SerializeToString()),)
    if isinstance(error, QueueFull):
        metadata += ((PUSHBACK_KEY, str(int(error.retry_after_s * 1000))),)
    return metadata


def _details(error: SqlstrictError, request_id: str) -> list[Message]:
    info = error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    info.metadata["request_id"] = request_id
    details: list[Message] = [info]
    if isinstance(error, SchemaError) and error.line:
        info.metadata["line"] = str(error.line)
        info.metadata["column"] = str(error.column)
    if isinstance(error, InvalidRequest) and error.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.field, description=error.message
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if isinstance(error, QueueFull):
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_s * 1e9))
        details.append(retry)
    return details


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
