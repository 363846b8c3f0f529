from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Dialect(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DIALECT_UNSPECIFIED: _ClassVar[Dialect]
    DIALECT_SQLITE: _ClassVar[Dialect]
    DIALECT_ANSI: _ClassVar[Dialect]
    DIALECT_POSTGRES: _ClassVar[Dialect]
    DIALECT_DUCKDB: _ClassVar[Dialect]
    DIALECT_MYSQL: _ClassVar[Dialect]

class StatementKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STATEMENT_KIND_UNSPECIFIED: _ClassVar[StatementKind]
    STATEMENT_KIND_SELECT: _ClassVar[StatementKind]
    STATEMENT_KIND_OTHER: _ClassVar[StatementKind]
    STATEMENT_KIND_INSERT: _ClassVar[StatementKind]
    STATEMENT_KIND_UPDATE: _ClassVar[StatementKind]
    STATEMENT_KIND_DELETE: _ClassVar[StatementKind]
    STATEMENT_KIND_CREATE_TABLE: _ClassVar[StatementKind]
    STATEMENT_KIND_CREATE_VIEW: _ClassVar[StatementKind]
    STATEMENT_KIND_CREATE_INDEX: _ClassVar[StatementKind]
    STATEMENT_KIND_ALTER_TABLE: _ClassVar[StatementKind]

class RefusalReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFUSAL_REASON_UNSPECIFIED: _ClassVar[RefusalReason]
    REFUSAL_REASON_BUDGET: _ClassVar[RefusalReason]
    REFUSAL_REASON_VERIFY_FAILED: _ClassVar[RefusalReason]
    REFUSAL_REASON_NO_CANDIDATE: _ClassVar[RefusalReason]
    REFUSAL_REASON_POLICY: _ClassVar[RefusalReason]
    REFUSAL_REASON_UNSUPPORTED: _ClassVar[RefusalReason]
    REFUSAL_REASON_LOW_CONFIDENCE: _ClassVar[RefusalReason]

class CheckResult(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_RESULT_UNSPECIFIED: _ClassVar[CheckResult]
    CHECK_RESULT_PASSED: _ClassVar[CheckResult]
    CHECK_RESULT_FAILED: _ClassVar[CheckResult]

class SchemaRendering(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SCHEMA_RENDERING_UNSPECIFIED: _ClassVar[SchemaRendering]
    SCHEMA_RENDERING_DDL: _ClassVar[SchemaRendering]
    SCHEMA_RENDERING_COMPACT: _ClassVar[SchemaRendering]

class ModelOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MODEL_ORIGIN_UNSPECIFIED: _ClassVar[ModelOrigin]
    MODEL_ORIGIN_BUNDLED: _ClassVar[ModelOrigin]
    MODEL_ORIGIN_CHOSEN: _ClassVar[ModelOrigin]
    MODEL_ORIGIN_FLAG: _ClassVar[ModelOrigin]
DIALECT_UNSPECIFIED: Dialect
DIALECT_SQLITE: Dialect
DIALECT_ANSI: Dialect
DIALECT_POSTGRES: Dialect
DIALECT_DUCKDB: Dialect
DIALECT_MYSQL: Dialect
STATEMENT_KIND_UNSPECIFIED: StatementKind
STATEMENT_KIND_SELECT: StatementKind
STATEMENT_KIND_OTHER: StatementKind
STATEMENT_KIND_INSERT: StatementKind
STATEMENT_KIND_UPDATE: StatementKind
STATEMENT_KIND_DELETE: StatementKind
STATEMENT_KIND_CREATE_TABLE: StatementKind
STATEMENT_KIND_CREATE_VIEW: StatementKind
STATEMENT_KIND_CREATE_INDEX: StatementKind
STATEMENT_KIND_ALTER_TABLE: StatementKind
REFUSAL_REASON_UNSPECIFIED: RefusalReason
REFUSAL_REASON_BUDGET: RefusalReason
REFUSAL_REASON_VERIFY_FAILED: RefusalReason
REFUSAL_REASON_NO_CANDIDATE: RefusalReason
REFUSAL_REASON_POLICY: RefusalReason
REFUSAL_REASON_UNSUPPORTED: RefusalReason
REFUSAL_REASON_LOW_CONFIDENCE: RefusalReason
CHECK_RESULT_UNSPECIFIED: CheckResult
CHECK_RESULT_PASSED: CheckResult
CHECK_RESULT_FAILED: CheckResult
SCHEMA_RENDERING_UNSPECIFIED: SchemaRendering
SCHEMA_RENDERING_DDL: SchemaRendering
SCHEMA_RENDERING_COMPACT: SchemaRendering
MODEL_ORIGIN_UNSPECIFIED: ModelOrigin
MODEL_ORIGIN_BUNDLED: ModelOrigin
MODEL_ORIGIN_CHOSEN: ModelOrigin
MODEL_ORIGIN_FLAG: ModelOrigin

class SchemaRef(_message.Message):
    __slots__ = ("name", "fingerprint", "ddl", "dialect")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    DDL_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    name: str
    fingerprint: str
    ddl: str
    dialect: Dialect
    def __init__(self, name: _Optional[str] = ..., fingerprint: _Optional[str] = ..., ddl: _Optional[str] = ..., dialect: _Optional[_Union[Dialect, str]] = ...) -> None: ...

class TranslateRequest(_message.Message):
    __slots__ = ("question", "schema", "dialect", "statement_kinds", "n", "max_tokens", "temperature", "seed", "allow_unfiltered_writes", "min_confidence")
    QUESTION_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_KINDS_FIELD_NUMBER: _ClassVar[int]
    N_FIELD_NUMBER: _ClassVar[int]
    MAX_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UNFILTERED_WRITES_FIELD_NUMBER: _ClassVar[int]
    MIN_CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    question: str
    schema: SchemaRef
    dialect: Dialect
    statement_kinds: _containers.RepeatedScalarFieldContainer[StatementKind]
    n: int
    max_tokens: int
    temperature: float
    seed: int
    allow_unfiltered_writes: bool
    min_confidence: float
    def __init__(self, question: _Optional[str] = ..., schema: _Optional[_Union[SchemaRef, _Mapping]] = ..., dialect: _Optional[_Union[Dialect, str]] = ..., statement_kinds: _Optional[_Iterable[_Union[StatementKind, str]]] = ..., n: _Optional[int] = ..., max_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., seed: _Optional[int] = ..., allow_unfiltered_writes: bool = ..., min_confidence: _Optional[float] = ...) -> None: ...

class TranslateResponse(_message.Message):
    __slots__ = ("sql", "refusal", "usage", "request_id")
    SQL_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    sql: Sql
    refusal: Refusal
    usage: Usage
    request_id: str
    def __init__(self, sql: _Optional[_Union[Sql, _Mapping]] = ..., refusal: _Optional[_Union[Refusal, _Mapping]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class Sql(_message.Message):
    __slots__ = ("text", "tables", "columns", "certificate", "confidence", "alternatives", "kind")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    ALTERNATIVES_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    text: str
    tables: _containers.RepeatedScalarFieldContainer[str]
    columns: _containers.RepeatedScalarFieldContainer[str]
    certificate: Certificate
    confidence: Confidence
    alternatives: _containers.RepeatedCompositeFieldContainer[Alternative]
    kind: StatementKind
    def __init__(self, text: _Optional[str] = ..., tables: _Optional[_Iterable[str]] = ..., columns: _Optional[_Iterable[str]] = ..., certificate: _Optional[_Union[Certificate, _Mapping]] = ..., confidence: _Optional[_Union[Confidence, _Mapping]] = ..., alternatives: _Optional[_Iterable[_Union[Alternative, _Mapping]]] = ..., kind: _Optional[_Union[StatementKind, str]] = ...) -> None: ...

class Alternative(_message.Message):
    __slots__ = ("text", "confidence")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    text: str
    confidence: Confidence
    def __init__(self, text: _Optional[str] = ..., confidence: _Optional[_Union[Confidence, _Mapping]] = ...) -> None: ...

class Certificate(_message.Message):
    __slots__ = ("schema_fingerprint", "dialect", "model", "version", "grammar", "scope", "prepare", "engine", "types")
    SCHEMA_FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    GRAMMAR_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    PREPARE_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    schema_fingerprint: str
    dialect: Dialect
    model: str
    version: str
    grammar: CheckResult
    scope: CheckResult
    prepare: CheckResult
    engine: str
    types: CheckResult
    def __init__(self, schema_fingerprint: _Optional[str] = ..., dialect: _Optional[_Union[Dialect, str]] = ..., model: _Optional[str] = ..., version: _Optional[str] = ..., grammar: _Optional[_Union[CheckResult, str]] = ..., scope: _Optional[_Union[CheckResult, str]] = ..., prepare: _Optional[_Union[CheckResult, str]] = ..., engine: _Optional[str] = ..., types: _Optional[_Union[CheckResult, str]] = ...) -> None: ...

class Confidence(_message.Message):
    __slots__ = ("mean_log_probability", "min_log_probability", "score", "matched_words")
    MEAN_LOG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    MATCHED_WORDS_FIELD_NUMBER: _ClassVar[int]
    mean_log_probability: float
    min_log_probability: float
    score: float
    matched_words: float
    def __init__(self, mean_log_probability: _Optional[float] = ..., min_log_probability: _Optional[float] = ..., score: _Optional[float] = ..., matched_words: _Optional[float] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("reason", "message", "nearest")
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    reason: RefusalReason
    message: str
    nearest: _containers.RepeatedCompositeFieldContainer[NearestName]
    def __init__(self, reason: _Optional[_Union[RefusalReason, str]] = ..., message: _Optional[str] = ..., nearest: _Optional[_Iterable[_Union[NearestName, _Mapping]]] = ...) -> None: ...

class NearestName(_message.Message):
    __slots__ = ("name", "word", "score")
    NAME_FIELD_NUMBER: _ClassVar[int]
    WORD_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    name: str
    word: str
    score: float
    def __init__(self, name: _Optional[str] = ..., word: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("prompt_tokens", "cached_tokens", "output_tokens", "queue_us", "prefill_us", "decode_us", "verify_us", "total_us", "attempts")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    QUEUE_US_FIELD_NUMBER: _ClassVar[int]
    PREFILL_US_FIELD_NUMBER: _ClassVar[int]
    DECODE_US_FIELD_NUMBER: _ClassVar[int]
    VERIFY_US_FIELD_NUMBER: _ClassVar[int]
    TOTAL_US_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    queue_us: int
    prefill_us: int
    decode_us: int
    verify_us: int
    total_us: int
    attempts: int
    def __init__(self, prompt_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., queue_us: _Optional[int] = ..., prefill_us: _Optional[int] = ..., decode_us: _Optional[int] = ..., verify_us: _Optional[int] = ..., total_us: _Optional[int] = ..., attempts: _Optional[int] = ...) -> None: ...

class TranslateStreamRequest(_message.Message):
    __slots__ = ("request", "include_draft")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_DRAFT_FIELD_NUMBER: _ClassVar[int]
    request: TranslateRequest
    include_draft: bool
    def __init__(self, request: _Optional[_Union[TranslateRequest, _Mapping]] = ..., include_draft: bool = ...) -> None: ...

class TranslateStreamResponse(_message.Message):
    __slots__ = ("accepted", "progress", "final")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    accepted: Accepted
    progress: Progress
    final: TranslateResponse
    def __init__(self, accepted: _Optional[_Union[Accepted, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., final: _Optional[_Union[TranslateResponse, _Mapping]] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("request_id", "queue_position")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    QUEUE_POSITION_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    queue_position: int
    def __init__(self, request_id: _Optional[str] = ..., queue_position: _Optional[int] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("output_tokens", "draft", "attempt")
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    DRAFT_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    output_tokens: int
    draft: str
    attempt: int
    def __init__(self, output_tokens: _Optional[int] = ..., draft: _Optional[str] = ..., attempt: _Optional[int] = ...) -> None: ...

class TranslateBatchRequest(_message.Message):
    __slots__ = ("request",)
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    request: TranslateRequest
    def __init__(self, request: _Optional[_Union[TranslateRequest, _Mapping]] = ...) -> None: ...

class TranslateBatchResponse(_message.Message):
    __slots__ = ("index", "response", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    response: TranslateResponse
    error: BatchError
    def __init__(self, index: _Optional[int] = ..., response: _Optional[_Union[TranslateResponse, _Mapping]] = ..., error: _Optional[_Union[BatchError, _Mapping]] = ...) -> None: ...

class BatchError(_message.Message):
    __slots__ = ("code", "reason", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    reason: str
    message: str
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class RegisterSchemaRequest(_message.Message):
    __slots__ = ("name", "ddl", "dialect")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DDL_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    name: str
    ddl: str
    dialect: Dialect
    def __init__(self, name: _Optional[str] = ..., ddl: _Optional[str] = ..., dialect: _Optional[_Union[Dialect, str]] = ...) -> None: ...

class RegisterSchemaResponse(_message.Message):
    __slots__ = ("schema", "replaced")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    schema: SchemaInfo
    replaced: bool
    def __init__(self, schema: _Optional[_Union[SchemaInfo, _Mapping]] = ..., replaced: bool = ...) -> None: ...

class GetSchemaRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetSchemaResponse(_message.Message):
    __slots__ = ("schema", "tables", "ddl")
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    TABLES_FIELD_NUMBER: _ClassVar[int]
    DDL_FIELD_NUMBER: _ClassVar[int]
    schema: SchemaInfo
    tables: _containers.RepeatedCompositeFieldContainer[TableInfo]
    ddl: str
    def __init__(self, schema: _Optional[_Union[SchemaInfo, _Mapping]] = ..., tables: _Optional[_Iterable[_Union[TableInfo, _Mapping]]] = ..., ddl: _Optional[str] = ...) -> None: ...

class ListSchemasRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListSchemasResponse(_message.Message):
    __slots__ = ("schemas", "next_page_token")
    SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    schemas: _containers.RepeatedCompositeFieldContainer[SchemaInfo]
    next_page_token: str
    def __init__(self, schemas: _Optional[_Iterable[_Union[SchemaInfo, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteSchemaRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteSchemaResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class PrefillRequest(_message.Message):
    __slots__ = ("question_beginning", "schema")
    QUESTION_BEGINNING_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    question_beginning: str
    schema: SchemaRef
    def __init__(self, question_beginning: _Optional[str] = ..., schema: _Optional[_Union[SchemaRef, _Mapping]] = ...) -> None: ...

class PrefillResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SchemaInfo(_message.Message):
    __slots__ = ("name", "fingerprint", "dialect", "table_count", "column_count", "warnings")
    NAME_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    TABLE_COUNT_FIELD_NUMBER: _ClassVar[int]
    COLUMN_COUNT_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    name: str
    fingerprint: str
    dialect: Dialect
    table_count: int
    column_count: int
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., fingerprint: _Optional[str] = ..., dialect: _Optional[_Union[Dialect, str]] = ..., table_count: _Optional[int] = ..., column_count: _Optional[int] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class TableInfo(_message.Message):
    __slots__ = ("name", "columns", "primary_key", "foreign_keys", "comment", "is_view")
    NAME_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    FOREIGN_KEYS_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    IS_VIEW_FIELD_NUMBER: _ClassVar[int]
    name: str
    columns: _containers.RepeatedCompositeFieldContainer[ColumnInfo]
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    foreign_keys: _containers.RepeatedCompositeFieldContainer[ForeignKeyInfo]
    comment: str
    is_view: bool
    def __init__(self, name: _Optional[str] = ..., columns: _Optional[_Iterable[_Union[ColumnInfo, _Mapping]]] = ..., primary_key: _Optional[_Iterable[str]] = ..., foreign_keys: _Optional[_Iterable[_Union[ForeignKeyInfo, _Mapping]]] = ..., comment: _Optional[str] = ..., is_view: bool = ...) -> None: ...

class ColumnInfo(_message.Message):
    __slots__ = ("name", "type", "values", "comment")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    COMMENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    values: _containers.RepeatedScalarFieldContainer[str]
    comment: str
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., values: _Optional[_Iterable[str]] = ..., comment: _Optional[str] = ...) -> None: ...

class ForeignKeyInfo(_message.Message):
    __slots__ = ("columns", "referenced_table", "referenced_columns")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    REFERENCED_TABLE_FIELD_NUMBER: _ClassVar[int]
    REFERENCED_COLUMNS_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    referenced_table: str
    referenced_columns: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., referenced_table: _Optional[str] = ..., referenced_columns: _Optional[_Iterable[str]] = ...) -> None: ...

class CheckRequest(_message.Message):
    __slots__ = ("statement", "schema", "dialect", "check_writable", "statement_kinds", "allow_unfiltered_writes")
    STATEMENT_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    DIALECT_FIELD_NUMBER: _ClassVar[int]
    CHECK_WRITABLE_FIELD_NUMBER: _ClassVar[int]
    STATEMENT_KINDS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_UNFILTERED_WRITES_FIELD_NUMBER: _ClassVar[int]
    statement: str
    schema: SchemaRef
    dialect: Dialect
    check_writable: bool
    statement_kinds: _containers.RepeatedScalarFieldContainer[StatementKind]
    allow_unfiltered_writes: bool
    def __init__(self, statement: _Optional[str] = ..., schema: _Optional[_Union[SchemaRef, _Mapping]] = ..., dialect: _Optional[_Union[Dialect, str]] = ..., check_writable: bool = ..., statement_kinds: _Optional[_Iterable[_Union[StatementKind, str]]] = ..., allow_unfiltered_writes: bool = ...) -> None: ...

class CheckResponse(_message.Message):
    __slots__ = ("kind", "in_scope", "prepares", "writable", "problems", "types", "engine")
    KIND_FIELD_NUMBER: _ClassVar[int]
    IN_SCOPE_FIELD_NUMBER: _ClassVar[int]
    PREPARES_FIELD_NUMBER: _ClassVar[int]
    WRITABLE_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    TYPES_FIELD_NUMBER: _ClassVar[int]
    ENGINE_FIELD_NUMBER: _ClassVar[int]
    kind: StatementKind
    in_scope: bool
    prepares: bool
    writable: bool
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    types: CheckResult
    engine: str
    def __init__(self, kind: _Optional[_Union[StatementKind, str]] = ..., in_scope: bool = ..., prepares: bool = ..., writable: bool = ..., problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., types: _Optional[_Union[CheckResult, str]] = ..., engine: _Optional[str] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("check", "message", "line", "column", "nearest")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    check: str
    message: str
    line: int
    column: int
    nearest: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, check: _Optional[str] = ..., message: _Optional[str] = ..., line: _Optional[int] = ..., column: _Optional[int] = ..., nearest: _Optional[_Iterable[str]] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("version", "ready", "model", "slots", "slots_busy", "queued", "queue_limit", "resident_schemas", "registered_schemas", "front_memory_bytes", "engine_memory_bytes", "uptime_s", "counters", "last_errors", "front_pid", "engine_pid", "batch_queued", "model_state")
    class CountersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    SLOTS_FIELD_NUMBER: _ClassVar[int]
    SLOTS_BUSY_FIELD_NUMBER: _ClassVar[int]
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    QUEUE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    RESIDENT_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    REGISTERED_SCHEMAS_FIELD_NUMBER: _ClassVar[int]
    FRONT_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    ENGINE_MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    COUNTERS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERRORS_FIELD_NUMBER: _ClassVar[int]
    FRONT_PID_FIELD_NUMBER: _ClassVar[int]
    ENGINE_PID_FIELD_NUMBER: _ClassVar[int]
    BATCH_QUEUED_FIELD_NUMBER: _ClassVar[int]
    MODEL_STATE_FIELD_NUMBER: _ClassVar[int]
    version: str
    ready: bool
    model: ModelInfo
    slots: int
    slots_busy: int
    queued: int
    queue_limit: int
    resident_schemas: int
    registered_schemas: int
    front_memory_bytes: int
    engine_memory_bytes: int
    uptime_s: float
    counters: _containers.ScalarMap[str, int]
    last_errors: _containers.RepeatedScalarFieldContainer[str]
    front_pid: int
    engine_pid: int
    batch_queued: int
    model_state: ModelState
    def __init__(self, version: _Optional[str] = ..., ready: bool = ..., model: _Optional[_Union[ModelInfo, _Mapping]] = ..., slots: _Optional[int] = ..., slots_busy: _Optional[int] = ..., queued: _Optional[int] = ..., queue_limit: _Optional[int] = ..., resident_schemas: _Optional[int] = ..., registered_schemas: _Optional[int] = ..., front_memory_bytes: _Optional[int] = ..., engine_memory_bytes: _Optional[int] = ..., uptime_s: _Optional[float] = ..., counters: _Optional[_Mapping[str, int]] = ..., last_errors: _Optional[_Iterable[str]] = ..., front_pid: _Optional[int] = ..., engine_pid: _Optional[int] = ..., batch_queued: _Optional[int] = ..., model_state: _Optional[_Union[ModelState, _Mapping]] = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("name", "sha256", "architecture", "quantization", "parameter_count", "context_tokens", "vocabulary_size", "schema_rendering")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    QUANTIZATION_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_COUNT_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    VOCABULARY_SIZE_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_RENDERING_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256: str
    architecture: str
    quantization: str
    parameter_count: int
    context_tokens: int
    vocabulary_size: int
    schema_rendering: SchemaRendering
    def __init__(self, name: _Optional[str] = ..., sha256: _Optional[str] = ..., architecture: _Optional[str] = ..., quantization: _Optional[str] = ..., parameter_count: _Optional[int] = ..., context_tokens: _Optional[int] = ..., vocabulary_size: _Optional[int] = ..., schema_rendering: _Optional[_Union[SchemaRendering, str]] = ...) -> None: ...

class ModelState(_message.Message):
    __slots__ = ("origin", "name", "loading", "problem", "watch")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LOADING_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    WATCH_FIELD_NUMBER: _ClassVar[int]
    origin: ModelOrigin
    name: str
    loading: str
    problem: str
    watch: str
    def __init__(self, origin: _Optional[_Union[ModelOrigin, str]] = ..., name: _Optional[str] = ..., loading: _Optional[str] = ..., problem: _Optional[str] = ..., watch: _Optional[str] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("model", "state")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    model: ModelInfo
    state: ModelState
    def __init__(self, model: _Optional[_Union[ModelInfo, _Mapping]] = ..., state: _Optional[_Union[ModelState, _Mapping]] = ...) -> None: ...

class ListModelsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListModelsResponse(_message.Message):
    __slots__ = ("models",)
    MODELS_FIELD_NUMBER: _ClassVar[int]
    models: _containers.RepeatedCompositeFieldContainer[ModelFile]
    def __init__(self, models: _Optional[_Iterable[_Union[ModelFile, _Mapping]]] = ...) -> None: ...

class ModelFile(_message.Message):
    __slots__ = ("name", "size_bytes", "model_name", "architecture", "problem", "chosen", "serving")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    ARCHITECTURE_FIELD_NUMBER: _ClassVar[int]
    PROBLEM_FIELD_NUMBER: _ClassVar[int]
    CHOSEN_FIELD_NUMBER: _ClassVar[int]
    SERVING_FIELD_NUMBER: _ClassVar[int]
    name: str
    size_bytes: int
    model_name: str
    architecture: str
    problem: str
    chosen: bool
    serving: bool
    def __init__(self, name: _Optional[str] = ..., size_bytes: _Optional[int] = ..., model_name: _Optional[str] = ..., architecture: _Optional[str] = ..., problem: _Optional[str] = ..., chosen: bool = ..., serving: bool = ...) -> None: ...

class UseModelRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class UseModelResponse(_message.Message):
    __slots__ = ("model", "state")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    model: ModelInfo
    state: ModelState
    def __init__(self, model: _Optional[_Union[ModelInfo, _Mapping]] = ..., state: _Optional[_Union[ModelState, _Mapping]] = ...) -> None: ...
