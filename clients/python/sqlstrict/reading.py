"""The daemon's messages -> the dataclasses of `answers.py`; called by `calls.py` alone.

Nothing is judged here, but one promise is held: SQL is taken from `Sql.text` and nowhere else.
"""

from __future__ import annotations

from typing import Any

from sqlstrict_proto.v1 import sqlstrict_pb2 as pb

from sqlstrict import answers, errors, model_answers

_OUTCOMES = {
    pb.CHECK_RESULT_PASSED: answers.Outcome.PASSED,
    pb.CHECK_RESULT_FAILED: answers.Outcome.FAILED,
}


def read_answer(message: pb.TranslateResponse) -> answers.Answer:
    """Read one question's outcome. Raises `DaemonError` when the daemon sent none."""
    outcome = message.WhichOneof("outcome")
    usage = read_usage(message.usage)
    if outcome == "refusal":
        return answers.Answer(
            sql=None,
            refusal=read_refusal(message.refusal),
            kind="",
            tables=(),
            columns=(),
            certificate=None,
            confidence=None,
            alternatives=(),
            usage=usage,
            request_id=message.request_id,
        )
    if outcome != "sql" or not message.sql.text:
        raise errors.DaemonError(
            f"the daemon answered request {message.request_id} with neither SQL nor a refusal;"
            " it is of another version"
        )
    sql = message.sql
    return answers.Answer(
        sql=sql.text,
        refusal=None,
        kind=enum_name(pb.StatementKind, sql.kind, "STATEMENT_KIND_"),
        tables=tuple(sql.tables),
        columns=tuple(sql.columns),
        certificate=read_certificate(sql.certificate),
        confidence=read_confidence(sql.confidence),
        alternatives=tuple(
            answers.Alternative(other.text, read_confidence(other.confidence))
            for other in sql.alternatives
        ),
        usage=usage,
        request_id=message.request_id,
    )


def read_event(message: pb.TranslateStreamResponse) -> answers.Event | None:
    """Read one event of a stream; None for a kind of event that only newer daemons know."""
    kind = message.WhichOneof("event")
    if kind == "accepted":
        accepted = message.accepted
        return answers.Accepted(accepted.request_id, accepted.queue_position)
    if kind == "progress":
        progress = message.progress
        return answers.Progress(progress.output_tokens, progress.draft, progress.attempt)
    return read_answer(message.final) if kind == "final" else None


def read_batch_result(message: pb.TranslateBatchResponse) -> answers.BatchResult:
    """Read one answer of a batch."""
    if message.WhichOneof("result") == "error":
        error = errors.from_batch(message.error.code, message.error.reason, message.error.message)
        return answers.BatchResult(message.index, None, error)
    return answers.BatchResult(message.index, read_answer(message.response), None)


def read_refusal(message: pb.Refusal) -> answers.Refusal:
    """Read why there is no statement."""
    name = enum_name(pb.RefusalReason, message.reason, "REFUSAL_REASON_")
    known = name in set(answers.RefusalReason)
    return answers.Refusal(
        reason=answers.RefusalReason(name) if known else answers.RefusalReason.UNKNOWN,
        message=message.message,
        nearest=tuple(
            answers.NearestName(near.name, near.word, near.score) for near in message.nearest
        ),
    )


def read_certificate(message: pb.Certificate) -> answers.Certificate:
    """Read what was proved about a statement."""
    not_run = answers.Outcome.NOT_RUN
    return answers.Certificate(
        schema_fingerprint=message.schema_fingerprint,
        dialect=enum_name(pb.Dialect, message.dialect, "DIALECT_"),
        model=message.model,
        version=message.version,
        grammar=_OUTCOMES.get(message.grammar, not_run),
        scope=_OUTCOMES.get(message.scope, not_run),
        types=_OUTCOMES.get(message.types, not_run),
        prepare=_OUTCOMES.get(message.prepare, not_run),
        engine=message.engine,
    )


def read_confidence(message: pb.Confidence) -> answers.Confidence:
    """Read how sure the model was."""
    return answers.Confidence(
        message.mean_log_probability,
        message.min_log_probability,
        message.mean_masked_probability,
        message.score,
        message.matched_words,
    )


def read_usage(message: pb.Usage) -> answers.Usage:
    """Read what a question cost."""
    return answers.Usage(
        prompt_tokens=message.prompt_tokens,
        cached_tokens=message.cached_tokens,
        output_tokens=message.output_tokens,
        queue_us=message.queue_us,
        prefill_us=message.prefill_us,
        decode_us=message.decode_us,
        verify_us=message.verify_us,
        total_us=message.total_us,
        attempts=message.attempts,
    )


