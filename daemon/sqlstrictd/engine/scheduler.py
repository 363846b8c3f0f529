"""Slots, and the step: every statement in flight gets its next token from one llama_decode.

`submit`, `cancel` and `step` are called by the one thread that owns the context; `step` returns
the messages for the front. Who calls it in a loop is `__main__`, the child, or `engine.py`. Cells
for the longest possible answer are set aside before a request starts, so none runs out midway.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future

from sqlstrictd.engine.batch import Planned, plan
from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.forward import Forward
from sqlstrictd.engine.head import OutputHead
from sqlstrictd.engine.job import Job
from sqlstrictd.engine.llama import Context, DecodeError
from sqlstrictd.engine.matcher import Grammars
from sqlstrictd.engine.prefix_store import PrefixStore
from sqlstrictd.engine.prefixes import Prefixes
from sqlstrictd.engine.preparation import Prepared, Preparing, outcome
from sqlstrictd.engine.sequence import SequencePool
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.engine.waiting import Waiting
from sqlstrictd.engine.wire import (
    Failed,
    Generate,
    Match,
    Matched,
    Message,
    Prefill,
    Prefilled,
    Started,
)


class Scheduler:
    """Decodes for up to `n_slots` requests at a time; more wait their turn in order."""

    def __init__(
        self,
        context: Context,
        vocabulary: Vocabulary,
        n_slots: int,
        max_schemas: int,
        max_prompts: int,
        wake: Callable[[], None],
        store: PrefixStore | None = None,
        head: OutputHead | None = None,
    ) -> None:
        """`wake` is called from another thread when a preparation is done."""
        self._context = context
        self._forward = Forward(context, head)
        self._vocabulary = vocabulary
        self._grammars = Grammars(vocabulary)
        self._pool = SequencePool(context)
        self._prefixes = Prefixes(self._pool, max_schemas, max_prompts, store)
        self._n_slots = n_slots
        self._preparing = Preparing(vocabulary, self._grammars, context.n_cells, on_done=wake)
        self._waiting = Waiting(self._preparing, self._prefixes)
        self._running: list[Job] = []
        self._matches: dict[int, Future[tuple[bool, int]]] = {}
        self._messages: list[Message] = []
        # The heartbeat's thread reads these: plain values, written after each step.
        self.progress_at_s = time.monotonic()
        self.n_resident = 0  # schemas whose prefix is resident

    @property
    def n_running(self) -> int:
        """Requests that have a slot; from any thread."""
        return sum(job.is_generate for job in tuple(self._running))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked for; from any thread."""
        return not (self._waiting or self._running or self._matches)

    @property
    def can_step(self) -> bool:
        """Whether a step would do something now, rather than wait for a preparation."""
        return (
            bool(self._running or self._messages)
            or self._waiting.has_due
            or any(match.done() for match in self._matches.values())
        )

    def submit(self, request: Generate | Prefill | Match) -> None:
        """Take a request; its answer comes out of a later step."""
        if self.is_idle:
            self.progress_at_s = time.monotonic()
        if isinstance(request, Match):
            self._matches[request.id] = self._preparing.match(request)
            return
        for job in self._waiting.add(request):
            self._tell(job.request.id, RequestFailed("CONTEXT_FULL", "newer schemas wait"))

    def cancel(self, request_id: int) -> None:
        """Forget a request, wherever it is; unknown ones are none of our business."""
        self._matches.pop(request_id, None)
        self._waiting.cancel(request_id)
        for job in list(self._running):
            if job.request.id == request_id:
                self._end(job)

    def step(self) -> list[Message]:
        """Admit, decode one batch, choose tokens; return what the front is to hear.

        Raises:
            ContextBroken: the process must end.
        """
        self._collect_matches()
        self._admit()
        self._begin_jobs()
        planned = self._plan()
        if planned:
            self._decode(planned)
            self._prefixes.keep_built()
            self._begin_jobs()
        for job in list(self._running):
            self._report(job)
        self.progress_at_s = time.monotonic()
        self.n_resident = self._prefixes.n_ready_schemas
        messages, self._messages = self._messages, []
        return messages

    def close(self) -> None:
        """Wait for the preparing threads and forget every sequence."""
        self._preparing.close()
        for job in list(self._running):
            self._end(job)
        while self._prefixes.evict():
            pass

    def _collect_matches(self) -> None:
        for request_id, future in list(self._matches.items()):
            if not future.done():
                continue
            del self._matches[request_id]
            try:
                is_writable, n_bytes = outcome(future)
                self._messages.append(Matched(request_id, is_writable, n_bytes))
            except RequestFailed as failure:
                self._tell(request_id, failure)

    def _admit(self) -> None:
        """Give slots to prepared requests, in order; one that lacks room is not overtaken.

        A Prefill needs no slot, but runs only where there is nothing better to do.
        """
        is_blocked = False
        for job in self._waiting.due():
            try:
                prepared = outcome(job.preparation)
            except RequestFailed as failure:
                self._waiting.remove(job)
                self._tell(job.request.id, failure)
                continue
            if job.is_generate:
                is_blocked = is_blocked or self.n_running >= self._n_slots
                is_blocked = is_blocked or not self._make_room(job, prepared)
                if not is_blocked and self._waiting.is_fetched(job, prepared):
                    self._start(job, prepared)
            elif not self._running and self._waiting.is_fetched(job, prepared):
                if self._make_room(job, prepared):
                    self._start(job, prepared)
                elif job.is_guess:
                    self._waiting.remove(job)
                    self._tell(job.request.id, RequestFailed("CONTEXT_FULL", "no room to guess"))

    def _start(self, job: Job, prepared: Prepared) -> None:
        self._waiting.remove(job)
        self._running.append(job)
        job.started_at_s = time.monotonic()
        schema = self._prefixes.acquire_schema(
            prepared.schema_key,
            job.fetch.result() if job.fetch else None,
            is_for_file=not isinstance(job.request, Generate) or job.request.keep_schema,
        )
        job.fetch = None
        if isinstance(job.request, Generate):
            prompt = self._prefixes.acquire_prompt(
                schema, prepared.question_tokens, job.request.keep_prompt
            )
            job.prefix = prompt
            n_cached = prompt.sequence.length
            self._messages.append(Started(job.request.id, len(prompt.key), n_cached))
        else:
            job.prefix = schema
            if prepared.question_tokens:
                job.prefix = self._prefixes.acquire_beginning(schema, prepared.question_tokens)

    def _make_room(self, job: Job, prepared: Prepared) -> bool:
        """Evict idle prefixes until the request fits; return whether it does."""
        keep = (prepared.schema_key, prepared.prompt_key)
        while not self._has_room(job, prepared):
            background = [job for job in self._running if not job.is_generate]
            if background:
                # It goes on, from where it is or from the start, when there is room again.
                self._waiting.put_back(background[0])
                self._end(background[0])
            elif not self._prefixes.evict(keep, are_guesses_enough=job.is_guess):
                return False
        return True

    def _has_room(self, job: Job, prepared: Prepared) -> bool:
        is_new_schema = prepared.schema_key not in self._prefixes
        is_new_prompt = bool(prepared.question_tokens) and prepared.prompt_key not in self._prefixes
        n_cells_used = self._prefixes.n_cells + sum(one.n_cells for one in self._running)
        n_cells = prepared.n_cells + is_new_schema * len(prepared.schema_key)
        n_cells += is_new_prompt * len(prepared.question_tokens)
        n_sequences_promised = sum(one.n_sequences_to_come for one in self._running)
        n_sequences = job.n_sequences_to_come + is_new_schema + is_new_prompt
        if job.is_guess and is_new_schema and not self._prefixes.has_place_for_schema:
            return False
        return (
            n_cells_used + n_cells <= self._context.n_cells
            and n_sequences_promised + n_sequences <= self._pool.n_free
        )

    def _begin_jobs(self) -> None:
        """Go on with the prefixes that became ready for the requests that wait for them."""
        for job in list(self._running):
            if job.is_writing or job.prefix is None:
                continue
            job.prefix.begin()
            if not job.prefix.is_ready:
                continue
            if job.is_generate:
                job.begin(self._pool, self._vocabulary)
            else:
                n_tokens, (prefill_us, _) = job.prefix.sequence.length, job.times_us()
                self._messages.append(Prefilled(job.request.id, n_tokens, prefill_us))
                self._end(job)

    def _plan(self) -> list[Planned]:
        writing = [sequence for job in self._running for sequence in job.writing()]
        # Requests for one new schema wait for the same sequence.
        reading = {
            sequence.seq_id: sequence
            for job in self._running
            if (sequence := job.reading()) is not None and (job.is_generate or self.n_running == 0)
        }
        return plan(writing, list(reading.values()))

    def _decode(self, planned: list[Planned]) -> None:
        try:
            candidates, logits = self._forward.decode(planned)
        except DecodeError as error:
            self._give_up(planned, error)
            return
        for job in self._running:
            job.take(candidates, logits, self._pool)

    def _report(self, job: Job) -> None:
        """Tell of progress, or of the end."""
        if not job.is_over:
            progress = job.progress()
            if progress is not None:
                self._messages.append(progress)
            return
        try:
            self._messages.append(job.finished())
        except RequestFailed as failure:
            self._tell(job.request.id, failure)
        self._end(job)

    def _give_up(self, planned: list[Planned], error: DecodeError) -> None:
        """The batch was refused and nothing changed: make room, or fail requests of the batch."""
        if error.is_full and self._prefixes.evict():
            return
        in_batch = {one.sequence.seq_id for one in planned}
        jobs = []
        for job in self._running:
            reading = job.reading()
            sequences = job.writing() + ([reading] if reading else [])
            if not in_batch.isdisjoint(sequence.seq_id for sequence in sequences):
                jobs.append(job)
        reason = "CONTEXT_FULL" if error.is_full else "DECODE_FAILED"
        # Where cells are wanting, the youngest request makes way for the others.
        for job in jobs[-1:] if error.is_full else jobs:
            self._tell(job.request.id, RequestFailed(reason, str(error)))
            self._end(job)
        self._prefixes.drop_unfinished()

    def _tell(self, request_id: int, failure: RequestFailed) -> None:
        self._messages.append(Failed(request_id, failure.reason, failure.message))

    def _end(self, job: Job) -> None:
        """Free what the job holds; its prefix stays resident."""
        job.drop_sequences()
        if job.prefix is not None:
            self._prefixes.release(job.prefix)
            job.prefix = None
        self._running.remove(job)
