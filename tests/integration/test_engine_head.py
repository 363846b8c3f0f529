"""Logits of few tokens alone: those of the whole head, on every kind of weights and of batch."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from engine_requests import MakeEngine, generate, is_clean, run, text_of, wait_until_prepared
from gguf import GGMLQuantizationType
from gguf.quants import dequantize
from sqlstrict_convert.gguf_format.types import TENSOR_TYPES
from sqlstrictd.engine import hidden
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.head import OutputHead, open_head, paying_rows
from sqlstrictd.engine.hidden import orders_by_graph
from sqlstrictd.engine.llama import Context, Model, _load_library
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.row_types import row_type
from sqlstrictd.engine.token_batch import Part
from sqlstrictd.engine.wire import Finished, Generate

VOCABULARY = 1024
# In F32, what rounding moves. Else llama.cpp rounds the state to 8 bits for its products, and the
# logits move by as much; they lie within ±1.1. Where two tokens lie closer, either may be chosen.
TIE_BOUNDS = {"F32": 1e-4, "F16": 5e-3, "Q8_0": 0.02, "Q4_0": 0.02, "Q4_K_M": 0.02}
WIDENED = ("F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0")
WIDENED += ("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS")


@pytest.fixture(scope="module", params=TIE_BOUNDS)
def gguf(
    request: pytest.FixtureRequest, make_model: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("head") / f"{request.param}.gguf"
    return Path(make_model.make_model("tiny", path, quantize=request.param))


@pytest.fixture
def opened(gguf: Path) -> Iterator[tuple[Context, OutputHead]]:
    model = Model(gguf)
    context = Context(model, n_cells=1024, n_sequences=16, n_threads=1, has_states=True)
    head = open_head(gguf, context, max_rows=VOCABULARY)
    assert head is not None
    yield context, head
    head.close()
    context.close()
    model.close()


def test_logits_are_those_of_the_whole_head_in_batches_of_every_shape(
    opened: tuple[Context, OutputHead], gguf: Path
) -> None:
    context, head = opened
    chance = random.Random(1)
    for _ in range(40):
        parts = []
        for seq_id in chance.sample(range(16), chance.randint(1, 6)):
            position = 0
            for _ in range(chance.randint(1, 4)):
                some = [chance.randrange(5, VOCABULARY) for _ in range(chance.randint(1, 5))]
                parts.append(Part(seq_id, position, some, wants_logits=chance.random() < 0.6))
                position += len(some)
        whole = [None if row is None else row.copy() for row in context.decode(parts)]
        for seq_id in range(16):
            context.clear_sequence(seq_id)
        states = context.decode(parts, wants_states=True)
        assert [row is None for row in whole] == [state is None for state in states]
        for logits, state in zip(whole, states, strict=True):
            if logits is not None and state is not None:
                tokens = np.array(sorted(chance.sample(range(VOCABULARY), 50)))
                assert head.fetch([tokens])
                apart = np.abs(head.logits(state, tokens) - logits[tokens]).max()
                assert apart < TIE_BOUNDS[gguf.stem]
        for seq_id in range(16):
            context.clear_sequence(seq_id)


def test_statements_are_those_of_the_whole_head(make_engine: MakeEngine, gguf: Path) -> None:
    whole, narrow = make_engine(gguf, head_rows=0), make_engine(gguf, head_rows=VOCABULARY)
    assert whole.head is None
    requests = [generate(number, f"Question {number * 7919}?") for number in range(24)]
    n_equal = 0
    for request in requests:
        one, other = (tokens_of(engine, request) for engine in (whole, narrow))
        n_equal += one == other
        if one != other:
            assert gap(whole, request, one, other) < TIE_BOUNDS[gguf.stem]
    assert n_equal > len(requests) / 2
    forward = narrow.scheduler._forward
    # The ends of schema and prompts alone are decoded with the head.
    assert forward.n_decodes - forward.n_narrow <= 2 * len(requests)
    assert forward.n_narrow > 2 * len(requests)
    assert whole.scheduler._forward.n_narrow == 0
    assert is_clean(narrow)


def test_alternatives_and_draws_are_those_of_the_whole_head(make_engine: MakeEngine) -> None:
    engines = make_engine(head_rows=0), make_engine(head_rows=VOCABULARY)
    requests = [generate(1, n=6, seed=3), generate(2, temperature=1.0, seed=5)]
    texts = []
    for engine in engines:
        answers = [engine.generate([request])[0] for request in requests]
        texts.append([[one.text for one in answer.outputs] for answer in answers])  # type: ignore[union-attr]
    assert texts[0] == texts[1]


def test_wide_masks_take_the_whole_head_beside_narrow_ones(make_engine: MakeEngine) -> None:
    engine, whole = make_engine(head_rows=40), make_engine(head_rows=0)
    wide = {"grammar_key": "wide", "grammar": 'start: "SELECT " ("id" | "no") "," /[a-z]{30}/ ";"'}
    requests = [generate(1), generate(2, **wide), generate(3, "Which?")]
    for request in requests:
        engine.scheduler.submit(request)
    wait_until_prepared(engine)
    messages = run(engine, lambda all_: sum(isinstance(one, Finished) for one in all_) == 3)
    finished = {one.id: one for one in messages if isinstance(one, Finished)}
    answers = [finished[request.id] for request in requests]
    expected = [whole.generate([request])[0] for request in requests]
    assert [text_of(one) for one in answers] == [text_of(one) for one in expected]
    forward = engine.scheduler._forward
    assert 0 < forward.n_narrow < forward.n_decodes


def test_rows_that_go_and_come_again_are_the_same(opened: tuple[Context, OutputHead]) -> None:
    context, head = opened
    head._rows = head._rows[:100]  # a cache that is full soon
    (whole,) = context.decode([Part(0, 0, [7, 8, 9], wants_logits=True)])
    assert whole is not None
    whole = whole.copy()
    (state,) = context.decode([Part(1, 0, [7, 8, 9], wants_logits=True)], wants_states=True)
    assert state is not None
    chance = np.random.default_rng(3)
    for _ in range(50):
        rows = [np.sort(chance.choice(VOCABULARY, 30, replace=False)) for _ in range(3)]
        assert head.fetch(rows)
        for tokens in rows:
            assert np.abs(head.logits(state, tokens) - whole[tokens]).max() < 0.02
    assert not head.fetch([np.arange(101)])
    assert head.fetch([np.arange(100)])


def test_a_file_that_was_changed_is_not_read_again_and_answers_stay(
    make_engine: MakeEngine, make_model: ModuleType, tmp_path: Path
) -> None:
    path = make_model.make_model("tiny", tmp_path / "m.gguf")
    engine = make_engine(path, head_rows=VOCABULARY)
    expected = text_of(make_engine(head_rows=0).generate([generate(1)])[0])
    data = bytearray(path.read_bytes())
    data[-len(data) // 2 :] = bytes(len(data) // 2 + len(data) % 2)
    data[: len(data) // 2] = b"\xff" * (len(data) // 2)
    with path.open("r+b") as file:
        file.write(data)
    assert text_of(engine.generate([generate(1)])[0]) == expected
    assert engine.scheduler._forward.n_narrow == 0
    with path.open("r+b") as file:
        file.truncate(1000)
    assert text_of(engine.generate([generate(2)])[0]) == expected


def test_a_head_that_is_not_the_models_is_not_used(
    make_model: ModuleType, tiny_gguf: Path, tmp_path: Path
) -> None:
    """As with logits that are scaled, capped or added to: the products alone do not give them."""
    other = make_model.make_model("tiny", tmp_path / "other.gguf", seed=1)
    (tmp_path / "text.gguf").write_text("not a model")
    model = Model(tiny_gguf)
    context = Context(model, n_cells=256, n_sequences=4, n_threads=1, has_states=True)
    for path in (other, tmp_path / "text.gguf", tmp_path / "missing.gguf"):
        assert open_head(path, context, max_rows=VOCABULARY) is None
    assert all(context.last_position(seq_id) == -1 for seq_id in range(4))
    context.close()
    model.close()


def test_states_that_llama_does_not_name_leave_the_whole_head(
    tiny_gguf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Model(tiny_gguf)
    context = Context(model, n_cells=256, n_sequences=4, n_threads=1, has_states=True)
    with monkeypatch.context() as other_name:
        other_name.setattr(hidden, "_NODE", b"no_such_operation")
        assert open_head(tiny_gguf, context, max_rows=VOCABULARY) is None
    (logits,) = context.decode([Part(0, 0, [7, 8], wants_logits=True)])
    assert logits is not None and logits.shape == (VOCABULARY,)
    context.close()
    model.close()


def test_states_are_to_be_asked_for_when_a_context_is_made(
    make_engine: MakeEngine, tiny_gguf: Path
) -> None:
    engine = make_engine(head_rows=0)
    with pytest.raises(ValueError, match="without states"):
        engine.context.decode([Part(0, 0, [7], wants_logits=True)], wants_states=True)
    assert open_head(tiny_gguf, engine.context, max_rows=VOCABULARY) is None
    assert make_engine().head is None  # so small a head costs nothing


def test_only_a_large_head_is_left_out_and_only_for_a_small_share_of_it() -> None:
    assert paying_rows(1024, 64) == 0
    assert paying_rows(65_536, 1024) == 2048


@pytest.mark.parametrize("name", WIDENED)
def test_rows_are_widened_as_the_format_says(name: str) -> None:
    library, _ = _load_library()
    kind = row_type(library, name)
    assert kind is not None
    number, block_bytes = next(
        (number, size) for number, (known, _, size) in TENSOR_TYPES.items() if known == name
    )
    raw = np.random.default_rng(number).integers(0, 256, 3 * 64 * block_bytes, dtype=np.uint8)
    with np.errstate(all="ignore"):
        expected = dequantize(raw.reshape(3, -1), GGMLQuantizationType(number))
    rows = np.empty(expected.shape, dtype=np.float32)
    kind.widen(bytearray(raw.tobytes()), rows)
    usual = np.isfinite(expected) & (np.abs(expected) < 1e30)
    assert usual.mean() > 0.3
    assert rows[usual] == pytest.approx(expected[usual], rel=1e-3, abs=1e-6)


def test_a_type_that_is_not_ggmls_is_not_known() -> None:
    library, _ = _load_library()
    assert all(row_type(library, name) is None for name in ("Q9_Z", "", "I8", "DEPRECATED"))


def test_rows_come_out_in_the_order_of_equal_shares() -> None:
    parts = [Part(3, 0, [1], True), Part(3, 1, [1, 1, 1], True), Part(0, 5, [1], True)]
    parts += [Part(1, 0, [1, 1], False), Part(1, 2, [1, 1], True)]
    assert orders_by_graph(parts) == [[0, 2], [1, 4]]
    assert orders_by_graph(parts[3:4]) == []


def tokens_of(engine: Engine, request: Generate) -> list[int]:
    """The tokens of the answer to a request."""
    engine.scheduler.submit(request)
    tokens: list[int] = []
    while not engine.scheduler.is_idle:
        engine.wait()
        engine.scheduler.step()
        for job in engine.scheduler._running:
            tokens = job.statements[0].token_ids if job.statements else tokens
    return tokens


def gap(engine: Engine, request: Generate, one: list[int], other: list[int]) -> float:
    """How far apart the logits are of the tokens at which two answers to a request part."""
    vocabulary = engine.model.vocabulary
    prompt = [vocabulary.bos, *tokenize_pieces(vocabulary, request.schema + request.question)]
    pairs = zip(one, other, strict=False)
    n_common = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
    part = Part(63, 0, prompt + one[:n_common], wants_logits=True)
    (logits,) = engine.context.decode([part])
    assert logits is not None
    distance = abs(float(logits[one[n_common]]) - float(logits[other[n_common]]))
    engine.context.clear_sequence(63)
    return distance
