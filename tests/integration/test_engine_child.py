"""The engine child over its socketpair: start, answers, cancel, and every way that it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_child import LIMIT_S, MakeChild
from engine_requests import GRAMMAR, generate, text_of
from sqlstrictd.engine import wire
from sqlstrictd.engine.__main__ import (
    BROKEN,
    CANNOT_LOAD,
    MALFORMED_FRAME,
    STOPPED,
    tell_without_text,
)
from sqlstrictd.engine.channel import Channel

LONG = {"grammar_key": "long", "grammar": "start: /[a-z]{3000}/", "max_tokens": 4000}


def test_a_child_says_what_it_is_answers_and_stops_when_told(make_child: MakeChild) -> None:
    child = make_child()
    ready = child.expect(wire.Ready)
    assert (ready.architecture, ready.slots, ready.vocabulary_size) == ("lfm2", 4, 1024)
    for request_id in range(3):
        child.send(generate(request_id))
    answers = [child.expect(wire.Finished) for _ in range(3)]
    assert {answer.id for answer in answers} == {0, 1, 2}
    text = text_of(answers[0])
    child.send(wire.Match(9, "small", GRAMMAR, text))
    assert child.expect(wire.Matched).is_writable
    child.send(wire.Stop())
    assert child.ends() == (STOPPED, "")


def test_the_child_answers_as_the_engine_in_process(make_child: MakeChild, engine: Any) -> None:
    child = make_child()
    for request_id in range(5):
        request = generate(request_id, f"Question {request_id}?", temperature=1.0, seed=request_id)
        child.send(request)
        answer = child.expect(wire.Finished, id=request_id)
        assert text_of(answer) == text_of(engine.generate([request])[0])


def test_flags_reach_the_engine(make_child: MakeChild, tiny_gguf: Path) -> None:
    child = make_child(tiny_gguf, "--slots", "2", "--context-tokens", "1024")
    ready = child.expect(wire.Ready)
    assert (ready.slots, ready.context_tokens) == (2, 1024)


def test_heartbeats_tell_of_work_and_memory(make_child: MakeChild, tiny_gguf: Path) -> None:
    child = make_child(tiny_gguf, "--slots", "1")
    assert child.expect(wire.Heartbeat).slots_busy == 0
    # One of them may be over before the next heartbeat; all of them take many heartbeats' time.
    requests = range(1, 60)
    for number in requests:
        child.send(generate(number, **LONG))
    # The first one with the slot taken may come before the schema is read.
    beat = child.expect(wire.Heartbeat, slots_busy=1, resident_schemas=1)
    assert beat.memory_bytes > 10 * 2**20
    assert 0 <= beat.stalled_s < LIMIT_S
    for number in requests:
        child.send(wire.Cancel(number))
    # Between two requests the slot is free while there is work.
    child.expect(wire.Heartbeat, slots_busy=0, stalled_s=0)


def test_a_cancelled_request_is_silent_and_leaves_its_slot(
    make_child: MakeChild, tiny_gguf: Path
) -> None:
    child = make_child(tiny_gguf, "--slots", "1")
    child.send(generate(1, wants_text=True, **LONG))
    child.expect(wire.Progress, id=1)
    child.send(wire.Cancel(1))
    child.send(generate(2))
    child.expect(wire.Started, id=2)
    seen = []
    while not (seen and isinstance(seen[-1], wire.Finished)):
        seen.append(child.receive())
        assert seen[-1] is not None
    assert all(getattr(message, "id", 2) == 2 for message in seen)


def test_failures_are_messages_and_the_child_lives_on(make_child: MakeChild) -> None:
    child = make_child()
    child.send(generate(1, grammar_key="bad", grammar="start: missing"))
    assert child.expect(wire.Failed, id=1).reason == "GRAMMAR_INVALID"
    child.send(generate(2, "self " * 9000))
    assert child.expect(wire.Failed, id=2).reason == "PROMPT_TOO_LONG"
    child.send(generate(3))
    text_of(child.expect(wire.Finished, id=3))


def test_the_child_ends_when_the_front_closes_the_connection(make_child: MakeChild) -> None:
    child = make_child()
    child.expect(wire.Ready)
    child.send(generate(1, **LONG))
    child.expect(wire.Progress, id=1)
    child.socket.shutdown(socket.SHUT_RDWR)
    assert child.ends() == (STOPPED, "")


def test_the_child_ends_when_the_front_is_gone_before_it_is_ready(make_child: MakeChild) -> None:
    child = make_child()
    child.socket.shutdown(socket.SHUT_RDWR)
    assert child.ends()[0] == STOPPED


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00\x00\x05hello",
        b"\xff\xff\xff\xff",
        b"\x00\x00\x00\x00",
        wire.encode(wire.Started(1, 2, 3)),
        b"\x00\x00\x00\x02" + b'{"secret question"'[:2],
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_a_malformed_frame_ends_the_child_and_is_not_quoted(
    make_child: MakeChild, data: bytes
) -> None:
    child = make_child()
    child.expect(wire.Ready)
    child.socket.sendall(data)
    code, stderr = child.ends()
    assert code == MALFORMED_FRAME
    assert stderr.startswith("engine: ")
    assert "hello" not in stderr and "GET" not in stderr


def test_a_frame_cut_short_is_malformed(make_child: MakeChild) -> None:
    child = make_child()
    child.expect(wire.Ready)
    child.socket.sendall(wire.encode(wire.Cancel(1))[:-1])
    child.socket.shutdown(socket.SHUT_WR)
    assert child.ends()[0] == MALFORMED_FRAME


@pytest.mark.parametrize("n_bytes", [0, 4, 100, 100_000])
def test_a_broken_model_is_told_of_and_the_child_ends(
    make_child: MakeChild, tiny_gguf: Path, tmp_path: Path, n_bytes: int
) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(tiny_gguf.read_bytes()[:n_bytes])
    child = make_child(path)
    message = child.expect(wire.LoadFailed).message
    assert message.startswith("broken.gguf ")
    assert child.receive() is None
    assert child.ends() == (CANNOT_LOAD, "")


def test_a_model_that_makes_llama_abort_takes_only_the_child_with_it(
    make_child: MakeChild, tiny_gguf: Path, tmp_path: Path
) -> None:
    """Two tokens of the same text trip an assertion in llama.cpp's loader."""
    one, other = ((1).to_bytes(8, "little") + text for text in (b"(", b")"))
    data = tiny_gguf.read_bytes()
    assert data.count(one) == data.count(other) == 1
    path = tmp_path / "doubled.gguf"
    path.write_bytes(data.replace(one, other))
    child = make_child(path)
    assert child.receive() is None
    code, stderr = child.ends()
    assert code == -signal.SIGABRT
    assert "GGML_ASSERT" in stderr


