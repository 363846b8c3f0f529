"""What the daemon counts since its start, and its last errors, for GetStatus.

Every counter has its name here and starts at 0, so that a reader of GetStatus sees all of them at
once. Nothing that is kept here may hold a question, a schema or a statement.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

# Name -> what is counted. GetStatus returns every one of them.
MEANINGS: Mapping[str, str] = {
    "requests": "questions that came in, those of batches included",
    "answers": "questions answered with SQL",
    "beginnings": "beginnings of questions that came in before the question",
    "refusals_budget": "refusals BUDGET",
    "refusals_verify_failed": "refusals VERIFY_FAILED",
    "refusals_no_candidate": "refusals NO_CANDIDATE",
    "refusals_policy": "refusals POLICY",
    "refusals_unsupported": "refusals UNSUPPORTED",
    "refusals_low_confidence": "refusals LOW_CONFIDENCE",
    "drafts_written_again": "drafts that did not pass the checks, so that the model wrote again",
    "verify_failures": (
        "statements of exact grammars that the last check turned down: bugs of the grammar"
    ),
    "checks": "statements checked for Check",
    "schemas_registered": "RegisterSchema calls that kept a schema",
    "invalid_requests": "requests that broke a rule of the contract",
    "queue_full": "questions turned away because too many waited",
    "deadline_exceeded": "questions that ran out of time",
    "cancelled": "questions that their client gave up",
    "slow_readers": "streams ended because their client did not read",
    "internal_errors": "errors that are bugs of the daemon",
    "engine_starts": "starts of the engine",
    "engine_crashes": "ends of the engine that nobody asked for",
    "engine_hangs": "engines killed because they did not answer",
    "model_swaps": "models that took the place of the one before",
    "models_rejected": "models that could not take the place of the one before",
    "requeued": "questions given to a new engine after a crash",
    "engine_crashed_errors": "questions ended with ENGINE_CRASHED",
    "poison_requests": "questions ended with POISON_REQUEST",
    "worker_failures": "workers for parsing and checking that ended, failed or ran out of time",
    "output_tokens": "tokens written",
    "prompt_tokens": "tokens of prompts",
    "cached_tokens": "tokens of prompts that were resident already, or came back from files",
    "prefixes_kept": "files of the model's states after schemas that were written",
    "prefixes_restored": "schemas that came back from a file instead of being read again",
    "prefix_files_refused": "files of states that were damaged or foreign, and were deleted",
    "prefix_file_errors": "files of states that could not be read or written",
}
KEPT_ERRORS = 20


class Counters:
    """Counts by name, and the last errors, newest first. Used by the event loop's thread alone."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(MEANINGS, 0)
        self._errors: deque[str] = deque(maxlen=KEPT_ERRORS)

    def add(self, name: str, amount: int = 1) -> None:
        """Add to a counter. Raises KeyError for a name that is not in MEANINGS."""
        self._counts[name] += amount

    def add_difference(self, before: Mapping[str, int], now: Mapping[str, int]) -> None:
        """Add what another process counted since it last told, of the names in MEANINGS."""
        for name in MEANINGS.keys() & now.keys():
            self._counts[name] += now[name] - before.get(name, 0)

    def note_error(self, text: str) -> None:
        """Keep an error for GetStatus; the text must hold nothing of a request."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._errors.appendleft(f"{stamp} {text}")

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    @property
    def counts(self) -> dict[str, int]:
        """A copy of all counters."""
        return dict(self._counts)

    @property
    def last_errors(self) -> list[str]:
        """The last errors, newest first."""
        return list(self._errors)
