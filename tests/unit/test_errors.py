from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from sqlstrictd import errors
from sqlstrictd.service.status_details import code_of, trailers_of


def every_error() -> list[type[errors.SqlstrictError]]:
    found = [errors.SqlstrictError]
    for error in found:
        found.extend(error.__subclasses__())
    return [error for error in found if error.__module__ == errors.__name__]


@pytest.mark.parametrize("error", every_error())
def test_every_error_has_a_code_of_grpc_and_a_reason(error: type[errors.SqlstrictError]) -> None:
    made = error("what, where, what to do")
    assert code_of(made).value[0] == int(error.status)
    assert error.reason == error.reason.upper()
    assert str(made) == "what, where, what to do"


def test_reasons_are_distinct() -> None:
    reasons = [error.reason for error in every_error()]
    shared = {reason for reason in reasons if reasons.count(reason) > 1}
    # The root and its INTERNAL child stand for the same: a bug.
    assert shared == {"INTERNAL"}


def test_the_reasons_of_the_engine_lead_to_errors() -> None:
    for reason, error in errors.ENGINE_REASONS.items():
        assert reason == reason.upper()
        assert issubclass(error, errors.SqlstrictError)


def unpack(error: errors.SqlstrictError) -> tuple[status_pb2.Status, dict[str, object]]:
    trailers = dict(trailers_of(error, "r1"))
    status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    details: dict[str, object] = {}
    for packed in status.details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.RetryInfo,
        ):
            if packed.Is(kind.DESCRIPTOR):
                message = kind()
                packed.Unpack(message)
                details[kind.__name__] = message
    return status, details


def test_the_details_of_a_schema_error() -> None:
    error = errors.SchemaError("bad column", 3, 14)
    error.field = "schema.ddl"
    status, details = unpack(error)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    info = details["ErrorInfo"]
    assert (info.reason, info.domain) == ("SCHEMA_INVALID", "sqlstrict")
    assert dict(info.metadata) == {"line": "3", "column": "14", "request_id": "r1"}
    (violation,) = details["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("schema.ddl", "bad column")
    assert "RetryInfo" not in details


def test_a_full_queue_says_when_to_come_back() -> None:
    error = errors.QueueFull("full", retry_after_s=0.75)
    _, details = unpack(error)
    assert details["RetryInfo"].retry_delay.ToNanoseconds() == 750_000_000
    assert dict(trailers_of(error, "r1"))["grpc-retry-pushback-ms"] == "750"
