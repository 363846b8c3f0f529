"""Every error of the daemon, each with its gRPC status and a stable reason.

Raised where the cause is known and translated once, in `service/call.py`. A refusal is a result
and not an error, so it is not here. Imports neither gRPC nor the engine, so that every part may
use it.

    SqlstrictError
    ├── CannotStart             serve exits 78, before anything is served
    ├── ConfigError             serve exits 2: a flag or variable is wrong
    ├── InvalidRequest          INVALID_ARGUMENT     field of the request
    │   ├── MalformedMessage       not a protobuf message of this call
    │   ├── QuestionTooLong
    │   ├── SchemaError            line, column in the DDL
    │   ├── SchemaTooLarge
    │   ├── UnsupportedDialect
    │   ├── PromptTooLong          schema and question do not fit the model's context
    │   └── GrammarTooLarge        the schema's grammar exceeds the matcher's limits
    ├── SchemaNotFound          NOT_FOUND
    ├── ModelNotFound           NOT_FOUND
    ├── QueueFull               RESOURCE_EXHAUSTED   retry_after_s
    ├── ContextFull             RESOURCE_EXHAUSTED   retry_after_s
    ├── TooManySchemas          RESOURCE_EXHAUSTED
    ├── DeadlineExceeded        DEADLINE_EXCEEDED
    ├── RequestCancelled        CANCELLED
    ├── EngineCrashed           UNAVAILABLE          after the request had produced tokens, or twice
    ├── ShuttingDown            UNAVAILABLE
    ├── EngineUnstable          FAILED_PRECONDITION  five crashes in a minute
    ├── ModelUnusable           FAILED_PRECONDITION  the engine cannot load the model
    ├── ModelRejected           FAILED_PRECONDITION  it cannot take another's place
    ├── ModelFixed              FAILED_PRECONDITION  the daemon was started with --model
    ├── ModelSuperseded         ABORTED              another was chosen meanwhile
    ├── DataFolderError         FAILED_PRECONDITION  the data folder cannot be written
    └── InternalError           INTERNAL             a bug of ours
        ├── PoisonRequest          the request was in the house at two crashes
        ├── WorkerFailed           a worker for parsing or checking ended or ran out of time
        └── EngineFault            the engine could not decode, match or compile
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType


class Status(IntEnum):
    """The canonical gRPC codes that the daemon answers with; names and numbers are gRPC's."""

    CANCELLED = 1
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14


class SqlstrictError(Exception):
    """An error with a status, a stable reason, and a message that says what to do."""

    status: Status = Status.INTERNAL
    reason: str = "INTERNAL"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class CannotStart(SqlstrictError):
    """The daemon cannot start here; starting it again changes nothing."""

    status = Status.FAILED_PRECONDITION
    reason = "CANNOT_START"


class ConfigError(SqlstrictError):
    """A flag or a SQLSTRICT_ variable is unknown or has a value that cannot be."""

    status = Status.INVALID_ARGUMENT
    reason = "CONFIG"


class InvalidRequest(SqlstrictError):
    """The request breaks a rule of the contract; `field` names the field, as "schema.ddl"."""

    status = Status.INVALID_ARGUMENT
    reason = "INVALID_FIELD"

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class MalformedMessage(InvalidRequest):
    """The bytes are not a protobuf message of this call."""

    reason = "MALFORMED"


class QuestionTooLong(InvalidRequest):
    """The question is longer than the contract allows."""

    reason = "QUESTION_TOO_LONG"


class SchemaError(InvalidRequest):
    """The schema text cannot be read; `line` and `column` count from 1, 0 where unknown."""

    reason = "SCHEMA_INVALID"

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class SchemaTooLarge(InvalidRequest):
    """The schema text is larger than the contract allows, or takes too long to read."""

    reason = "SCHEMA_TOO_LARGE"


class UnsupportedDialect(InvalidRequest):
    """The daemon does not write this dialect."""

    reason = "UNSUPPORTED_DIALECT"


class PromptTooLong(InvalidRequest):
    """Schema and question together do not fit the model's context."""

    reason = "PROMPT_TOO_LONG"


class GrammarTooLarge(InvalidRequest):
    """The grammar of the schema exceeds the limits of the matcher."""

    reason = "GRAMMAR_TOO_LARGE"


class SchemaNotFound(SqlstrictError):
    """No registered schema has this name or fingerprint."""

    status = Status.NOT_FOUND
    reason = "SCHEMA_NOT_FOUND"


