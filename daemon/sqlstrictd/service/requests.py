"""The contract's requests -> our types, held to the caps of the contract on their way in.

Every error names the field as the client knows it; `prefix` is what stands before it in a message
that wraps another. `responses.py` is the way out.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import limits
from sqlstrictd.errors import InvalidRequest, UnsupportedDialect
from sqlstrictd.policy import READ_ONLY, Policy
from sqlstrictd.question import Question, SchemaRef
from sqlstrictd.service.enums import DIALECT_PB, DIALECTS, KIND_PB, KINDS_BY_NUMBER


def question_of(request: pb.TranslateRequest, prefix: str = "") -> Question:
    """Return the question of a request. Raises InvalidRequest where it breaks a rule."""
    limits.check_question(request.question, f"{prefix}question")
    dialect = dialect_of(request.dialect, f"{prefix}dialect")
    return Question(
        text=request.question,
        schema=schema_ref_of(request.schema, dialect, f"{prefix}schema"),
        dialect=dialect,
        policy=policy_of(
            request.statement_kinds, request.allow_unfiltered_writes, f"{prefix}statement_kinds"
        ),
        n=limits.check_alternatives(request.n, f"{prefix}n"),
        max_tokens=limits.check_token_budget(request.max_tokens, f"{prefix}max_tokens"),
        temperature=limits.check_temperature(request.temperature, f"{prefix}temperature"),
        seed=request.seed,
        min_confidence=limits.check_min_confidence(
            request.min_confidence, f"{prefix}min_confidence"
        ),
    )


def schema_ref_of(ref: pb.SchemaRef, dialect: str | None, field: str) -> SchemaRef:
    """Return the reference to a schema. Raises InvalidRequest where none is named."""
    source = ref.WhichOneof("source")
    ddl_dialect = dialect_of(ref.dialect, f"{field}.dialect")
    if source == "ddl":
        limits.check_ddl(ref.ddl, f"{field}.ddl")
        return SchemaRef(ddl=ref.ddl, dialect=ddl_dialect or dialect or "sqlite")
    if source is None:
        raise InvalidRequest("no schema is named; give a name, a fingerprint or DDL", field)
    if ddl_dialect is not None:
        raise InvalidRequest(
            "a registered schema has a dialect already; leave this out", f"{field}.dialect"
        )
    if source == "name":
        limits.check_schema_name(ref.name, f"{field}.name")
        return SchemaRef(name=ref.name)
    limits.check_fingerprint(ref.fingerprint, f"{field}.fingerprint")
    return SchemaRef(fingerprint=ref.fingerprint)


def dialect_of(number: int, field: str) -> str | None:
    """Return the dialect's name; None where it is unset."""
    if number == pb.DIALECT_UNSPECIFIED:
        return None
    if number not in DIALECTS:
        raise UnsupportedDialect(
            f"dialect {number} is not written here; these are: {', '.join(DIALECT_PB)}", field
        )
    return DIALECTS[number]


def policy_of(numbers: Sequence[int], allows_unfiltered: bool, field: str) -> Policy:
    """Return what a request allows; queries alone where it names no kinds."""
    unknown = [number for number in numbers if number not in KINDS_BY_NUMBER]
    if unknown:
        raise InvalidRequest(
            f"statement kind {unknown[0]} cannot be asked for; these can: {', '.join(KIND_PB)}",
            field,
        )
    kinds = frozenset(KINDS_BY_NUMBER[number] for number in numbers)
    return Policy(kinds or READ_ONLY.kinds, allows_unfiltered)
