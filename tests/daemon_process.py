"""A daemon as its users run it: a process of its own, on a private socket, with a real engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from sqlstrict_proto.v1 import sqlstrict_pb2_grpc as stubs

START_LIMIT_S = 120

DDL = "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, status TEXT);"


class Daemon:
    """A running `python -m sqlstrictd`; `lines` is what it has printed to stderr so far."""

    def __init__(
        self,
        folder: Path,
        arguments: Sequence[str],
        stderr: int | None = None,
        own_group: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.socket_path = folder / "run" / "s.sock"
        self.address = f"unix://{self.socket_path}"
        self.process = subprocess.Popen(
            command(folder, arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if stderr is None else stderr,
            text=True,
            env={**environment(), **(environ or {})},
            process_group=0 if own_group else None,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        if stderr is None:
            self._reader.start()

    @property
    def pid(self) -> int:
        """The process number of the front."""
        return self.process.pid

    @property
    def text(self) -> str:
        """Everything that it has printed to stderr so far."""
        return "".join(self.lines)

    def wait_for_line(self, words: str) -> str:
        """Wait until a line with these words is printed, and return it."""
        end = time.monotonic() + START_LIMIT_S
        while time.monotonic() < end:
            for line in list(self.lines):
                if words in line:
                    return line
            if self.process.poll() is not None:
                self._reader.join()
                if words not in self.text:
                    raise AssertionError(f"it ended with {self.process.returncode}:\n{self.text}")
            time.sleep(0.01)
        raise AssertionError(f"{words!r} was not printed:\n{self.text}")

    @contextmanager
    def channel(self) -> Iterator[grpc.Channel]:
        """A connection of its own to the daemon."""
        options = [("grpc.use_local_subchannel_pool", 1)]
        with grpc.insecure_channel(f"unix:{self.socket_path}", options=options) as channel:
            yield channel

    def status(self) -> pb.GetStatusResponse:
        """Ask how it is."""
        with self.channel() as channel:
            status: pb.GetStatusResponse = stubs.StatusServiceStub(channel).GetStatus(
                pb.GetStatusRequest(), timeout=60
            )
        return status

    def ask(self, request: pb.TranslateRequest, timeout_s: float = 100.0) -> pb.TranslateResponse:
        """Ask a question on a connection of its own."""
        with self.channel() as channel:
            response: pb.TranslateResponse = stubs.TranslationServiceStub(channel).Translate(
                request, timeout=timeout_s
            )
        return response

    def stop(self) -> int:
        """Stop it as a service manager does, and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Wait for its end, and return its exit code; its standard output must be empty."""
        code = self.process.wait(timeout=60)
        if self._reader.is_alive():
            self._reader.join()
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            with self.process.stdout as stream:
                assert stream.read() == ""
        return code

    def _read(self) -> None:
        assert self.process.stderr is not None
        with self.process.stderr as stream:
            for line in stream:
                self.lines.append(line)


def command(folder: Path, arguments: Sequence[str]) -> list[str]:
    """The command line of a daemon in a folder."""
    return [
        sys.executable,
        "-m",
        "sqlstrictd",
        "--address",
        f"unix://{folder / 'run' / 's.sock'}",
        "--data-dir",
        str(folder / "data"),
        # A loaded machine must not turn answers into deadlines.
        "--max-deadline",
        "300",
        *arguments,
    ]


def environment() -> dict[str, str]:
    """This process's environment without settings of a daemon."""
    return {name: text for name, text in os.environ.items() if not name.startswith("SQLSTRICT_")}


@contextmanager
def running_daemon(folder: Path, *arguments: str) -> Iterator[Daemon]:
    """Start a daemon, wait until it is ready, and leave no process behind."""
    daemon = Daemon(folder, arguments)
    try:
        daemon.wait_for_line("ready on")
        yield daemon
    finally:
        if daemon.process.poll() is None:
            daemon.process.kill()
        daemon.wait()


def children_of(pid: int) -> list[int]:
    """The process numbers of a process's children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def is_running(pid: int) -> bool:
    """Whether a process is there and not just waiting to be reaped."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_gone(pids: Sequence[int]) -> None:
    """Wait until none of the processes runs; fails where one stays."""
    end = time.monotonic() + 30
    while any(map(is_running, pids)):
        assert time.monotonic() < end, [pid for pid in pids if is_running(pid)]
        time.sleep(0.02)


def question(text: str = "How many orders are open?", **fields: object) -> pb.TranslateRequest:
    """A question on a schema of one table."""
    return pb.TranslateRequest(question=text, schema=pb.SchemaRef(ddl=DDL), **fields)


def wait_until_busy(daemon: Daemon, n_slots: int) -> None:
    """Wait until so many questions are with the engine; fails where they never are."""
    end = time.monotonic() + 60
    while daemon.status().slots_busy < n_slots:
        assert time.monotonic() < end, daemon.text
        time.sleep(0.01)
