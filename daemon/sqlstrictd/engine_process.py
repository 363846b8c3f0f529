"""One running engine child, seen from the front: its process and its end of the socketpair.

Made and watched by `supervisor.py`, which knows it as an `EngineLink` only, so that tests and later
engines (another machine's, say) can stand in its place. The child is exec'ed, never forked: gRPC's
threads do not survive a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Sequence
from typing import Protocol

from sqlstrictd.config import Config
from sqlstrictd.engine import wire
from sqlstrictd.model.file import ModelFile


class EngineLink(Protocol):
    """What the supervisor needs of an engine, however it runs."""

    @property
    def pid(self) -> int:
        """The process number."""

    def send(self, message: wire.Message) -> None:
        """Put a message on its way; one that finds no reader is lost without a word."""

    async def receive(self) -> wire.Message | None:
        """Return the next message; None when there will be none. Raises FrameError."""

    def kill(self) -> None:
        """End the process now."""

    async def wait(self) -> str:
        """Wait for the process to end and say how it did: "exit code 1", "SIGSEGV"."""

    def close(self) -> None:
        """Close the connection."""


class EngineProcess:
    """An engine child on this machine."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer

    @classmethod
    async def spawn(cls, command: Sequence[str], descriptors: Sequence[int] = ()) -> EngineProcess:
        """Start the command with `--fd N` added, N being its end of a new socketpair.

        The process inherits `descriptors` under their numbers.
        """
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                "--fd",
                str(theirs.fileno()),
                stdin=asyncio.subprocess.DEVNULL,
                # Nothing of the front's may end on the standard output of `serve`.
                stdout=sys.stderr.fileno(),
                pass_fds=(theirs.fileno(), *descriptors),
                # Without it ggml starts a debugger on abort, and with it another process.
                env={**os.environ, "GGML_NO_BACKTRACE": "1"},
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        reader, writer = await asyncio.open_connection(sock=ours, limit=2**20)
        return cls(process, reader, writer)

    @property
    def pid(self) -> int:
        """The process number."""
        return self._process.pid

    def send(self, message: wire.Message) -> None:
        """Put a message on its way; the engine's end is noticed in `receive`, not here."""
        if not self._writer.is_closing():
            self._writer.write(wire.encode(message))

    async def receive(self) -> wire.Message | None:
        """Return the next message; None when the engine closed its end."""
        try:
            header = await self._reader.readexactly(wire.HEADER.size)
            payload = await self._reader.readexactly(wire.payload_length(header))
        except (EOFError, ConnectionError):
            return None
        return wire.decode(payload)

    def kill(self) -> None:
        """End the process now."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def wait(self) -> str:
        """Wait for the process to end and say how it did."""
        code = await self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    def close(self) -> None:
        """Close the connection; the engine ends at that by itself."""
        self._writer.close()


def engine_command(config: Config, model: ModelFile) -> list[str]:
    """Return the command line of the engine, without its descriptor."""
    command = [sys.executable, "-m", "sqlstrictd.engine"]
    command += ["--model", os.fspath(model.engine_path), "--name", model.path.name]
    command += ["--sha256", model.sha256]
    command += ["--slots", str(config.slots)]
    if config.threads is not None:
        command += ["--threads", str(config.threads)]
    if config.context_tokens is not None:
        command += ["--context-tokens", str(config.context_tokens)]
    if config.cache_folder is not None and config.prefix_cache_mb:
        command += ["--prefix-folder", os.fspath(config.cache_folder / "prefixes")]
        command += ["--prefix-mb", str(config.prefix_cache_mb)]
    return command
