"""The engine child as a process, and the front's end of its socketpair in the test's hands."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlstrictd.engine import wire

MessageT = TypeVar("MessageT")
LIMIT_S = 120  # for what must come, however slow the machine is


class Child:
    """A child process and the front's end of its socketpair."""

    def __init__(self, model: Path, *flags: str) -> None:
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(LIMIT_S)
        with theirs:
            fd = str(theirs.fileno())
            command = [sys.executable, "-m", "sqlstrictd.engine", "--fd", fd, "--model", str(model)]
            self.process = subprocess.Popen(
                [*command, "--threads", "1", *flags],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                text=True,
            )
        self._stream = self.socket.makefile("rb")

    def send(self, message: wire.Message) -> None:
        self.socket.sendall(wire.encode(message))

    def receive(self) -> wire.Message | None:
        """The next message; None at the end of the connection."""
        try:
            header = self._stream.read(wire.HEADER.size)
            if not header:
                return None
            return wire.decode(self._stream.read(wire.payload_length(header)))
        except ConnectionResetError:
            return None

    def expect(self, kind: type[MessageT], **fields: object) -> MessageT:
        """The next message of a kind; heartbeats and others in between are skipped."""
        end = time.monotonic() + LIMIT_S
        while True:
            message = self.receive()
            assert message is not None, self.process.communicate()[1]
            assert time.monotonic() < end, f"no {kind.__name__} with {fields}"
            if isinstance(message, kind) and all(
                getattr(message, name) == value for name, value in fields.items()
            ):
                return message

    def ends(self) -> tuple[int, str]:
        """The exit code and what was written to stderr."""
        _, stderr = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, stderr


MakeChild = Callable[..., Child]
