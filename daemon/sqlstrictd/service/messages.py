"""Protobuf <-> our types. Requests are held to the caps of the contract on their way in.

Every error names the field as the client knows it; `prefix` is what stands before it in a message
that wraps another.
"""

from __future__ import annotations

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd import limits
from sqlstrictd.catalog import Registered
from sqlstrictd.check import Findings
from sqlstrictd.engine import wire
from sqlstrictd.errors import InvalidRequest, UnsupportedDialect
from sqlstrictd.question import Answer, Confidence, Question, Refusal, SchemaRef, Sql, Usage
from sqlstrictd.schema.types import Schema, Table

_DIALECTS: dict[int, str] = {pb.DIALECT_SQLITE: "sqlite", pb.DIALECT_ANSI: "ansi"}
_DIALECT_PB = {"sqlite": pb.DIALECT_SQLITE, "ansi": pb.DIALECT_ANSI}
_KINDS: dict[int, str] = {pb.STATEMENT_KIND_SELECT: "select", pb.STATEMENT_KIND_OTHER: "other"}
_RENDERINGS = {
    "ddl": pb.SCHEMA_RENDERING_DDL,
    "compact": pb.SCHEMA_RENDERING_COMPACT,
}


def question_of(request: pb.TranslateRequest, prefix: str = "") -> Question:
    """Return the question of a request. Raises InvalidRequest where it breaks a rule."""
    limits.check_question(request.question, f"{prefix}question")
    dialect = dialect_of(request.dialect, f"{prefix}dialect")
    return Question(
        text=request.question,
        schema=schema_ref_of(request.schema, dialect, f"{prefix}schema"),
        dialect=dialect,
        kinds=_kinds_of(list(request.statement_kinds), f"{prefix}statement_kinds"),
        n=limits.check_alternatives(request.n, f"{prefix}n"),
        max_tokens=limits.check_token_budget(request.max_tokens, f"{prefix}max_tokens"),
        temperature=limits.check_temperature(request.temperature, f"{prefix}temperature"),
        seed=request.seed,
    )


def schema_ref_of(ref: pb.SchemaRef, dialect: str | None, field: str) -> SchemaRef:
    """Return the reference to a schema. Raises InvalidRequest where none is named."""
    source = ref.WhichOneof("source")
    if source == "name":
        limits.check_schema_name(ref.name, f"{field}.name")
        return SchemaRef(name=ref.name)
    if source == "fingerprint":
        limits.check_fingerprint(ref.fingerprint, f"{field}.fingerprint")
        return SchemaRef(fingerprint=ref.fingerprint)
    if source == "ddl":
        limits.check_ddl(ref.ddl, f"{field}.ddl")
        return SchemaRef(ddl=ref.ddl, dialect=dialect or "sqlite")
    raise InvalidRequest("no schema is named; give a name, a fingerprint or DDL", field)


def dialect_of(number: int, field: str) -> str | None:
    """Return the dialect's name; None where it is unset."""
    if number == pb.DIALECT_UNSPECIFIED:
        return None
    if number not in _DIALECTS:
        raise UnsupportedDialect(
            f"dialect {number} is not written here; these are: {', '.join(_DIALECT_PB)}", field
        )
    return _DIALECTS[number]


def _kinds_of(numbers: list[int], field: str) -> frozenset[str]:
    unknown = [number for number in numbers if number not in _KINDS]
    if unknown:
        raise InvalidRequest(f"{unknown[0]} is not a kind of statement", field)
    return frozenset(_KINDS[number] for number in numbers) or frozenset({"select"})


def answer_pb(answer: Answer, request_id: str) -> pb.TranslateResponse:
    """Return an answer as its message."""
    response = pb.TranslateResponse(usage=_usage_pb(answer.usage), request_id=request_id)
    if isinstance(answer.outcome, Sql):
        response.sql.CopyFrom(_sql_pb(answer.outcome))
    else:
        response.refusal.CopyFrom(_refusal_pb(answer.outcome))
    return response


