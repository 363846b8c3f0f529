"""Python arguments -> one call of the contract: its path, its message, and how to read the answer.

`client.py` and `aio.py` make exactly these calls and differ only in how they wait, so that an
argument or a default is written once for both; `requests.py` makes and checks the messages.
Nothing is sent from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypedDict, TypeVar, Unpack

from google.protobuf.message import Message
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrict import answers, model_answers, reading
from sqlstrict.requests import (
    dialect_of,
    message_of,
    question_message,
    schema_ref,
    statement_kind_of,
)

Result = TypeVar("Result")

PAGE_SIZE = 200


@dataclass(frozen=True, slots=True)
class Call(Generic[Result]):
    """A method of the contract with its request; `read` turns a response into a result."""

    method: str
    request: Message
    response: type[Message]
    read: Callable[[Any], Result]

    @property
    def path(self) -> str:
        """The method's path on the wire."""
        return f"/sqlstrict.v1.{self.method}"


class SchemaOptions(TypedDict, total=False):
    """Which schema a call is about: exactly one of the first three, and a dialect at will."""

    schema: str | None
    """A registered name."""
    ddl: str | None
    """CREATE TABLE statements, or the compact form `Table 'orders' (id, price)`."""
    fingerprint: str | None
    """The fingerprint of a registered schema."""
    dialect: str
    """Of the answer or statement: "sqlite", "ansi", "postgres", "duckdb" or "mysql"; default: that
    of the schema."""
    ddl_dialect: str
    """What `ddl` is written in; default: `dialect`, else "sqlite"."""


class PolicyOptions(TypedDict, total=False):
    """Which statements are allowed."""

    statements: Sequence[str]
    """Their kinds, as `STATEMENT_KINDS` lists them; default: `["select"]`."""
    allow_unfiltered: bool
    """Whether UPDATE and DELETE may be for all rows, without WHERE or with one that always holds;
    default: no."""


class QuestionOptions(SchemaOptions, PolicyOptions, total=False):
    """What can be said of a question beside its words."""

    n: int
    """How many statements to return at most, 1 to 8; default 1."""
    max_tokens: int
    """Token budget of each statement, 8 to 512; default 256."""
    temperature: float
    """Sampling temperature, 0 to 2; default 0, greedy."""
    seed: int
    """Seed of the sampling; default 0."""
    min_confidence: float
    """Refuse statements whose confidence has a lower `score`, 0 to 1; default 0, refuse none."""


class CheckOptions(SchemaOptions, PolicyOptions, total=False):
    """What can be said of a statement to check."""


def translate(question: str, **options: Unpack[QuestionOptions]) -> Call[answers.Answer]:
    """Ask one question. Raises `InvalidRequest` for what no message can hold."""
    return Call(
        "TranslationService/Translate",
        question_message(question, **options),
        pb.TranslateResponse,
        reading.read_answer,
    )


def stream(
    question: str, *, include_draft: bool, **options: Unpack[QuestionOptions]
) -> Call[answers.Event | None]:
    """Ask one question with progress on the way."""
    request = question_message(question, **options)
    return Call(
        "TranslationService/TranslateStream",
        pb.TranslateStreamRequest(request=request, include_draft=include_draft),
        pb.TranslateStreamResponse,
        reading.read_event,
    )


def batch() -> Call[answers.BatchResult]:
    """Open a batch; `batched` makes the messages that it is fed with."""
    return Call(
        "TranslationService/TranslateBatch",
        pb.TranslateBatchRequest(),
        pb.TranslateBatchResponse,
        reading.read_batch_result,
    )


def batched(question: str, **options: Unpack[QuestionOptions]) -> pb.TranslateBatchRequest:
    """Ask one question of a batch."""
    return pb.TranslateBatchRequest(request=question_message(question, **options))