def test_settings_that_cannot_be_are_told_of(make_child: MakeChild, tiny_gguf: Path) -> None:
    child = make_child(tiny_gguf, "--slots", "0")
    assert "slots" in child.expect(wire.LoadFailed).message
    assert child.ends()[0] == CANNOT_LOAD


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_to_the_group_leave_the_child_to_the_front(
    make_child: MakeChild, number: signal.Signals
) -> None:
    child = make_child()
    child.expect(wire.Ready)
    child.process.send_signal(number)
    child.send(generate(1))
    text_of(child.expect(wire.Finished, id=1))


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_crash_leaves_a_trace_without_content_and_no_core(
    make_child: MakeChild, number: signal.Signals
) -> None:
    child = make_child()
    child.send(generate(1, "What is the secretword?", **LONG))
    child.expect(wire.Progress, id=1)
    child.process.send_signal(number)
    code, stderr = child.ends()
    assert code == -number
    assert "Fatal Python error" in stderr
    assert "secretword" not in stderr


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_the_child_dies_with_its_parent_even_when_it_cannot_read(tiny_gguf: Path) -> None:
    """A parent that is killed; a stopped child does not see the end of the connection."""
    script = f"""
import socket, subprocess, sys, time
ours, theirs = socket.socketpair()
child = subprocess.Popen(
    [sys.executable, "-m", "sqlstrictd.engine", "--fd", str(theirs.fileno()),
     "--model", {str(tiny_gguf)!r}, "--threads", "1"],
    pass_fds=[theirs.fileno()],
)
theirs.close()
assert ours.recv(4)
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    os.kill(pid, signal.SIGSTOP)
    parent.kill()
    parent.communicate()
    end = time.monotonic() + LIMIT_S
    while is_alive(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_bug_of_the_engine_ends_it_with_its_own_code(make_child: MakeChild) -> None:
    """A field of the wrong type gets past JSON and fails within."""
    child = make_child()
    child.expect(wire.Ready)
    payload = wire.encode(generate(1)).replace(b'"max_tokens":64', b'"max_tokens":64.5')[4:]
    child.socket.sendall(wire.HEADER.pack(len(payload)) + payload)
    code, stderr = child.ends()
    assert code == BROKEN
    assert "Traceback" in stderr


def test_a_bug_is_told_of_without_the_exceptions_text(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(word: str) -> None:
        raise KeyError(word)

    try:
        fail("secret" + "word")
    except KeyError as error:
        tell_without_text(error)
    printed = capsys.readouterr().err
    assert "in fail" in printed and "KeyError" in printed
    assert "secretword" not in printed


def test_frames_may_arrive_in_pieces_and_many_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = Channel(theirs)
        channel.start()
        messages = [wire.Cancel(number) for number in range(5)]
        data = b"".join(map(wire.encode, messages))
        for start in range(0, len(data), 3):
            ours.sendall(data[start : start + 3])
        seen: list[object] = []
        while len(seen) < 5:
            seen += channel.receive(is_blocking=True)
        assert seen == messages
        channel.wake()
        assert len(channel.receive(is_blocking=True)) == 1
        assert channel.receive(is_blocking=False) == []
