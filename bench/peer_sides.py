"""The sides of a comparison, each in a process of its own: sqlstrict and its peers.

`peers.py` starts each, asks the same questions of each, and stops them. A side is asked through
what its users have: sqlstrict's thin client and the daemon's socket; llama-server's chat endpoint,
which keeps what it read up to the last user message; `Llama.create_completion`. All get the same
GGUF, the same prompt, the same threads and the same token limit, at temperature 0.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from peer_setting import Reply, Schemas, Setting
from sqlstrict import Client
from sqlstrictd.prompt import SYSTEM, build_prompt

READY_S = 300
POLL_S = 0.05


class Side(ABC):
    """One side; `ask` may be called from several threads once it is ready."""

    name = ""
    has_grammar = True

    def __init__(self, setting: Setting, schemas: Schemas) -> None:
        self._setting = setting
        self._schemas = schemas
        self._kept: set[int] = set()
        self._log = open(setting.folder / f"{self.name}.log", "ab")
        self._process = subprocess.Popen(
            self._command(),
            stdin=subprocess.PIPE,
            stdout=self._stdout(),
            stderr=self._log,
            # What sqlstrict's engine sets for itself: where others want the cores too, threads that
            # spin while they wait cost tokens, and where nobody does, it changes nothing.
            env={"GOMP_SPINCOUNT": "1000", **os.environ},
        )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    @abstractmethod
    def _command(self) -> list[str]:
        """Return the command line of the process."""

    @abstractmethod
    def _wait_until_ready(self) -> None:
        """Return when a question would be answered."""

    @abstractmethod
    def ask(self, n_tables: int, question: str) -> Reply:
        """Ask a question about the schema of so many tables."""

    def _stdout(self) -> Any:
        return self._log

    def keep(self, n_tables: int) -> None:
        """Take note of a schema that will be asked of again, as the side's users can."""
        self._kept.add(n_tables)

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            if stream:
                stream.close()

    def _check_alive(self) -> None:
        if self._process.poll() is not None:
            raise SystemExit(
                f"peers: {self.name} ended with {self._process.returncode}; its last words are in"
                f" {self._log.name}"
            )


class Sqlstrict(Side):
    """The daemon, asked by the thin client: schemas by name, once they were registered."""

    name = "sqlstrict"

    def __init__(self, setting: Setting, schemas: Schemas) -> None:
        socket = setting.folder / "s.sock"
        socket.unlink(missing_ok=True)
        self._client = Client(f"unix://{socket}", timeout_s=READY_S, wait_for_ready=True)
        super().__init__(setting, schemas)

    def _command(self) -> list[str]:
        setting = self._setting
        return [
            *(sys.executable, "-m", "sqlstrictd", "--model", str(setting.model)),
            *("--address", self._client.address, "--data-dir", str(setting.folder / "data")),
            *("--threads", str(setting.threads), "--slots", str(setting.slots)),
            *("--context-tokens", str(setting.context_tokens), "--max-deadline", str(READY_S)),
        ]

    def _wait_until_ready(self) -> None:
        while not self._client.is_ready():
            self._check_alive()
            time.sleep(POLL_S)

    def keep(self, n_tables: int) -> None:
        """Register the schema."""
        self._client.register_schema(f"of_{n_tables}", self._schemas.ddl[n_tables])
        super().keep(n_tables)

    def ask(self, n_tables: int, question: str) -> Reply:
        """Ask by the schema's name, or with its DDL where it was not registered."""
        limit = self._setting.max_tokens
        began = time.perf_counter()
        if n_tables in self._kept:
            answer = self._client.translate(question, schema=f"of_{n_tables}", max_tokens=limit)
        else:
            ddl = self._schemas.ddl[n_tables]
            answer = self._client.translate(question, ddl=ddl, max_tokens=limit)
        seconds = time.perf_counter() - began
        usage = answer.usage
        # Tokens of a draft that was written again were not written for the user.
        n_tokens = round(usage.output_tokens / max(1, usage.attempts))
        decode_s = usage.decode_us / 1e6
        prompt_tokens = usage.prompt_tokens // max(1, usage.attempts)
        return Reply(
            seconds, decode_s, answer.sql or "", n_tokens, prompt_tokens, max(1, usage.attempts)
        )

    def stop(self) -> None:
        """Close the connection and end the daemon."""
        self._client.close()
        super().stop()


