"""A request on its way through the engine: one Generate or Prefill, from slot to answer.

A Generate waits until its prompt is read, and forks it at its end once for each alternative. The
scheduler decides when; this is what happens.
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
from sqlstrictd.engine.sampling import Candidates, Sampler
from sqlstrictd.engine.sequence import Sequence, SequencePool
from sqlstrictd.engine.sequence_state import State
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
    fetch: Future[State | None] | None = None  # of the schema's state from its file
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
    def is_guess(self) -> bool:
        """Whether the job reads ahead for a question that may never be asked."""
        return isinstance(self.request, Prefill) and self.request.is_guess

    @property
    def is_fetching(self) -> bool:
        """Whether the schema's state is being read from its file."""
        return self.fetch is not None and not self.fetch.done()

    @property
    def is_writing(self) -> bool:
        """Whether the prompt is decoded and statements are being written."""
        return self.first_token_at_s > 0

    @property
    def n_cells(self) -> int:
        """The most cells that the job may need, its prefixes' not counted."""
        return self.preparation.result().n_cells

    @property
    def n_sequences_to_come(self) -> int:
        """How many more sequences the job will need, its prefixes' not counted."""
        return self.request.n if isinstance(self.request, Generate) and not self.is_writing else 0

    @property
    def is_over(self) -> bool:
        """Whether every statement is done, or none is left."""
        if self.failure and not self.statements:
            return True
        return bool(self.statements) and all(one.is_done for one in self.statements)

    def reading(self) -> Sequence | None:
        """Return the sequence whose prompt tokens the job waits for, None while it is writing."""
        return self.prefix.reading() if self.prefix and not self.is_writing else None

    def writing(self) -> list[Sequence]:
        """Return the sequences of the statements that want a next token."""
        if not self.is_writing:
            return []
        return [one.sequence for one in self.statements if not one.is_done]

    def begin(self, pool: SequencePool, vocabulary: Vocabulary) -> None:
        """Fork the prompt, which must be ready, for each alternative, and write first tokens.

        Only the first one goes along the draft: the others are wanted for being different.
        """
        request, prompt, prepared = self.request, self.prefix, self.preparation.result()
        assert isinstance(request, Generate) and prepared.matcher is not None
        assert prompt is not None and prompt.logits is not None
        self.first_token_at_s = time.monotonic()
        for alternative in range(request.n):
            is_first = alternative == 0
            temperature = max(request.temperature, 0 if is_first else ALTERNATIVE_TEMPERATURE)
            statement = Statement(
                pool.fork(prompt.sequence),
                prepared.matcher.copy(),
                Sampler(temperature, request.seed, alternative),
                vocabulary,
                request.max_tokens,
            )
            self.statements.append(statement)
            draft = prepared.draft_tokens if is_first else []
            if draft and not temperature:
                # What was written may be other tokens of the same text. For a greedy statement
                # it is a matter of speed alone; a drawn one must not depend on what is resident.
                draft = prompt.written.get(request.draft, draft)
            self._attempt(statement, partial(statement.begin, prompt.logits, draft), pool)

    def take(
        self,
        candidates: dict[int, list[Candidates]],
        logits: dict[int, Logits],
        pool: SequencePool,
    ) -> None:
        """Note the end of the prompt, or let statements choose their next tokens.

        Both are by sequence number: what statements may choose from, and the logits at the ends of
        prompts. A statement that fails is dropped; its failure is the job's if none is left.
        """
        prompt = self.prefix
        if self.is_generate and prompt and prompt.is_ready and prompt.logits is None:
            prompt.logits = logits[prompt.sequence.seq_id].copy()
        for statement in list(self.statements):
            new = candidates.get(statement.sequence.seq_id)
            if new is not None and not statement.is_done:
                self._attempt(statement, partial(statement.take, new), pool)

    def _attempt(self, statement: Statement, step: Callable[[], None], pool: SequencePool) -> None:
        try:
            step()
        except RequestFailed as failure:
            self.failure = failure
            self.statements.remove(statement)
            statement.sequence.drop()
            return
        if statement.is_done:
            statement.sequence.drop()
        elif statement.has_diverged and self.prefix:
            statement.resume(pool.fork(self.prefix.sequence))

    def finished(self) -> Finished:
        """Return the answer of a job that is over.

        Raises:
            RequestFailed: no statement is left, or one is not text.
        """
        if not self.statements:
            assert self.failure is not None
            raise self.failure
        if isinstance(self.request, Generate) and self.request.keep_prompt and self.prefix:
            self.prefix.written = {one.text(): one.token_ids for one in self.statements}
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
