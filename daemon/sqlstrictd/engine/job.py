"""A request on its way through the engine: one Generate or Prefill, from slot to answer.

A job waits for its schema's prefix, forks it, decodes its question, and forks again at the end of
the question once for each further alternative. The scheduler decides when; this is what happens.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.llama import Logits
from sqlstrictd.engine.prefixes import Prefix
from sqlstrictd.engine.preparation import Prepared
from sqlstrictd.engine.sampling import Sampler
from sqlstrictd.engine.sequence import Sequence, SequencePool
from sqlstrictd.engine.statement import Statement, rank
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.engine.wire import Finished, Generate, Prefill, Progress

# Alternatives differ only if they are sampled, and sampled warmly enough.
ALTERNATIVE_TEMPERATURE = 0.8
# A client that does not ask for text hears of its progress this often.
_PROGRESS_TOKENS = 16


@dataclass(slots=True)
class Job:
    """A request's state; times are monotonic seconds."""

    request: Generate | Prefill
    preparation: Future[Prepared]
    prefix: Prefix | None = None
    statements: list[Statement] = field(default_factory=list)
    failure: RequestFailed | None = None
    started_at_s: float = 0.0
    first_token_at_s: float = 0.0
    _n_tokens_reported: int = 0

    @property
    def is_generate(self) -> bool:
        """Whether the job takes a slot; a Prefill does not."""
        return isinstance(self.request, Generate)

    @property
    def is_writing(self) -> bool:
        """Whether the prompt is decoded and statements are being written."""
        return self.first_token_at_s > 0

    @property
    def n_cells(self) -> int:
        """The most cells that the job may need, its prefix's not counted."""
        return self.preparation.result().n_cells

    @property
    def n_sequences_to_come(self) -> int:
        """How many more sequences the job will need, its prefix's not counted."""
        if not isinstance(self.request, Generate) or self.is_writing:
            return 0
        return self.request.n - len(self.statements)

    @property
    def is_over(self) -> bool:
        """Whether every statement is done, or none is left."""
        if self.failure and not self.statements:
            return True
        return bool(self.statements) and all(one.is_done for one in self.statements)

    def reading(self) -> Sequence | None:
        """Return the sequence whose prompt tokens the job waits for, None while it is writing."""
        if self.is_writing or self.is_over or self.prefix is None:
            return None
        return self.statements[0].sequence if self.statements else self.prefix.sequence

    def writing(self) -> list[Sequence]:
        """Return the sequences of the statements that want a next token."""
        if not self.is_writing:
            return []
        return [one.sequence for one in self.statements if not one.is_done]

    def begin(self, pool: SequencePool, vocabulary: Vocabulary) -> None:
        """Fork the prefix, which must be ready, and leave the question pending."""
        request, prepared = self.request, self.preparation.result()
        assert isinstance(request, Generate)
        assert self.prefix is not None and prepared.matcher is not None
        statement = Statement(
            pool.fork(self.prefix.sequence),
            prepared.matcher,
            Sampler(request.temperature, request.seed, alternative=0),
            vocabulary,
            request.max_tokens,
        )
        self.statements.append(statement)
        self._attempt(statement, partial(statement.begin, prepared.question_tokens))

    def take(self, logits: dict[int, Logits], pool: SequencePool) -> None:
        """Let each statement whose sequence has logits choose its next token.

        `logits` is by sequence number. A statement that fails is dropped; its failure is the
        job's if none is left.
        """
        if not self.is_writing and self.statements:
            row = logits.get(self.statements[0].sequence.seq_id)
            if row is None:
                return
            self.first_token_at_s = time.monotonic()
            for statement in self._alternatives(pool):
                self.statements.append(statement)
                logits[statement.sequence.seq_id] = row
        for statement in list(self.statements):
            row = logits.get(statement.sequence.seq_id)
            if row is not None and not statement.is_done:
                self._attempt(statement, partial(statement.take, row))

    def _alternatives(self, pool: SequencePool) -> list[Statement]:
        """Fork the first statement at the end of the prompt."""
        request, first = self.request, self.statements[0]
        assert isinstance(request, Generate)
        temperature = max(request.temperature, ALTERNATIVE_TEMPERATURE)
        return [
            first.fork(pool.fork(first.sequence), Sampler(temperature, request.seed, alternative))
            for alternative in range(1, request.n)
        ]

    def _attempt(self, statement: Statement, step: Callable[[], None]) -> None:
        try:
            step()
        except RequestFailed as failure:
            self.failure = failure
            self.statements.remove(statement)
            statement.sequence.drop()
        if statement.is_done:
            statement.sequence.drop()

    def finished(self) -> Finished:
        """Return the answer of a job that is over.

        Raises:
            RequestFailed: no statement is left, or one is not text.
        """
        if not self.statements:
            assert self.failure is not None
            raise self.failure
        outputs = rank([statement.output() for statement in self.statements])
        return Finished(self.request.id, outputs, *self.times_us())

    def progress(self) -> Progress | None:
        """Return what the client is to hear now of the first statement, if anything."""
        request = self.request
        if not isinstance(request, Generate) or not self.is_writing or not self.statements:
            return None
        first = self.statements[0]
        n_tokens = len(first.token_ids)
        is_every_token_told = request.wants_text or not self._n_tokens_reported
        if n_tokens - self._n_tokens_reported < (1 if is_every_token_told else _PROGRESS_TOKENS):
            return None
        self._n_tokens_reported = n_tokens
        return Progress(request.id, n_tokens, first.text() if request.wants_text else "")

    def times_us(self) -> tuple[int, int]:
        """Return the microseconds from slot to first token, and from there to now."""
        now_s = time.monotonic()
        first_s = self.first_token_at_s or now_s
        return round((first_s - self.started_at_s) * 1e6), round((now_s - first_s) * 1e6)

    def drop_sequences(self) -> None:
        """Forget the state of every statement."""
        for statement in self.statements:
            statement.sequence.drop()