class LlamaServer(Side):
    """llama-server with its prompt cache and the grammar in each request."""

    name = "llama-server"
    program = Path("llama-server")
    port = 0
    extra_arguments: tuple[str, ...] = ()

    def _command(self) -> list[str]:
        setting = self._setting
        return [
            *(str(self.program), "--model", str(setting.model)),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--threads", str(setting.threads), "--threads-batch", str(setting.threads)),
            *("--parallel", str(setting.slots), "--kv-unified"),
            *("--ctx-size", str(setting.context_tokens), "--cache-prompt"),
            *self.extra_arguments,
        ]

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_S
        while time.monotonic() < end:
            self._check_alive()
            try:
                if self._request("GET", "/health", None)[0] == 200:
                    return
            except OSError:
                pass  # It does not listen yet.
            time.sleep(POLL_S)
        raise SystemExit(f"peers: {self.name} was not ready within {READY_S} s")

    def ask(self, n_tables: int, question: str) -> Reply:
        """Ask the chat endpoint, whose template makes the same prompt of it."""
        order: dict[str, object] = {
            "messages": [
                {"role": "system", "content": f"{SYSTEM} {self._schemas.text[n_tables]}"},
                {"role": "user", "content": question},
            ],
            "max_tokens": self._setting.max_tokens,
            "temperature": 0,
            "cache_prompt": True,
        }
        if self.has_grammar:
            order["grammar"] = self._schemas.grammar[n_tables]
        began = time.perf_counter()
        status, answer = self._request("POST", "/v1/chat/completions", order)
        seconds = time.perf_counter() - began
        if status != 200:
            raise SystemExit(f"peers: {self.name} answered {status}: {answer}")
        return Reply(
            seconds,
            answer["timings"]["predicted_ms"] / 1e3,
            answer["choices"][0]["message"]["content"] or "",
            answer["usage"]["completion_tokens"],
            answer["usage"]["prompt_tokens"],
        )

    def _request(self, method: str, path: str, order: object) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=READY_S)
        try:
            body = json.dumps(order) if order else None
            connection.request(method, path, body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()


class LlamaServerFree(LlamaServer):
    """The same without a grammar."""

    name = "llama-server-free"
    has_grammar = False


class LlamaPython(Side):
    """llama-cpp-python's `Llama`, which answers one question at a time."""

    name = "llama-cpp-python"

    def __init__(self, setting: Setting, schemas: Schemas) -> None:
        self._one_at_a_time = threading.Lock()
        super().__init__(setting, schemas)

    def _command(self) -> list[str]:
        setting = self._setting
        program = str(Path(__file__).parent / "peer_llama.py")
        numbers = (str(setting.threads), str(setting.context_tokens))
        return [sys.executable, program, str(setting.model), *numbers]

    def _stdout(self) -> Any:
        return subprocess.PIPE

    def _wait_until_ready(self) -> None:
        self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._check_alive()
        return json.loads(line)

    def ask(self, n_tables: int, question: str) -> Reply:
        """Ask with the whole prompt, as its users do."""
        order = {
            "prompt": build_prompt(self._schemas.text[n_tables], question).text,
            "grammar": self._schemas.grammar[n_tables] if self.has_grammar else "",
            "max_tokens": self._setting.max_tokens,
        }
        assert self._process.stdin is not None
        began = time.perf_counter()
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            answer = self._read()
        seconds = time.perf_counter() - began
        return Reply(seconds, answer["decode_s"], answer["text"], answer["n_tokens"])


class LlamaPythonFree(LlamaPython):
    """The same without a grammar."""

    name = "llama-cpp-python-free"
    has_grammar = False


def side_kinds(
    llama_server: Path | None, extra_arguments: tuple[str, ...], port: int
) -> list[type[Side]]:
    """Return the sides that can take part, sqlstrict first; without a program no llama-server."""
    kinds: list[type[Side]] = [Sqlstrict]
    if llama_server:
        LlamaServer.program = Path(os.path.abspath(llama_server))
        LlamaServer.extra_arguments = extra_arguments
        LlamaServer.port = port
        LlamaServerFree.port = port + 1
        kinds += [LlamaServer, LlamaServerFree]
    return [*kinds, LlamaPython, LlamaPythonFree]
