"""Our types -> the contract's responses. Nothing is judged here; `requests.py` is the way in."""

from __future__ import annotations

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrictd.catalog import Registered
from sqlstrictd.check import Findings
from sqlstrictd.engine import wire
from sqlstrictd.model.choice import Choice
from sqlstrictd.model.file import ModelFile
from sqlstrictd.model.follower import ModelFollower
from sqlstrictd.question import Answer, Certificate, Confidence, Refusal, Sql, Usage
from sqlstrictd.schema.types import Schema, Table
from sqlstrictd.service.enums import DIALECT_PB, KIND_PB, ORIGIN_PB, RENDERING_PB, found_kind_pb

_CHECKS_PB = {True: pb.CHECK_RESULT_PASSED, False: pb.CHECK_RESULT_UNSPECIFIED}


def answer_pb(answer: Answer, request_id: str) -> pb.TranslateResponse:
    """Return an answer as its message."""
    response = pb.TranslateResponse(usage=_usage_pb(answer.usage), request_id=request_id)
    if isinstance(answer.outcome, Sql):
        response.sql.CopyFrom(_sql_pb(answer.outcome))
    else:
        response.refusal.CopyFrom(_refusal_pb(answer.outcome))
    return response


def _sql_pb(sql: Sql) -> pb.Sql:
    return pb.Sql(
        text=sql.text,
        kind=KIND_PB[sql.kind],
        tables=sql.tables,
        columns=sql.columns,
        certificate=_certificate_pb(sql.certificate),
        confidence=_confidence_pb(sql.confidence),
        alternatives=[
            pb.Alternative(text=text, confidence=_confidence_pb(confidence))
            for text, confidence in sql.alternatives
        ],
    )


def _certificate_pb(certificate: Certificate) -> pb.Certificate:
    return pb.Certificate(
        schema_fingerprint=certificate.schema_fingerprint,
        dialect=DIALECT_PB[certificate.dialect],
        model=certificate.model,
        version=certificate.version,
        # The engine writes nothing without a grammar, so there is nothing to look up.
        grammar=pb.CHECK_RESULT_PASSED,
        scope=_CHECKS_PB["scope" in certificate.checks],
        types=_CHECKS_PB["types" in certificate.checks],
        prepare=_CHECKS_PB["prepare" in certificate.checks],
        engine=certificate.engine,
    )


def _confidence_pb(confidence: Confidence) -> pb.Confidence:
    return pb.Confidence(
        mean_log_probability=confidence.mean_log_probability,
        min_log_probability=confidence.min_log_probability,
        mean_masked_probability=confidence.mean_masked_probability,
        score=confidence.score,
        matched_words=confidence.matched_words,
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
        attempts=usage.attempts,
    )


def findings_pb(findings: Findings) -> pb.CheckResponse:
    """Return what the checks found as its message."""
    verdict = findings.verdict
    has_wrong_type = any(problem.check == "types" for problem in verdict.problems)
    response = pb.CheckResponse(
        kind=found_kind_pb(verdict.kind),
        in_scope=verdict.in_scope,
        types=pb.CHECK_RESULT_FAILED if has_wrong_type else _CHECKS_PB["types" in verdict.checks],
        prepares=verdict.prepares,
        engine=verdict.engine,
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
        dialect=DIALECT_PB[schema.dialect],
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
        comment=table.comment,
        is_view=table.is_view,
        columns=[
            pb.ColumnInfo(
                name=column.name, type=column.type, values=column.values, comment=column.comment
            )
            for column in table.columns
        ],
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


def model_state_pb(choice: Choice, follower: ModelFollower) -> pb.ModelState:
    """Return where the model came from, and what is done about another one, as its message."""
    return pb.ModelState(
        origin=ORIGIN_PB[choice.origin],
        name=choice.name,
        loading=follower.loading,
        problem=follower.problem,
        watch=follower.watch_words,
    )


def model_pb(model: wire.Ready, file: ModelFile) -> pb.ModelInfo:
    """Return what is known of the model as its message."""
    return pb.ModelInfo(
        name=model.name,
        sha256=file.sha256,
        architecture=model.architecture,
        # By the name that everybody types, where the file's head was read; llama.cpp has others.
        quantization=file.quantization or model.quantization,
        parameter_count=model.parameter_count,
        context_tokens=model.context_tokens,
        vocabulary_size=model.vocabulary_size,
        schema_rendering=RENDERING_PB[model.schema_rendering],
    )
