"""A hint that something happened in a folder, from the system's own events where it has them.

`follower.py` looks sooner for it and relies on nothing else of it: events are lost when a
folder is renamed, never come from some file systems, and say nothing of whether a file is whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

DEBOUNCE_S = 0.25
# What looking at a file causes by itself, the first two of them.
_NO_CHANGE = ("opened", "closed_no_write")


class FolderWatch:
    """Calls `on_hint` on the event loop, once for many events that come together."""

    def __init__(self, on_hint: Callable[[], None]) -> None:
        self._on_hint = on_hint
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._watched: tuple[Path, int, int] | None = None
        self._observer: Any = None
        self._ends: set[asyncio.Future[None]] = set()
        self._obstacle = "nothing is watched yet"

    @property
    def words(self) -> str:
        """How changes are noticed, for people."""
        return f"polling ({self._obstacle})" if self._obstacle else "events and polling"

    def watch(self, folder: Path) -> None:
        """Watch this folder and no other; cheap where it is the one that is watched already."""
        try:
            found = folder.stat()
        except OSError as error:
            self._stop_with(f"{folder}: {error.strerror}")
            return
        # A folder that was made again under its name is another one, with no events from it.
        target = (folder, found.st_dev, found.st_ino)
        if target == self._watched:
            return
        self.stop()
        self._watched = target
        try:
            from watchdog.events import FileSystemEventHandler
            from watchdog.observers import Observer
        except ImportError:
            self._obstacle = "the package watchdog is not installed"
            return

        class Hint(FileSystemEventHandler):
            def on_any_event(handler, event: Any) -> None:
                if event.event_type not in _NO_CHANGE:
                    self._loop.call_soon_threadsafe(self._take_hint)

        observer = Observer()
        try:
            observer.schedule(Hint(), str(folder), recursive=False)
            observer.start()
        except OSError as error:
            self._obstacle = f"no events of {folder}: {error.strerror or error}"
            log.warning("changes of the model are noticed by %s", self.words)
            return
        self._observer, self._obstacle = observer, ""

    def stop(self) -> None:
        """Watch nothing; the thread that did ends by itself."""
        self._stop_with("nothing is watched")

    async def close(self) -> None:
        """Watch nothing, and return when every thread that did has ended."""
        self.stop()
        if self._ends:
            await asyncio.wait(self._ends)

    def _stop_with(self, obstacle: str) -> None:
        self._watched, self._obstacle = None, obstacle
        if self._observer is not None:
            # Both wait for threads, which the event loop must not.
            end = asyncio.ensure_future(asyncio.to_thread(_end, self._observer))
            self._ends.add(end)
            end.add_done_callback(self._ends.discard)
            self._observer = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _take_hint(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(DEBOUNCE_S, self._give_hint)

    def _give_hint(self) -> None:
        self._timer = None
        self._on_hint()


def _end(observer: Any) -> None:
    observer.stop()
    observer.join()
