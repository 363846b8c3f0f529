"""What the client's calls return: frozen dataclasses, in the contract's words.

`reading.py` fills them from the daemon's messages. They know neither gRPC nor protobuf, so they
can be compared, pickled, and turned into JSON with `dataclasses.asdict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from sqlstrict.errors import SqlstrictError
from sqlstrict.model_answers import ModelInfo, ModelState


class RefusalReason(StrEnum):
    """Why no SQL was returned."""

    BUDGET = "budget"
    VERIFY_FAILED = "verify_failed"
    NO_CANDIDATE = "no_candidate"
    POLICY = "policy"
    UNSUPPORTED = "unsupported"
    LOW_CONFIDENCE = "low_confidence"
    UNKNOWN = "unknown"
    """A reason of a newer daemon."""


class Outcome(StrEnum):
    """What a check of a certificate found."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not_run"


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was proved about a statement, and against what.

    `types` is checked for PostgreSQL, and for DuckDB where the daemon has no DuckDB to ask; it is
    not run for dialects that convert between types by themselves (SQLite, MySQL, standard SQL):
    there functions, the number of their arguments, and groups are checked alone. `prepare` is not
    run, and `engine` empty, where the daemon has no engine of the dialect.
    """

    schema_fingerprint: str
    dialect: str
    model: str
    version: str
    grammar: Outcome
    scope: Outcome
    types: Outcome
    prepare: Outcome
    engine: str


@dataclass(frozen=True, slots=True)
class Confidence:
    """Natural logarithms of the tokens' probabilities; 0 is certain.

    `mean_masked_probability` is how much probability the grammar took away, 0 to 1, and
    `matched_words` how well the question's words fit the schema's. `score` is one number for all of
    it, 0 to 1, higher is surer; it is not the probability of being right.
    """

    mean_log_probability: float
    min_log_probability: float
    mean_masked_probability: float
    score: float
    matched_words: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """A further statement; it passed the same checks as the first."""

    sql: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class NearestName:
    """A name of the schema (table or table.column) and the word of the question it resembles."""

    name: str
    word: str
    score: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no statement."""

    reason: RefusalReason
    message: str
    nearest: tuple[NearestName, ...]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and microseconds that a question cost in the daemon, over all attempts.

    `attempts` is 1 where the model's first draft passed the checks, 2 where it had to write again.
    """

    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    queue_us: int
    prefill_us: int
    decode_us: int
    verify_us: int
    total_us: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's outcome: either `sql` with its `certificate`, or a `refusal`.

    `kind` is what the statement does, as "select" or "insert"; empty where there is none.
    """

    sql: str | None
    refusal: Refusal | None
    kind: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    certificate: Certificate | None
    confidence: Confidence | None
    alternatives: tuple[Alternative, ...]
    usage: Usage
    request_id: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The question is in the queue, behind `queue_position` others."""

    request_id: str
    queue_position: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Tokens were written. `draft` is not checked and not whole: never run it.

    Both start again where the model has to write a second time, which is then its `attempt` 2.
    """

    output_tokens: int
    draft: str
    attempt: int


Event: TypeAlias = Accepted | Progress | Answer
"""What a stream yields. The last event, and no other, is an `Answer`."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The answer to one question of a batch, or the error that `translate` would have raised."""

    index: int
    answer: Answer | None
    error: SqlstrictError | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column and its declared type, empty where none is declared.

    `values` are the only ones that it may hold, from CHECK or ENUM; empty where any may.
    """

    name: str
    type: str
    values: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """Columns that refer to another table's columns."""

    columns: tuple[str, ...]
    referenced_table: str
    referenced_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as the schema spells it, or a view, which can only be read."""

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    foreign_keys: tuple[ForeignKey, ...]
    comment: str = ""
    is_view: bool = False


@dataclass(frozen=True, slots=True)
class SchemaInfo:
    """What is known of a schema; `warnings` name what was left out of its DDL, and why."""

    name: str
    fingerprint: str
    dialect: str
    table_count: int
    column_count: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema that was just registered, and whether it replaced one of the same name."""

    info: SchemaInfo
    is_replaced: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """A registered schema with its tables; `ddl` is of the daemon's own writing."""

    info: SchemaInfo
    tables: tuple[Table, ...]
    ddl: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a statement; line and column count from 1, 0 where unknown."""

    check: str
    message: str
    line: int
    column: int
    nearest: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What the checks found. `writable` is None where it was not asked for.

    `engine` is what was asked to prepare it, empty where the daemon has none of the dialect; the
    checks of scope, groups and (where the dialect does not convert them) types stand for it then.
    """

    kind: str
    in_scope: bool
    types: Outcome
    prepares: bool
    engine: str
    writable: bool | None
    problems: tuple[Problem, ...]

    @property
    def is_valid(self) -> bool:
        """Whether it is one statement of an allowed kind, in scope and prepared.

        Whether the model's grammar could write it is another matter.
        """
        return self.in_scope and self.prepares


@dataclass(frozen=True, slots=True)
class Status:
    """How the daemon is. `model` is None while none is loaded.

    `queued` and `queue_limit` are of single questions; those of batches wait apart.
    """

    version: str
    is_ready: bool
    model: ModelInfo | None
    slots: int
    slots_busy: int
    queued: int
    queue_limit: int
    batch_queued: int
    resident_schemas: int
    registered_schemas: int
    front_memory_bytes: int
    engine_memory_bytes: int
    uptime_s: float
    counters: dict[str, int]
    last_errors: tuple[str, ...]
    front_pid: int
    engine_pid: int
    model_state: ModelState
