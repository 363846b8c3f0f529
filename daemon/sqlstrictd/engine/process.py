"""What the child does to its own process, so that it never outlives or harms the front."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
# Where memory runs out, the kernel is to end the engine, which is started again, not the front.
_OOM_SCORE = "500"


def settle() -> None:
    """Set limits and signals: no core files, no debugger, die with the front, leave Ctrl-C to it.

    The front drains when it is told to stop, so a signal to the whole process group must not take
    the engine away; it ends on a Stop message, at the end of the socket, or with the front.
    """
    os.environ["GGML_NO_BACKTRACE"] = "1"
    faulthandler.enable(sys.stderr)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _die_with_parent()
        try:
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)
        except OSError:
            pass  # a hardened system may forbid it; it is a preference only


def _die_with_parent() -> None:
    parent = os.getppid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:
        sys.exit("the front ended while the engine started")


def memory_bytes() -> int:
    """Return the resident memory of this process, 0 where the system does not tell."""
    try:
        n_pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return n_pages * os.sysconf("SC_PAGE_SIZE")