def prefill(
    question_beginning: str,
    *,
    schema: str | None = None,
    ddl: str | None = None,
    fingerprint: str | None = None,
    dialect: str = "",
    ddl_dialect: str = "",
) -> Call[None]:
    """Say what is being typed. A question's `dialect` counts here as far as `ddl` is read in it."""
    dialect_of(dialect)
    of_ddl = ddl_dialect or (dialect if ddl is not None else "")
    request = message_of(
        pb.PrefillRequest,
        question_beginning=question_beginning,
        schema=schema_ref(schema, ddl, fingerprint, of_ddl),
    )
    return Call("TranslationService/Prefill", request, pb.PrefillResponse, lambda message: None)


def register_schema(name: str, ddl: str, *, dialect: str = "") -> Call[answers.RegisteredSchema]:
    """Keep a schema under a name."""
    return Call(
        "SchemaService/RegisterSchema",
        message_of(pb.RegisterSchemaRequest, name=name, ddl=ddl, dialect=dialect_of(dialect)),
        pb.RegisterSchemaResponse,
        reading.read_registered,
    )


def get_schema(name: str) -> Call[answers.Schema]:
    """Fetch one schema with its tables."""
    return Call(
        "SchemaService/GetSchema",
        message_of(pb.GetSchemaRequest, name=name),
        pb.GetSchemaResponse,
        reading.read_schema,
    )


def list_schemas(page_token: str = "") -> Call[tuple[list[answers.SchemaInfo], str]]:
    """Fetch a page of registered schemas and the token of the next page, empty on the last."""
    return Call(
        "SchemaService/ListSchemas",
        message_of(pb.ListSchemasRequest, page_size=PAGE_SIZE, page_token=page_token),
        pb.ListSchemasResponse,
        lambda message: (
            [reading.read_schema_info(info) for info in message.schemas],
            message.next_page_token,
        ),
    )


def delete_schema(name: str) -> Call[None]:
    """Forget a schema."""
    return Call(
        "SchemaService/DeleteSchema",
        message_of(pb.DeleteSchemaRequest, name=name),
        pb.DeleteSchemaResponse,
        lambda message: None,
    )


def check(
    statement: str,
    *,
    schema: str | None = None,
    ddl: str | None = None,
    fingerprint: str | None = None,
    dialect: str = "",
    ddl_dialect: str = "",
    statements: Sequence[str] = (),
    allow_unfiltered: bool = False,
    check_writable: bool = True,
) -> Call[answers.CheckReport]:
    """Judge a statement without the model."""
    request = message_of(
        pb.CheckRequest,
        statement=statement,
        schema=schema_ref(schema, ddl, fingerprint, ddl_dialect),
        dialect=dialect_of(dialect),
        check_writable=check_writable,
        statement_kinds=[statement_kind_of(kind) for kind in statements],
        allow_unfiltered_writes=allow_unfiltered,
    )
    return Call("CheckService/Check", request, pb.CheckResponse, reading.read_check)


def model() -> Call[model_answers.CurrentModel]:
    """Ask which model answers."""
    return Call(
        "ModelService/GetModel",
        pb.GetModelRequest(),
        pb.GetModelResponse,
        reading.read_current_model,
    )


def models() -> Call[list[model_answers.ModelFile]]:
    """Fetch the models folder."""
    return Call(
        "ModelService/ListModels",
        pb.ListModelsRequest(),
        pb.ListModelsResponse,
        lambda message: [reading.read_model_file(file) for file in message.models],
    )


def use_model(name: str) -> Call[model_answers.CurrentModel]:
    """Choose the model that is to answer."""
    return Call(
        "ModelService/UseModel",
        message_of(pb.UseModelRequest, name=name),
        pb.UseModelResponse,
        reading.read_current_model,
    )


def status() -> Call[answers.Status]:
    """Ask how the daemon is."""
    return Call(
        "StatusService/GetStatus",
        pb.GetStatusRequest(),
        pb.GetStatusResponse,
        reading.read_status,
    )
