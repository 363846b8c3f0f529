"""What `convert` and the `model` commands write: results on stdout, the rest on stderr, or JSON.

With --json each line of standard output is one object. Names, licences and metadata come from
strangers; what a person reads of them has no control characters left.
"""

import json
import sys
import time
import unicodedata
from collections.abc import Iterable, Sequence

from sqlstrict_convert.progress import Progress

BAR_WIDTH = 24
LIVE_EVERY_S = 0.2  # to a terminal
EVENT_EVERY_S = 0.5  # to a program
LOG_EVERY_S = 5.0  # to a file, where lines stay
IN_BYTES = ("download", "copy", "hash", "write", "stamp")
STEPS = {  # of Progress, in words
    "download": "downloading",
    "copy": "copying",
    "read": "reading the checkpoint",
    "hash": "hashing what was read",
    "write": "writing the weights",
    "importance": "measuring which columns matter",
    "quantize": "quantizing",
    "compare": "comparing with the unquantized model",
    "stamp": "writing the report into the file",
    "check": "loading the result in llama.cpp",
}


class Terminal:
    """The two streams of one command."""

    def __init__(self, *, is_json: bool) -> None:
        self.is_json = is_json
        self._is_live = sys.stderr.isatty() and not is_json
        self._last = ("", 0.0)
        self._told: Progress | None = None
        self._shown = 0  # width of the unfinished line

    def result(self, text: str) -> None:
        """Write a line of the result for a person; nothing where JSON was asked for."""
        if not self.is_json:
            print(visible(text), flush=True)

    def json(self, **fields: object) -> None:
        """Write one object of the result, where JSON was asked for."""
        if self.is_json:
            print(json.dumps(fields), flush=True)

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows under their columns."""
        cells = [list(columns), *([visible(cell) for cell in row] for row in rows)]
        widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
        for row in (cells[0], ["-" * width for width in widths], *cells[1:]):
            self.result("  ".join(map(str.ljust, row, widths)).rstrip())

    def note(self, text: str) -> None:
        """Tell a person something that is not the result."""
        self._end_line()
        print(f"sqlstrict: {visible(text)}", file=sys.stderr, flush=True)

    def fail(self, kind: str, message: str, *, is_event: bool) -> None:
        """Tell of the error that ends the command; an event of a stream stands on stdout."""
        self._end_line()
        if self.is_json and is_event:
            self.json(event="error", kind=kind, message=message)
        elif self.is_json:
            error = {"error": {"message": message, "reason": kind}}
            print(json.dumps(error), file=sys.stderr, flush=True)
            return
        print(f"sqlstrict: {visible(message)}", file=sys.stderr, flush=True)

    def progress(self, progress: Progress) -> None:
        """Show how far a step is: its first and last moment, and others now and then."""
        every_s = EVENT_EVERY_S if self.is_json else LIVE_EVERY_S if self._is_live else LOG_EVERY_S
        now_s = time.monotonic()
        is_last = progress.done >= progress.total
        if progress == self._told or (
            progress.step == self._last[0] and not is_last and now_s - self._last[1] < every_s
        ):
            return
        self._told = progress
        if progress.step != self._last[0]:
            self._end_line()
        self._last = (progress.step, now_s)
        if self.is_json:
            self.json(
                event="progress",
                step=progress.step,
                done=progress.done,
                total=progress.total,
                left_s=None if progress.left_s is None else round(progress.left_s, 1),
            )
            return
        line = describe(progress, STEPS.get(progress.step, progress.step), self._is_live)
        if not self._is_live:
            print(line, file=sys.stderr, flush=True)
            return
        print(f"\r{line.ljust(self._shown)}", end="", file=sys.stderr, flush=True)
        self._shown = len(line)
        if is_last:
            self._end_line()

    def _end_line(self) -> None:
        if self._shown:
            print(file=sys.stderr, flush=True)
            self._shown = 0


def describe(progress: Progress, title: str, has_bar: bool) -> str:
    """Return one line about a step: bar, share, sizes, time left."""
    share = progress.done / progress.total if progress.total else 1.0
    full = round(BAR_WIDTH * share)
    bar = f"[{'#' * full}{'.' * (BAR_WIDTH - full)}] " if has_bar else ""
    sizes = ""
    if progress.step in IN_BYTES:
        sizes = f" ({progress.done / 1e6:,.1f} of {progress.total / 1e6:,.1f} MB)"
    left = ""
    if progress.left_s is not None and 1 <= progress.left_s and share < 1:
        minutes, seconds = divmod(round(progress.left_s), 60)
        left = f", {minutes} min {seconds} s left" if minutes else f", {seconds} s left"
    return f"{title}: {bar}{int(100 * share)} %{sizes}{left}"


def visible(text: str) -> str:
    """Return text with control characters written as escapes."""
    return "".join(
        character.encode("unicode_escape").decode()
        if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character != "\n"
        else character
        for character in text
    )
