"""The messages between front and engine, and their framing on the socketpair.

A frame is a 4-byte big-endian length and a JSON object, at most MAX_FRAME_BYTES long. The object's
"type" names the dataclass below. Nothing here knows llama.cpp: another engine may speak the same.
A Generate carries its grammar's whole text, so that a restarted engine needs nothing resent.
"""

from __future__ import annotations

import dataclasses
import json
import struct
from dataclasses import dataclass, field
from typing import Any

from sqlstrictd.prompt import Piece

MAX_FRAME_BYTES = 4 * 2**20
MAX_ALTERNATIVES = 16
HEADER = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Generate:
    """Front to engine: write `n` statements for one prompt under one grammar.

    With n over 1 the first is greedy (or sampled at `temperature`), the others are sampled at
    the temperature, at least 0.8. Equal texts are given back once.

    `keep_prompt`: the state at the end of the prompt is wanted again soon, by a Generate with the
    same schema and question. `keep_schema`: other questions will have the same schema, so that its
    state is worth a file. `draft`: what was written before for this prompt under another grammar;
    as far as this grammar would have the first statement begin so too, it is read in large batches,
    not written token by token. A greedy answer is the same without it; at a temperature, the tokens
    that both grammars allow are kept as they were drawn. It is a hint, and may be anything.
    """

    id: int
    schema: tuple[Piece, ...]
    question: tuple[Piece, ...]
    grammar_key: str
    grammar: str
    max_tokens: int
    temperature: float = 0.0
    seed: int = 0
    n: int = 1
    wants_text: bool = False
    keep_prompt: bool = False
    keep_schema: bool = True
    draft: str = ""

    def __post_init__(self) -> None:
        if not (1 <= self.n <= MAX_ALTERNATIVES and self.max_tokens >= 1 and self.seed >= 0):
            raise ValueError("n, max_tokens or seed is out of bounds")
        if not self.question:
            raise ValueError("a Generate needs a question")


@dataclass(frozen=True, slots=True)
class Prefill:
    """Front to engine: make this schema's prefix resident when there is nothing better to do.

    Answered by Prefilled, which may take as long as questions are being answered, or by Failed
    (CONTEXT_FULL) where as many newer ones wait as schemas may be resident.

    `is_guess`: nobody asked for it, so that no other schema makes way for it, and a newer guess
    takes the place of one that waits for the same schema; `question` is then the beginning of a
    question, to be read after the schema.
    """

    id: int
    schema: tuple[Piece, ...]
    is_guess: bool = False
    question: tuple[Piece, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """Front to engine: could this grammar write this text, byte by byte? Answered by Matched."""

    id: int
    grammar_key: str
    grammar: str
    text: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Front to engine: forget the request; its slot is free at the next step. Not answered."""

    id: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Front to engine: free everything and exit with 0."""


@dataclass(frozen=True, slots=True)
class Ready:
    """Engine to front, once: the model is loaded. `slots` requests are decoded at once."""

    name: str
    architecture: str
    quantization: str
    parameter_count: int
    vocabulary_size: int
    context_tokens: int
    schema_rendering: str
    slots: int


@dataclass(frozen=True, slots=True)
class LoadFailed:
    """Engine to front, instead of Ready: the model cannot be used; the engine exits."""

    message: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Engine to front every HEARTBEAT_S. `stalled_s`: how long work has been at hand undone.

    `counts` is what the engine counted since its start, by names of `counters.MEANINGS`.
    """

    stalled_s: float
    slots_busy: int
    resident_schemas: int
    memory_bytes: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Started:
    """Engine to front: the request has a slot. Counts are tokens."""

    id: int
    prompt_tokens: int
    cached_tokens: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Engine to front: tokens were written; `text` so far if the request wants it.

    Comes with every step where the request wants text, else with the first and now and then.
    Text and count are the first alternative's.
    """

    id: int
    output_tokens: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """One statement. `finish` is "stop" (the grammar is complete) or "budget" (it is not).

    Log-probabilities are natural logarithms under the model at each token that it chose, among the
    tokens that the grammar allowed there: those that it forces are written without asking the
    model and count in `n_tokens` only.
    """

    text: str
    finish: str
    n_tokens: int
    mean_log_probability: float
    min_log_probability: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Engine to front: the outputs, best first; times in microseconds.

    Best is whole before cut off, then the higher mean log-probability; at equal, the first
    alternative. `prefill_us` runs from the slot to the first token, `decode_us` from there on.
    """

    id: int
    outputs: tuple[Output, ...]
    prefill_us: int
    decode_us: int


@dataclass(frozen=True, slots=True)
class Failed:
    """Engine to front: no outputs. `reason` is one of the reasons of `errors.ENGINE_REASONS`."""

    id: int
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Matched:
    """Engine to front: whether the text is whole and writable; else the first byte that is not."""

    id: int
    is_writable: bool
    n_bytes_matched: int


@dataclass(frozen=True, slots=True)
class Prefilled:
    """Engine to front: the prefix is resident. `n_tokens` is its length."""

    id: int
    n_tokens: int
    prefill_us: int


HEARTBEAT_S = 0.5

Message = (
    Generate
    | Prefill
    | Match
    | Cancel
    | Stop
    | Ready
    | LoadFailed
    | Heartbeat
    | Started
    | Progress
    | Finished
    | Failed
    | Matched
    | Prefilled
)
_TYPES: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Generate,
        Prefill,
        Match,
        Cancel,
        Stop,
        Ready,
        LoadFailed,
        Heartbeat,
        Started,
        Progress,
        Finished,
        Failed,
        Matched,
        Prefilled,
    )
}


class FrameError(ValueError):
    """The bytes are not a frame of this protocol; the connection is of no more use."""


def encode(message: Message) -> bytes:
    """Return the frame of a message. Raises FrameError where it would be too long."""
    body = {"type": type(message).__name__, **dataclasses.asdict(message)}
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    if len(payload) > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {len(payload)} bytes; the limit is {MAX_FRAME_BYTES}")
    return HEADER.pack(len(payload)) + payload


def decode(payload: bytes) -> Message:
    """Return the message of a frame's payload. Raises FrameError for anything else."""
    try:
        body = json.loads(payload)
        cls = _TYPES[body.pop("type")]
        for name in ("schema", "question"):
            if name in body:
                body[name] = tuple(Piece(**piece) for piece in body[name])
        if "outputs" in body:
            body["outputs"] = tuple(Output(**output) for output in body["outputs"])
        message: Message = cls(**body)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FrameError(f"not a message of the engine: {type(error).__name__}") from error
    return message


def payload_length(header: bytes) -> int:
    """Return the length that a frame's 4-byte header announces. Raises FrameError if too long."""
    (length,) = HEADER.unpack(header)
    if length > MAX_FRAME_BYTES:
        raise FrameError(f"a frame of {length} bytes; the limit is {MAX_FRAME_BYTES}")
    return int(length)
