"""Framing of the messages between front and engine."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlstrictd.engine import wire
from sqlstrictd.prompt import beginning_pieces, build_prompt

PROMPT = build_prompt("CREATE TABLE t (a INTEGER)", "Wie viele Käufer? \U0001f600")
OUTPUT = wire.Output("SELECT 1;", "stop", 4, -0.5, -1.5)
MESSAGES = [
    wire.Generate(1, PROMPT.schema, PROMPT.question, "key", "start: /a/", 8, 0.5, 7, 2, True),
    wire.Generate(
        2,
        PROMPT.schema,
        PROMPT.question,
        "key",
        "start: /a/",
        8,
        keep_prompt=True,
        keep_schema=False,
        draft="aé",
    ),
    wire.Prefill(2, PROMPT.schema),
    wire.Prefill(2, PROMPT.schema, is_guess=True, question=beginning_pieces("Wie viele Kä")),
    wire.Match(3, "key", "start: /a/", "a\x00é"),
    wire.Cancel(4),
    wire.Stop(),
    wire.Ready("m", "lfm2", "Q4_0", 1, 2, 3, "ddl", 4),
    wire.LoadFailed("no"),
    wire.Heartbeat(0.5, 1, 2, 3, {"prefixes_kept": 4}),
    wire.Started(5, 6, 7),
    wire.Progress(5, 1, "SEL"),
    wire.Finished(5, (OUTPUT, OUTPUT), 8, 9),
    wire.Failed(5, "CONTEXT_FULL", "full"),
    wire.Matched(5, True, 9),
    wire.Prefilled(5, 6, 7),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_survives_its_frame(message: wire.Message) -> None:
    frame = wire.encode(message)

    assert wire.payload_length(frame[:4]) == len(frame) - 4
    assert wire.decode(frame[4:]) == message


def test_every_type_of_message_is_tried_above() -> None:
    assert {type(message) for message in MESSAGES} == set(wire.Message.__args__)


@given(st.text(), st.text())
def test_any_text_survives(schema: str, question: str) -> None:
    prompt = build_prompt(schema, question)
    message = wire.Generate(1, prompt.schema, prompt.question, "k", schema, 1)
    assert wire.decode(wire.encode(message)[4:]) == message


@given(st.binary(max_size=200))
def test_noise_is_refused_by_type(payload: bytes) -> None:
    with pytest.raises(wire.FrameError):
        wire.decode(payload)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"type": "Unknown"},
        {"id": 1},
        {"type": "Cancel"},
        {"type": "Cancel", "id": 1, "more": 2},
        {"type": "Prefill", "id": 1, "schema": [{"text": "a"}]},
        {"type": "Prefill", "id": 1, "schema": 5},
        {**dataclasses.asdict(MESSAGES[0]), "type": "Generate", "n": 0},
        {**dataclasses.asdict(MESSAGES[0]), "type": "Generate", "max_tokens": 0},
        {**dataclasses.asdict(MESSAGES[0]), "type": "Generate", "question": []},
    ],
)
def test_a_message_that_breaks_a_rule_is_refused(body: object) -> None:
    with pytest.raises(wire.FrameError):
        wire.decode(json.dumps(body).encode())


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(wire.FrameError):
        wire.decode(b"[" * 100_000)


def test_the_error_does_not_quote_the_payload() -> None:
    with pytest.raises(wire.FrameError) as caught:
        wire.decode(b'{"type": "Cancel", "id": "secret", "question": "secret"}')
    assert "secret" not in str(caught.value)


def test_a_frame_has_a_size_limit_both_ways() -> None:
    with pytest.raises(wire.FrameError):
        wire.encode(wire.LoadFailed("x" * wire.MAX_FRAME_BYTES))
    with pytest.raises(wire.FrameError):
        wire.payload_length((wire.MAX_FRAME_BYTES + 1).to_bytes(4, "big"))
