"""A server in a private folder, under an account that may run it, that ends with this process.

Called by `postgres.py` and `mariadb.py`; what ends it in the end is `keeper.py`.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from servers.account import find_account, identity
from servers.engine import EngineMissing
from servers.programs import library_path

Connection = TypeVar("Connection")

LONGEST_SOCKET = 100  # bytes of a socket's path that every system takes
LONGEST_SOCKET_NAME = len("/.s.PGSQL.5432")
PATIENCE_S = 60.0  # for a server to answer, on a machine with other work
KEEPER = Path(__file__).with_name("keeper.py")


class ServerProcess:
    """A folder, an account, and one server in it once `start` was called."""

    def __init__(self, name: str, stop_signal: signal.Signals, *accounts: str) -> None:
        self.name = name
        self.account = find_account(*accounts)
        self.folder = _make_folder()
        self._stop_signal = stop_signal
        self._keeper: subprocess.Popen[str] | None = None
        if self.account is not None:
            os.chown(self.folder, self.account.pw_uid, self.account.pw_gid)

    def run(self, command: list[str], text: str = "") -> None:
        """Run a program to its end as the server's account, with that text as its input.

        Raises:
            EngineMissing: it failed; the folder is gone.
        """
        try:
            done = subprocess.run(
                command,
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=self.folder,
                env=_environment(command[0]),
                **identity(self.account),
            )
        except OSError as error:
            self.stop()
            raise EngineMissing(f"{self.name}: cannot run {command[0]}: {error}") from error
        if done.returncode != 0:
            self.stop()
            raise EngineMissing(f"{self.name}: {command[0]} failed: {done.stdout[-2000:]}")

    def start(
        self, command: list[str], listens_at: Path, connect: Callable[[], Connection]
    ) -> Connection:
        """Start the server and return what `connect` returns, once that raises OSError no more.

        It is called when something listens at that socket.

        Raises:
            EngineMissing: the server ended or did not answer; the folder is gone.
        """
        account = self.account
        ids = (-1, -1) if account is None else (account.pw_uid, account.pw_gid)
        self._keeper = subprocess.Popen(
            [
                *(sys.executable, "-I", str(KEEPER), str(self.folder)),
                *(str(number) for number in (int(self._stop_signal), *ids)),
                *command,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(command[0]),
            start_new_session=True,
        )
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                with socket.socket(socket.AF_UNIX) as probe:
                    probe.connect(str(listens_at))
                return connect()
            except OSError as error:
                if self._keeper.poll() is not None:
                    message = self._keeper.communicate()[0]
                    self.stop()
                    raise EngineMissing(f"{self.name} ended at its start: {message}") from error
                if time.monotonic() > give_up:
                    self.stop()
                    message = f"{self.name} did not answer within {PATIENCE_S:.0f} s: {error}"
                    raise EngineMissing(message) from error
            time.sleep(0.02)

    def stop(self) -> None:
        """End the server and remove the folder; nothing happens the second time."""
        if self._keeper is not None:
            self._keeper.communicate()  # closes the pipe, which is the sign to stop
            self._keeper = None
        shutil.rmtree(self.folder, ignore_errors=True)


def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="sqlstrict-server-"))
    if len(os.fsencode(folder)) + LONGEST_SOCKET_NAME > LONGEST_SOCKET:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="sqlstrict-server-", dir="/tmp"))
    return folder


def _environment(program: str) -> dict[str, str]:
    """Return an environment that holds nothing of the user's settings for the server."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    libraries = library_path(program)
    if libraries:
        environment["LD_LIBRARY_PATH"] = libraries
    return environment
