"""Beginnings of questions, read before the question is asked: faster, and never another answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine_requests import (
    MakeEngine,
    generate,
    has,
    is_clean,
    run,
    text_of,
    wait_until_prepared,
)
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.prefixes import MAX_BEGINNINGS
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.wire import Failed, Finished, Prefill, Prefilled, Started
from sqlstrictd.prompt import Piece, beginning_pieces

BENCH = Path(__file__).parents[2] / "bench"
KINDS = ("lfm2-bpe", "llama-spm", "qwen2-bpe", "gemma3-bpe", "mamba-bpe")
QUESTION = "How many orders of each customer have a price over 100?"


@pytest.fixture(scope="module")
def write_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Writes a model of another kind as bench/other_models.py does."""
    sys.path.insert(0, str(BENCH))
    import other_models

    folder = tmp_path_factory.mktemp("models")

    def write(kind: str) -> Path:
        path = folder / f"{kind}.gguf"
        architecture, _, vocabulary = kind.partition("-")
        other_models.write_other_model(architecture, path, vocabulary=vocabulary)
        return path

    yield write
    sys.path.remove(str(BENCH))


def guess(request_id: int, beginning: str, **fields: object) -> Prefill:
    """A guess at what will be asked of the schema that `generate` asks of."""
    schema = generate(0, **fields).schema
    return Prefill(request_id, schema, is_guess=True, question=beginning_pieces(beginning))


def ask(engine: Engine, request_id: int, question: str = QUESTION, **fields: object) -> Started:
    """Ask, and return how it began; the answer is a whole statement."""
    engine.scheduler.submit(generate(request_id, question, **fields))
    messages = run(engine, has(Finished, request_id))
    text_of(messages[-1])
    return next(one for one in messages if isinstance(one, Started) and one.id == request_id)


def n_schema(engine: Engine) -> int:
    vocabulary = engine.model.vocabulary
    return len(vocabulary.beginning) + len(tokenize_pieces(vocabulary, generate(0).schema))


