"""The arguments of a question -> the contract's messages, each value checked by name.

`calls.py` builds its requests with these. What cannot be sent is an `InvalidRequest` that names the
argument; nothing else is judged here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrict.errors import InvalidRequest

MessageT = TypeVar("MessageT", bound=Message)

DIALECTS = tuple(name.removeprefix("DIALECT_").lower() for name in pb.Dialect.keys()[1:])
# OTHER is what a check may find, and nothing that can be asked for.
STATEMENT_KINDS = tuple(
    name.removeprefix("STATEMENT_KIND_").lower()
    for name in pb.StatementKind.keys()[1:]
    if name != "STATEMENT_KIND_OTHER"
)


def question_message(
    question: str,
    *,
    schema: str | None = None,
    ddl: str | None = None,
    fingerprint: str | None = None,
    dialect: str = "",
    ddl_dialect: str = "",
    statements: Sequence[str] = (),
    allow_unfiltered: bool = False,
    n: int = 0,
    max_tokens: int = 0,
    temperature: float = 0.0,
    seed: int = 0,
    min_confidence: float = 0.0,
) -> pb.TranslateRequest:
    """Return one question's message. Raises `InvalidRequest`."""
    return message_of(
        pb.TranslateRequest,
        question=question,
        schema=schema_ref(schema, ddl, fingerprint, ddl_dialect),
        dialect=dialect_of(dialect),
        statement_kinds=[statement_kind_of(kind) for kind in statements],
        allow_unfiltered_writes=allow_unfiltered,
        n=n,
        max_tokens=max_tokens,
        temperature=temperature,
        seed=seed,
        min_confidence=min_confidence,
    )


def schema_ref(
    schema: str | None, ddl: str | None, fingerprint: str | None, ddl_dialect: str
) -> pb.SchemaRef:
    """Return the message that names one schema. Raises `InvalidRequest` unless one is given."""
    given = {"name": schema, "ddl": ddl, "fingerprint": fingerprint}
    given = {field: value for field, value in given.items() if value is not None}
    if len(given) != 1:
        raise InvalidRequest(
            "give exactly one of schema (a registered name), ddl and fingerprint", field="schema"
        )
    if ddl_dialect and ddl is None:
        raise InvalidRequest("ddl_dialect goes with ddl alone", field="ddl_dialect")
    return message_of(pb.SchemaRef, **given, dialect=dialect_of(ddl_dialect, "ddl_dialect"))


def dialect_of(name: str, field: str = "dialect") -> int:
    """Return a dialect's number, 0 for none. Raises `InvalidRequest`."""
    return _enum(pb.Dialect, "DIALECT_", name, DIALECTS, field) if name else 0


def statement_kind_of(name: str) -> int:
    """Return a statement kind's number. Raises `InvalidRequest`."""
    return _enum(pb.StatementKind, "STATEMENT_KIND_", name, STATEMENT_KINDS, "statements")


def _enum(enum: Any, prefix: str, name: str, known: Sequence[str], field: str) -> int:
    if name not in known:
        raise InvalidRequest(f"{name!r} is not one of {', '.join(known)}", field=field)
    return int(enum.Value(prefix + name.upper()))


def message_of(kind: type[MessageT], **fields: Any) -> MessageT:
    """Return a message with these fields. Raises `InvalidRequest`, which names the field."""
    # protobuf raises ValueError for numbers out of range and text that is no UTF-8, without the
    # field's name; fields are set one by one so that the name can be said.
    message = kind()
    for name, value in fields.items():
        try:
            message.MergeFrom(kind(**{name: value}))
        except (TypeError, ValueError) as error:
            if isinstance(error, UnicodeError):
                # Its own message quotes the text.
                problem = "it is not UTF-8 text"
            else:
                problem = str(error)
            raise InvalidRequest(f"{name}: {problem}", field=name) from error
    return message