def _sql_pb(sql: Sql) -> pb.Sql:
    certificate = sql.certificate
    return pb.Sql(
        text=sql.text,
        tables=sql.tables,
        columns=sql.columns,
        certificate=pb.Certificate(
            schema_fingerprint=certificate.schema_fingerprint,
            dialect=_DIALECT_PB[certificate.dialect],
            model=certificate.model,
            version=certificate.version,
            grammar=pb.CHECK_RESULT_PASSED,
            scope=pb.CHECK_RESULT_PASSED,
            prepare=pb.CHECK_RESULT_PASSED,
            engine=certificate.engine,
        ),
        confidence=_confidence_pb(sql.confidence),
        alternatives=[
            pb.Alternative(text=text, confidence=_confidence_pb(confidence))
            for text, confidence in sql.alternatives
        ],
    )


def _confidence_pb(confidence: Confidence) -> pb.Confidence:
    return pb.Confidence(
        mean_log_probability=confidence.mean_log_probability,
        min_log_probability=confidence.min_log_probability,
        mean_masked_probability=confidence.mean_masked_probability,
    )


def _refusal_pb(refusal: Refusal) -> pb.Refusal:
    return pb.Refusal(
        reason=f"REFUSAL_REASON_{refusal.reason.value}",
        message=refusal.message,
        nearest=[
            pb.NearestName(name=nearest.name, word=nearest.word, score=nearest.score)
            for nearest in refusal.nearest
        ],
    )


def _usage_pb(usage: Usage) -> pb.Usage:
    return pb.Usage(
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached_tokens,
        output_tokens=usage.output_tokens,
        queue_us=usage.queue_us,
        prefill_us=usage.prefill_us,
        decode_us=usage.decode_us,
        verify_us=usage.verify_us,
        total_us=usage.total_us,
    )


def findings_pb(findings: Findings) -> pb.CheckResponse:
    """Return what the checks found as its message."""
    verdict = findings.verdict
    kind = pb.STATEMENT_KIND_SELECT if verdict.kind == "select" else pb.STATEMENT_KIND_OTHER
    if verdict.kind == "unknown":
        kind = pb.STATEMENT_KIND_UNSPECIFIED
    response = pb.CheckResponse(
        kind=kind,
        in_scope=verdict.in_scope,
        prepares=verdict.prepares,
        problems=[
            pb.Problem(
                check=problem.check,
                message=problem.message,
                line=problem.line,
                column=problem.column,
                nearest=problem.nearest,
            )
            for problem in verdict.problems
        ],
    )
    if findings.is_writable is not None:
        response.writable = findings.is_writable
    if findings.obstacle is not None:
        response.problems.add(
            check="grammar",
            message=findings.obstacle.message,
            line=findings.obstacle.line,
            column=findings.obstacle.column,
        )
    return response


def schema_info_pb(registered: Registered) -> pb.SchemaInfo:
    """Return what is known of a schema as its message."""
    schema = registered.schema
    return pb.SchemaInfo(
        name=registered.name,
        fingerprint=schema.fingerprint,
        dialect=_DIALECT_PB[schema.dialect],
        table_count=len(schema.tables),
        column_count=sum(len(table.columns) for table in schema.tables),
        warnings=schema.warnings,
    )


def tables_pb(schema: Schema) -> list[pb.TableInfo]:
    """Return the tables of a schema as their messages."""
    return [_table_pb(table) for table in schema.tables]


def _table_pb(table: Table) -> pb.TableInfo:
    return pb.TableInfo(
        name=table.name,
        columns=[pb.ColumnInfo(name=column.name, type=column.type) for column in table.columns],
        primary_key=table.primary_key,
        foreign_keys=[
            pb.ForeignKeyInfo(
                columns=key.columns,
                referenced_table=key.referenced_table,
                referenced_columns=key.referenced_columns,
            )
            for key in table.foreign_keys
        ],
    )


def model_pb(model: wire.Ready, sha256: str) -> pb.ModelInfo:
    """Return what is known of the model as its message."""
    return pb.ModelInfo(
        name=model.name,
        sha256=sha256,
        architecture=model.architecture,
        quantization=model.quantization,
        parameter_count=model.parameter_count,
        context_tokens=model.context_tokens,
        vocabulary_size=model.vocabulary_size,
        schema_rendering=_RENDERINGS[model.schema_rendering],
    )