def n_beginning(engine: Engine, beginning: str) -> int:
    return len(tokenize_pieces(engine.model.vocabulary, beginning_pieces(beginning)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_goes_on_from_its_beginning_as_from_nothing(
    kind: str, make_engine: MakeEngine, write_model: Callable[[str], Path], tiny_gguf: Path
) -> None:
    gguf = tiny_gguf if kind == "lfm2-bpe" else write_model(kind)
    engine, fresh = make_engine(gguf), make_engine(gguf)
    for number, end in enumerate((8, 17, 30, 47)):
        (answer,) = engine.answer([guess(number, QUESTION[:end])])
        assert isinstance(answer, Prefilled)
        n_read = n_schema(engine) + n_beginning(engine, QUESTION[:end])
        assert answer.n_tokens == n_read
    assert n_read > n_schema(engine) + 5
    engine.scheduler.submit(generate(9, QUESTION))
    messages = run(engine, has(Finished, 9))
    assert messages[0].cached_tokens == n_read  # type: ignore[union-attr]
    (expected,) = fresh.generate([generate(9, QUESTION)])
    assert text_of(messages[-1]) == text_of(expected)
    apart = [answer.outputs[0].mean_log_probability for answer in (messages[-1], expected)]  # type: ignore[union-attr]
    assert abs(apart[0] - apart[1]) < 0.02
    # The beginning is as it was, for a question that ends otherwise.
    assert ask(engine, 10, QUESTION[:47] + " 200?").cached_tokens >= n_read
    assert len(engine.scheduler._prefixes._beginnings) == 1  # each took the one before's place
    assert is_clean(engine)


def test_tokens_are_compared_and_not_text(engine: Engine) -> None:
    """A beginning that ends within a word is other tokens than the word."""
    schema = generate(0).schema
    whole = tokenize_pieces(engine.model.vocabulary, generate(0, QUESTION).question)
    cuts = [(Piece(QUESTION[:end], is_scaffold=False),) for end in range(5, len(QUESTION))]
    tokens = [tokenize_pieces(engine.model.vocabulary, cut) for cut in cuts]
    within = next(cut for cut, one in zip(cuts, tokens, strict=True) if whole[: len(one)] != one)
    engine.answer([Prefill(1, schema, is_guess=True, question=within)])
    assert ask(engine, 2).cached_tokens == n_schema(engine)
    # Neither does another question go on from it, nor one of another schema.
    engine.answer([guess(3, "Which of the customers are old")])
    assert ask(engine, 6, "Which orders are old?").cached_tokens == n_schema(engine)
    assert ask(engine, 7, "Which of the customers are old?", ddl="b").cached_tokens == 0


def test_a_newer_guess_takes_the_place_of_one_that_waits(engine: Engine) -> None:
    answers = engine.answer(
        [guess(1, "How many"), guess(2, "How many orders"), guess(3, "", ddl="b")]
    )
    assert isinstance(answers[0], Failed)
    assert isinstance(answers[1], Prefilled) and isinstance(answers[2], Prefilled)


def test_only_so_many_guesses_wait_and_none_in_the_place_of_a_schema(engine: Engine) -> None:
    schemas = [Prefill(n, generate(0, ddl=f"schema {n}").schema) for n in range(20)]
    guesses = [guess(100 + n, "How many of", ddl=f"guess {n}") for n in range(MAX_BEGINNINGS + 4)]
    answers = engine.answer([*schemas, *guesses])
    assert all(isinstance(answer, Prefilled) for answer in answers[:20])
    assert [type(answer) for answer in answers[20:]] == [Failed] * 4 + [Prefilled] * MAX_BEGINNINGS
    assert len(engine.scheduler._prefixes._beginnings) == MAX_BEGINNINGS
    assert is_clean(engine)


def test_a_guess_takes_no_room_of_schemas(make_engine: MakeEngine) -> None:
    engine = make_engine(max_prefixes=2)
    for number, ddl in enumerate("ab"):
        ask(engine, number, ddl=ddl)
    answers = engine.answer([guess(3, "How many", ddl="c"), guess(4, "", ddl="d")])
    assert [one.reason for one in answers if isinstance(one, Failed)] == ["CONTEXT_FULL"] * 2
    assert all(ask(engine, 5, "New?", ddl=ddl).cached_tokens > 10 for ddl in "ab")

    engine = make_engine(context_tokens=1024)
    ddls = ["a " + "self " * 300, "b " + "self " * 300]
    for number, ddl in enumerate(ddls):
        ask(engine, number, ddl=ddl)
    (answer,) = engine.answer([guess(3, "self " * 400, ddl=ddls[0])])
    assert isinstance(answer, Failed) and answer.reason == "CONTEXT_FULL"
    assert engine.scheduler.n_resident == 2
    assert is_clean(engine)


def test_guesses_are_the_first_to_make_way(make_engine: MakeEngine) -> None:
    engine = make_engine(context_tokens=512)
    for number in range(MAX_BEGINNINGS):
        (answer,) = engine.answer([guess(number, f"{number} " + "self " * 60)])
        assert isinstance(answer, Prefilled)
    ask(engine, 10, "self " * 150, max_tokens=64)
    prefixes = engine.scheduler._prefixes
    assert len(prefixes._beginnings) < MAX_BEGINNINGS
    assert engine.scheduler.n_resident == 1
    while prefixes.evict():
        pass
    assert len(prefixes) == 0
    assert is_clean(engine)


def test_a_guess_waits_for_questions(engine: Engine) -> None:
    ask(engine, 1)
    engine.scheduler.submit(guess(2, "Which customers have"))
    engine.scheduler.submit(generate(3, "Something else?"))
    wait_until_prepared(engine)
    messages = run(engine, has(Prefilled, 2))
    kinds = [(type(one), one.id) for one in messages if isinstance(one, Finished | Prefilled)]  # type: ignore[union-attr]
    assert kinds == [(Finished, 3), (Prefilled, 2)]


def test_a_guess_without_a_whole_word_reads_the_schema(engine: Engine) -> None:
    (answer,) = engine.answer([guess(1, "Ho")])
    assert isinstance(answer, Prefilled) and answer.n_tokens == n_schema(engine)
    assert ask(engine, 2).cached_tokens == n_schema(engine)
