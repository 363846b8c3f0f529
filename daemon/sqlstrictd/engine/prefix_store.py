"""Files of schemas' states beside the model's own thread: fetched and kept without holding it up.

`prefixes.py` asks for the state of a schema that is not resident, and hands over states that are to
be kept; the one thing done in its thread is copying a state out of llama.cpp's memory. Whatever
goes wrong with a file is counted and means that the schema is read anew; it is never an error.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from sqlstrictd.engine.prefix_file import Refused, Tokens
from sqlstrictd.engine.prefix_folder import PrefixFolder
from sqlstrictd.engine.sequence_state import State

# States that wait to be written are memory; while this many do, no other is handed over.
MAX_PENDING = 4
# How exactly the files know their last use, on which it depends which one is deleted first.
TOUCH_S = 60.0


class PrefixStore:
    """The states that are kept as files in a folder; for one thread but for `counts`."""

    def __init__(self, folder: PrefixFolder, on_done: Callable[[], None]) -> None:
        """`on_done` is called in another thread after each fetch."""
        self._folder = folder
        self._on_done = on_done
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="fetch-prefix")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="keep-prefix")
        self._lock = threading.Lock()  # for the four below, which the threads use as well
        self._pending: dict[str, State] = {}
        self._fetching: dict[str, Future[State | None]] = {}
        self._used_at_s: dict[str, float] = {}  # when the files that are there were last touched
        self._counts: Counter[str] = Counter()

    @property
    def counts(self) -> dict[str, int]:
        """What happened so far, by the names of `counters.MEANINGS`; from any thread."""
        with self._lock:
            return dict(self._counts)

    @property
    def can_keep(self) -> bool:
        """Whether another state may be handed over now."""
        with self._lock:
            return len(self._pending) < MAX_PENDING

    def has(self, tokens: Tokens) -> bool:
        """Whether there is a file for these tokens, as far as this process knows."""
        with self._lock:
            return self._folder.name_of(tokens) in self._used_at_s

    def fetch(self, tokens: Tokens) -> Future[State | None]:
        """Begin to look for the state of these tokens; the result is None where there is none."""
        name = self._folder.name_of(tokens)
        with self._lock:
            if name in self._pending:
                found: Future[State | None] = Future()
                found.set_result(self._pending[name])
                return found
            if name not in self._fetching:
                future = self._reader.submit(self._read, name, tokens)
                self._fetching[name] = future
                future.add_done_callback(lambda _: self._on_done())
            return self._fetching[name]

    def keep(self, tokens: Tokens, state: State) -> None:
        """Begin to write a state."""
        name = self._folder.name_of(tokens)
        with self._lock:
            self._pending[name] = state
            self._used_at_s[name] = time.monotonic()
        self._writer.submit(self._write, name, tokens, state)

    def note_use(self, tokens: Tokens) -> None:
        """Let the file of these tokens, if there is one, be among the last to be deleted."""
        name, now_s = self._folder.name_of(tokens), time.monotonic()
        with self._lock:
            if now_s - self._used_at_s.get(name, now_s) < TOUCH_S:
                return
            self._used_at_s[name] = now_s
        self._writer.submit(self._count_errors, self._folder.note_use, tokens)

    def note_restored(self) -> None:
        """Count a state that the model took over."""
        self._count("prefixes_restored")

    def refuse(self, tokens: Tokens) -> None:
        """Delete a file whose state llama.cpp did not take."""
        with self._lock:
            self._used_at_s.pop(self._folder.name_of(tokens), None)
        self._count("prefix_files_refused")
        self._writer.submit(self._count_errors, self._folder.delete, tokens)

    def close(self) -> None:
        """Write what is to be written, and end the threads."""
        self._reader.shutdown(wait=True, cancel_futures=True)
        self._writer.shutdown(wait=True)

    def _read(self, name: str, tokens: Tokens) -> State | None:
        state = None
        try:
            state = self._folder.read(tokens)
        except Refused:
            self._count("prefix_files_refused")
        except (OSError, MemoryError):
            self._count("prefix_file_errors")
        finally:
            with self._lock:
                del self._fetching[name]
                if state is not None:
                    self._used_at_s[name] = time.monotonic()
        return state

    def _write(self, name: str, tokens: Tokens, state: State) -> None:
        gone = [name]
        try:
            gone = self._folder.write(tokens, state)
            if name not in gone:
                self._count("prefixes_kept")
        except OSError:
            self._count("prefix_file_errors")
        finally:
            with self._lock:
                self._pending.pop(name, None)
                for one in gone:
                    self._used_at_s.pop(one, None)

    def _count_errors(self, work: Callable[[Tokens], None], tokens: Tokens) -> None:
        try:
            work(tokens)
        except OSError:
            self._count("prefix_file_errors")

    def _count(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1