class ModelNotFound(SqlstrictError):
    """The models folder has no model of this name."""

    status = Status.NOT_FOUND
    reason = "MODEL_NOT_FOUND"


class QueueFull(SqlstrictError):
    """As many requests wait as may wait; try again after `retry_after_s`."""

    status = Status.RESOURCE_EXHAUSTED
    reason = "QUEUE_FULL"

    def __init__(self, message: str, retry_after_s: float = 1.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ContextFull(QueueFull):
    """The model's context is full of other requests' tokens; try again after `retry_after_s`."""

    reason = "CONTEXT_FULL"


class TooManySchemas(SqlstrictError):
    """The catalog holds as many schemas as it may; delete one first."""

    status = Status.RESOURCE_EXHAUSTED
    reason = "TOO_MANY_SCHEMAS"


class DeadlineExceeded(SqlstrictError):
    """The time of the request is over: the client's deadline, or the daemon's own cap."""

    status = Status.DEADLINE_EXCEEDED
    reason = "DEADLINE_EXCEEDED"


class RequestCancelled(SqlstrictError):
    """The client does not want the answer any more, or does not read it."""

    status = Status.CANCELLED
    reason = "CANCELLED"


class EngineCrashed(SqlstrictError):
    """The engine ended while it worked on the request; asking again may help."""

    status = Status.UNAVAILABLE
    reason = "ENGINE_CRASHED"


class ShuttingDown(SqlstrictError):
    """The daemon is stopping and takes no further requests."""

    status = Status.UNAVAILABLE
    reason = "SHUTTING_DOWN"


class EngineUnstable(SqlstrictError):
    """The engine crashed too often in a short time; the daemon waits before the next start."""

    status = Status.FAILED_PRECONDITION
    reason = "ENGINE_UNSTABLE"


class ModelUnusable(SqlstrictError):
    """The engine runs but cannot use the model's file."""

    status = Status.FAILED_PRECONDITION
    reason = "MODEL_UNUSABLE"


class ModelRejected(SqlstrictError):
    """A model that was to take the place of the one that answers cannot be used."""

    status = Status.FAILED_PRECONDITION
    reason = "MODEL_REJECTED"


class ModelFixed(SqlstrictError):
    """The daemon was started with a model's file, so that no other can be chosen."""

    status = Status.FAILED_PRECONDITION
    reason = "MODEL_FIXED"


class ModelSuperseded(SqlstrictError):
    """Another model was chosen while this one was loaded."""

    status = Status.ABORTED
    reason = "MODEL_SUPERSEDED"


class DataFolderError(SqlstrictError):
    """The data folder cannot be written, so nothing can be kept."""

    status = Status.FAILED_PRECONDITION
    reason = "DATA_FOLDER"


class InternalError(SqlstrictError):
    """A bug of the daemon's. The message holds nothing of the request."""


class PoisonRequest(InternalError):
    """The same request was in the house at two crashes of the engine; it is not tried again."""

    reason = "POISON_REQUEST"


class WorkerFailed(InternalError):
    """A worker process for parsing or checking ended, or ran out of time."""

    reason = "WORKER_FAILED"


class EngineFault(InternalError):
    """The engine could not decode, match or compile what it was given."""

    reason = "ENGINE_FAULT"


# The reasons that the engine may give in `wire.Failed`, and the errors that they become.
#   PROMPT_TOO_LONG    prompt and token budget exceed the context of a slot
#   CONTEXT_FULL       no cells are left, even after every idle prefix was evicted
#   GRAMMAR_TOO_LARGE  the matcher's own limits on grammar, lexer or time were reached
#   GRAMMAR_INVALID    the matcher does not accept the grammar text: a bug of `constraint/`
#   MASK_EMPTY         the grammar allows no token though it is not complete: likewise a bug
#   CONTROL_TOKEN      a control token stands in the user's text after tokenising: a bug
#   DECODE_FAILED      llama.cpp refused the batch
#   PREPARATION_FAILED an exception that nobody expected, before the request had a slot: a bug
ENGINE_REASONS: Mapping[str, type[SqlstrictError]] = MappingProxyType(
    {
        "PROMPT_TOO_LONG": PromptTooLong,
        "CONTEXT_FULL": ContextFull,
        "GRAMMAR_TOO_LARGE": GrammarTooLarge,
        "GRAMMAR_INVALID": EngineFault,
        "MASK_EMPTY": EngineFault,
        "CONTROL_TOKEN": EngineFault,
        "DECODE_FAILED": EngineFault,
        "PREPARATION_FAILED": EngineFault,
    }
)
