"""Questions and their answers, as `translate.py` sees them: plain values, no protobuf.

`service/requests.py` makes the one from the wire's form, `service/responses.py` turns the other
into it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from sqlstrictd.policy import Policy
from sqlstrictd.schema.link import Nearest


@dataclass(frozen=True, slots=True)
class SchemaRef:
    """Names a schema; exactly one of the fields is set. `dialect` is that of inline DDL."""

    name: str | None = None
    fingerprint: str | None = None
    ddl: str | None = None
    dialect: str = "sqlite"


@dataclass(frozen=True, slots=True)
class Question:
    """A question that keeps the caps of `limits.py`. `dialect` None means the schema's.

    A statement whose `Confidence.score` is below `min_confidence` is refused; 0 refuses none.
    """

    text: str
    schema: SchemaRef
    dialect: str | None
    policy: Policy
    n: int
    max_tokens: int
    temperature: float
    seed: int
    min_confidence: float = 0.0
    wants_draft: bool = False


class RefusalReason(Enum):
    """Why there is no SQL; the values are the names of the contract's enum without its prefix."""

    BUDGET = "BUDGET"
    VERIFY_FAILED = "VERIFY_FAILED"
    NO_CANDIDATE = "NO_CANDIDATE"
    POLICY = "POLICY"
    UNSUPPORTED = "UNSUPPORTED"
    LOW_CONFIDENCE = "LOW_CONFIDENCE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why there is no SQL, what to do about it, and the names that come near the question."""

    reason: RefusalReason
    message: str
    nearest: tuple[Nearest, ...] = ()


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the model was of a statement, and how well the question's words fit the schema.

    Natural logarithms of the chosen tokens' probabilities among those that the grammar allowed, and
    the mean likeness of the question's words to the schema's, 0 to 1.
    """

    mean_log_probability: float
    min_log_probability: float
    matched_words: float

    @property
    def score(self) -> float:
        """All of it in one number, 0 to 1, higher is surer; bench/README.md says its worth."""
        return self.matched_words * (1.0 + math.exp(self.mean_log_probability)) / 2.0


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was proved about a statement, and against what.

    `checks` names the checks of `verify/` that ran; all of them have passed. `engine` is empty
    where no engine of the dialect is at hand.
    """

    schema_fingerprint: str
    dialect: str
    model: str
    version: str
    checks: tuple[str, ...]
    engine: str


@dataclass(frozen=True, slots=True)
class Sql:
    """A statement that keeps the promise; nothing else in the daemon may leave it as SQL."""

    text: str
    kind: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    certificate: Certificate
    confidence: Confidence
    alternatives: tuple[tuple[str, Confidence], ...] = ()


@dataclass(slots=True)
class Usage:
    """What a question cost, over all attempts; filled in as it goes. Times are microseconds."""

    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    queue_us: int = 0
    prefill_us: int = 0
    decode_us: int = 0
    verify_us: int = 0
    total_us: int = 0
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome of a question, and what it cost."""

    outcome: Sql | Refusal
    usage: Usage
