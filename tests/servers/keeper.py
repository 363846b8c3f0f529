"""Keeps one server and one folder for as long as its standard input is open, then removes both.

    python -I keeper.py FOLDER STOP_SIGNAL UID GID COMMAND...     (UID and GID: -1 for our own)

Started by `process.py` in a session of its own. Whoever started it holds the other end of the pipe,
which closes however that process ends, so a killed test run leaves neither server nor files. Where
the server ends first, the last lines of its log go to standard output.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1
PATIENCE_S = 10.0  # for a server that was told to stop
TAIL = 2000  # characters of the log


def main() -> int:
    """Start the server; return 0 when it was stopped, 1 when it ended otherwise."""
    folder = Path(sys.argv[1])
    stop_signal, uid, gid = (int(argument) for argument in sys.argv[2:5])
    keeper = os.getpid()
    libc = ctypes.CDLL(None)

    def die_with_keeper() -> None:
        libc.prctl(PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)
        if os.getppid() != keeper:
            os._exit(1)

    log = folder / "log"
    try:
        with log.open("wb") as output:
            server = subprocess.Popen(
                sys.argv[5:],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                preexec_fn=die_with_keeper,
                user=None if uid < 0 else uid,
                group=None if uid < 0 else gid,
                extra_groups=None if uid < 0 else [],
            )
    except OSError as error:
        print(error)
        shutil.rmtree(folder, ignore_errors=True)
        return 1
    ended = os.pidfd_open(server.pid)
    readable, _, _ = select.select([sys.stdin, ended], [], [])
    was_stopped = ended not in readable
    if was_stopped:
        server.send_signal(stop_signal)
        try:
            server.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            server.kill()
    server.wait()
    if not was_stopped:
        print(log.read_text(errors="replace")[-TAIL:])
    shutil.rmtree(folder, ignore_errors=True)
    return 0 if was_stopped else 1


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # its work ends with the pipe alone
    sys.exit(main())
