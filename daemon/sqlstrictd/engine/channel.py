"""The child's end of the socketpair: frames in on a thread of its own, frames out under a lock."""

from __future__ import annotations

import queue
import socket
import threading
from dataclasses import dataclass

from sqlstrictd.engine import wire


@dataclass(frozen=True, slots=True)
class Closed:
    """The front is gone, or broke the protocol; `error` says how, empty where it just closed."""

    error: str = ""


@dataclass(frozen=True, slots=True)
class Wake:
    """Nothing came; look again whether there is something to do."""


Incoming = wire.Message | Closed | Wake


class Channel:
    """Messages to and from the front."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._send_lock = threading.Lock()
        self._incoming: queue.SimpleQueue[Incoming] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="frames", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._reader.start()

    def send(self, message: wire.Message) -> None:
        """Send a message, from any thread. Raises OSError where the front is gone."""
        frame = wire.encode(message)
        with self._send_lock:
            self._socket.sendall(frame)

    def wake(self) -> None:
        """Make a blocked `receive` return; from any thread."""
        self._incoming.put(Wake())

    def receive(self, is_blocking: bool) -> list[Incoming]:
        """Return what came in; where nothing did, wait for it or return nothing."""
        messages: list[Incoming] = []
        try:
            messages.append(self._incoming.get(block=is_blocking))
            while True:
                messages.append(self._incoming.get(block=False))
        except queue.Empty:
            return messages

    def _read(self) -> None:
        closed = Closed("the reader failed")
        try:
            while header := self._read_exactly(wire.HEADER.size):
                payload = self._read_exactly(wire.payload_length(header))
                self._incoming.put(wire.decode(payload))
            closed = Closed()
        except (OSError, wire.FrameError) as error:
            closed = Closed(f"{type(error).__name__}: {error}")
        finally:
            self._incoming.put(closed)

    def _read_exactly(self, n_bytes: int) -> bytes:
        """Return n bytes, or none at the end. Raises FrameError where a frame is cut short."""
        data = bytearray()
        while len(data) < n_bytes:
            chunk = self._socket.recv(n_bytes - len(data))
            if not chunk:
                if data or n_bytes != wire.HEADER.size:
                    raise wire.FrameError("the connection ended within a frame")
                return b""
            data += chunk
        return bytes(data)
