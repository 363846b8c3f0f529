"""An exception -> what the user reads and the exit code; the one place that knows both."""

from __future__ import annotations

import traceback
from enum import IntEnum

from sqlstrict import errors
from sqlstrict.cli.console import Console


class Exit(IntEnum):
    """The exit codes of client commands."""

    ANSWER = 0
    ERROR = 1
    USAGE = 2
    NOT_REACHABLE = 3
    REFUSED = 4
    DEADLINE = 5
    NOT_VALID = 6
    INTERRUPTED = 130


# The first kind that fits decides.
_BY_KIND: tuple[tuple[type[errors.SqlstrictError], Exit], ...] = (
    (errors.NotReachable, Exit.NOT_REACHABLE),
    (errors.EngineCrashed, Exit.ERROR),
    (errors.Unavailable, Exit.NOT_REACHABLE),
    (errors.DeadlineExceeded, Exit.DEADLINE),
    (errors.InvalidAddress, Exit.USAGE),
    (errors.SourceError, Exit.USAGE),
)


def exit_code(error: errors.SqlstrictError) -> Exit:
    """Return the exit code of an error."""
    return next((code for kind, code in _BY_KIND if isinstance(error, kind)), Exit.ERROR)


def report(error: errors.SqlstrictError, console: Console, *, is_debugging: bool) -> Exit:
    """Tell the user of an error and return its exit code."""
    if is_debugging:
        console.note("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, errors.InvalidRequest) and error.field:
        console.fail(error.message, reason=error.reason, field=error.field)
    elif isinstance(error, errors.Busy) and error.retry_after_s is not None:
        again = f"{error.message} (retry after {error.retry_after_s:.2g} s)"
        console.fail(again, reason=error.reason)
    else:
        console.fail(error.message, reason=error.reason)
    return exit_code(error)
