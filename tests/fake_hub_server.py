"""The HTTP of the fake hub: requests in, answers out with ranges, and the faults of connections."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_hub import FakeHub, Fault

CHUNK_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked for."""

    method: str
    path: str
    token: str | None
    range: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send: a body from memory or from a file."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None


class Server:
    """One origin: a port of its own, a thread for each connection."""

    def __init__(self, answer: Callable[[Request, Fault | None], Answer], hub: FakeHub) -> None:
        class Handler(_Handler):
            pass

        Handler.answer = staticmethod(answer)
        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60  # of a connection that its client left open
    answer: Callable[[Request, Fault | None], Answer]
    hub: FakeHub

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _serve(self) -> None:
        bearer = self.headers.get("Authorization", "")
        request = Request(
            self.command,
            self.path,
            bearer.removeprefix("Bearer ") or None,
            self.headers.get("Range"),
        )
        fault = self.hub.record(request)
        try:
            if fault is not None and fault.status:
                self._send(Answer(fault.status, fault.headers), request, None)
            else:
                self._send(self.answer(request, fault), request, fault)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client was killed, as some tests do

    def _send(self, answer: Answer, request: Request, fault: Fault | None) -> None:
        length = answer.file.stat().st_size if answer.file else len(answer.body)
        start, end, status = 0, length, answer.status
        headers = dict(answer.headers)
        if request.range and status == 200:
            first, _, last = request.range.removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last) + 1, length) if last else length
            if start >= length:
                status, start, end = 416, 0, 0
                headers["Content-Range"] = f"bytes */{length}"
            else:
                status = 206
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{length}"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(end - start))
        self.end_headers()
        if self.command != "HEAD" and end > start:
            self._send_body(answer, start, end, fault)

    def _send_body(self, answer: Answer, start: int, end: int, fault: Fault | None) -> None:
        stops = (fault.breaks_after, fault.holds_after) if fault else (None, None)
        breaks_at, holds_at = (None if stop is None else start + stop for stop in stops)
        at = start
        while at < end:
            until = min(end, at + CHUNK_BYTES)
            if breaks_at is not None:
                until = min(until, breaks_at)
            if holds_at is not None and at < holds_at:
                until = min(until, holds_at)
            if until > at:
                chunk = _read(answer, at, until)
                if fault is not None and fault.spoils:
                    chunk = bytes(byte ^ 0xFF for byte in chunk)
                self.wfile.write(chunk)
                if answer.file is not None:
                    self.hub.count(len(chunk))
                if self.hub.bytes_per_s is not None:
                    time.sleep(len(chunk) / self.hub.bytes_per_s)
                at = until
            if at == breaks_at:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            if at == holds_at:
                self.hub.wait_at_hold()


def _read(answer: Answer, start: int, end: int) -> bytes:
    if answer.file is None:
        return answer.body[start:end]
    with answer.file.open("rb") as file:
        file.seek(start)
        return file.read(end - start)