def read_schema_info(message: pb.SchemaInfo) -> answers.SchemaInfo:
    """Read what is known of a schema."""
    return answers.SchemaInfo(
        name=message.name,
        fingerprint=message.fingerprint,
        dialect=enum_name(pb.Dialect, message.dialect, "DIALECT_"),
        table_count=message.table_count,
        column_count=message.column_count,
        warnings=tuple(message.warnings),
    )


def read_registered(message: pb.RegisterSchemaResponse) -> answers.RegisteredSchema:
    """Read a schema that was just registered."""
    return answers.RegisteredSchema(read_schema_info(message.schema), message.replaced)


def read_schema(message: pb.GetSchemaResponse) -> answers.Schema:
    """Read a schema with its tables."""
    return answers.Schema(
        info=read_schema_info(message.schema),
        tables=tuple(read_table(table) for table in message.tables),
        ddl=message.ddl,
    )


def read_table(message: pb.TableInfo) -> answers.Table:
    """Read one table."""
    return answers.Table(
        name=message.name,
        columns=tuple(
            answers.Column(column.name, column.type, tuple(column.values), column.comment)
            for column in message.columns
        ),
        primary_key=tuple(message.primary_key),
        foreign_keys=tuple(
            answers.ForeignKey(
                tuple(key.columns), key.referenced_table, tuple(key.referenced_columns)
            )
            for key in message.foreign_keys
        ),
        comment=message.comment,
        is_view=message.is_view,
    )


def read_check(message: pb.CheckResponse) -> answers.CheckReport:
    """Read what the checks of a statement found."""
    return answers.CheckReport(
        kind=enum_name(pb.StatementKind, message.kind, "STATEMENT_KIND_"),
        in_scope=message.in_scope,
        types=_OUTCOMES.get(message.types, answers.Outcome.NOT_RUN),
        prepares=message.prepares,
        engine=message.engine,
        writable=message.writable if message.HasField("writable") else None,
        problems=tuple(
            answers.Problem(
                problem.check,
                problem.message,
                problem.line,
                problem.column,
                tuple(problem.nearest),
            )
            for problem in message.problems
        ),
    )


def read_status(message: pb.GetStatusResponse) -> answers.Status:
    """Read how the daemon is."""
    return answers.Status(
        version=message.version,
        is_ready=message.ready,
        model=read_model(message.model) if message.HasField("model") else None,
        slots=message.slots,
        slots_busy=message.slots_busy,
        queued=message.queued,
        queue_limit=message.queue_limit,
        batch_queued=message.batch_queued,
        resident_schemas=message.resident_schemas,
        registered_schemas=message.registered_schemas,
        front_memory_bytes=message.front_memory_bytes,
        engine_memory_bytes=message.engine_memory_bytes,
        uptime_s=message.uptime_s,
        counters=dict(sorted(message.counters.items())),
        last_errors=tuple(message.last_errors),
        front_pid=message.front_pid,
        engine_pid=message.engine_pid,
        model_state=read_model_state(message.model_state),
    )


def read_model(message: pb.ModelInfo) -> model_answers.ModelInfo:
    """Read which model answers."""
    rendering = enum_name(pb.SchemaRendering, message.schema_rendering, "SCHEMA_RENDERING_")
    return model_answers.ModelInfo(
        name=message.name,
        sha256=message.sha256,
        architecture=message.architecture,
        quantization=message.quantization,
        parameter_count=message.parameter_count,
        context_tokens=message.context_tokens,
        vocabulary_size=message.vocabulary_size,
        schema_rendering=rendering,
    )


def read_model_state(message: pb.ModelState) -> model_answers.ModelState:
    """Read where the model came from, and what the daemon does about another one."""
    return model_answers.ModelState(
        origin=enum_name(pb.ModelOrigin, message.origin, "MODEL_ORIGIN_"),
        name=message.name,
        loading=message.loading,
        problem=message.problem,
        watch=message.watch,
    )


def read_current_model(
    message: pb.GetModelResponse | pb.UseModelResponse,
) -> model_answers.CurrentModel:
    """Read which model answers, and where it came from."""
    return model_answers.CurrentModel(
        model=read_model(message.model) if message.HasField("model") else None,
        state=read_model_state(message.state),
    )


def read_model_file(message: pb.ModelFile) -> model_answers.ModelFile:
    """Read what is known of one file of the models folder."""
    return model_answers.ModelFile(
        name=message.name,
        size_bytes=message.size_bytes,
        model_name=message.model_name,
        architecture=message.architecture,
        problem=message.problem,
        is_chosen=message.chosen,
        is_serving=message.serving,
    )


def enum_name(enum: Any, number: int, prefix: str) -> str:
    """Return a value's name in the client's spelling, "unknown" for a newer daemon's."""
    if number == 0 or number not in enum.values():
        return "unknown" if number else ""
    return str(enum.Name(number)).removeprefix(prefix).lower()
