"""Requests without a slot: until they are prepared, their schema's file is read, and room is made.

The scheduler puts them in and takes them out, in order; it decides which of them there is room for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from sqlstrictd.engine.job import Job
from sqlstrictd.engine.prefixes import MAX_BEGINNINGS, Prefixes
from sqlstrictd.engine.preparation import Prepared, Preparing
from sqlstrictd.engine.wire import Generate, Prefill


class Waiting:
    """Jobs in the order in which they came."""

    def __init__(self, preparing: Preparing, prefixes: Prefixes) -> None:
        self._preparing = preparing
        self._prefixes = prefixes
        self._jobs: deque[Job] = deque()

    def __iter__(self) -> Iterator[Job]:
        return iter(tuple(self._jobs))

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def has_due(self) -> bool:
        """Whether one of them may be looked at now, rather than when a thread has done its part."""
        return any(not job.is_fetching for job in self.due())

    def add(self, request: Generate | Prefill) -> list[Job]:
        """Take a request and begin to prepare it; return the Prefills that make way for it.

        Of schemas and of guesses, no more wait than may be resident, the newest; and of guesses one
        a schema.
        """
        job = Job(request, self._preparing.prepare(request))
        guesses = [one for one in self if one.is_guess]
        outdated = [one for one in guesses if one.request.schema == request.schema]
        self._jobs.append(job)
        schemas = [one for one in self if not one.is_generate and not one.is_guess]
        gone = schemas[: -self._prefixes.max_schemas]
        if job.is_guess:
            gone += outdated or guesses[: 1 - MAX_BEGINNINGS]
        for one in gone:
            self.cancel(one.request.id)
        return gone

    def put_back(self, job: Job) -> None:
        """Take a job that made way for others; it goes on when there is room again."""
        self._jobs.append(job)

    def remove(self, job: Job) -> None:
        """Let go of a job, since it got its slot or its failure."""
        self._jobs.remove(job)

    def cancel(self, request_id: int) -> None:
        """Forget a request if it waits."""
        for job in self:
            if job.request.id == request_id:
                job.preparation.cancel()
                self._jobs.remove(job)

    def due(self) -> list[Job]:
        """Return those that are prepared; of Prefills, which run one by one, the first alone."""
        due = [job for job in self if job.preparation.done()]
        first = next((job for job in due if not job.is_generate), None)
        return [job for job in due if job.is_generate or job is first]

    def is_fetched(self, job: Job, prepared: Prepared) -> bool:
        """Whether the job's schema is resident, or its file was read; else begin to read it."""
        if prepared.schema_key in self._prefixes:
            return True
        if job.fetch is None:
            job.fetch = self._prefixes.fetch_schema(prepared.schema_key)
        return not job.is_fetching
