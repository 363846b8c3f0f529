"""What the engine writes: real llama.cpp and llguidance on a model of random weights."""

from __future__ import annotations

import numpy as np
from engine_requests import GRAMMAR, generate, is_clean, text_of
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.token_batch import Part
from sqlstrictd.engine.wire import (
    Finished,
    Match,
    Matched,
)


def test_a_statement_is_written_under_the_grammar_and_ends_by_itself(engine: Engine) -> None:
    (answer,) = engine.generate([generate(1)])

    text = text_of(answer)
    assert engine.answer([Match(2, "small", GRAMMAR, text)]) == [Matched(2, True, len(text))]
    assert isinstance(answer, Finished)
    (output,) = answer.outputs
    n_least = len(engine.model.vocabulary.tokenize(text, parse_special=False))
    assert n_least <= output.n_tokens <= len(text)
    assert output.min_log_probability <= output.mean_log_probability < 0
    assert answer.prefill_us > 0
    assert is_clean(engine)


def test_the_answer_is_what_a_plain_loop_gives(engine: Engine) -> None:
    """One token at a time, no forced tokens, no fork, no batch: the same greedy statement."""
    request = generate(1, "Which orders are open?")
    text = text_of(engine.generate([request])[0])

    vocabulary = engine.model.vocabulary
    tokens = [vocabulary.bos, *tokenize_pieces(vocabulary, request.schema + request.question)]
    matcher = engine.scheduler._grammars.matcher("small", GRAMMAR)
    written: list[int] = []
    position, seq_id = 0, 60
    while not matcher.is_whole:
        (logits,) = engine.context.decode([Part(seq_id, position, tokens, wants_logits=True)])
        assert logits is not None
        bits = np.unpackbits(matcher.mask().bits.view(np.uint8), bitorder="little")[: logits.size]
        token = int(np.where(bits == 1, logits, -np.inf).argmax())
        matcher.consume(token)
        written.append(token)
        position, tokens = position + len(tokens), [token]
    engine.context.clear_sequence(seq_id)
    assert b"".join(vocabulary.token_bytes[token] for token in written).decode() == text


def test_the_same_seed_gives_the_same_statement_and_another_seed_others(engine: Engine) -> None:
    def texts(seed: int) -> list[str]:
        requests = [
            generate(number, f"Question {number}?", temperature=1.0, seed=seed)
            for number in range(6)
        ]
        return [text_of(answer) for request in requests for answer in engine.generate([request])]

    assert texts(1) == texts(1)
    assert texts(1) != texts(2)


def test_a_budget_that_runs_out_says_so_and_is_never_exceeded(engine: Engine) -> None:
    for budget in range(1, 14):
        (answer,) = engine.generate([generate(budget, max_tokens=budget)])
        assert isinstance(answer, Finished)
        (output,) = answer.outputs
        assert output.n_tokens <= budget
        assert (output.finish == "stop") == output.text.endswith(";")
        if output.finish == "budget":
            assert output.n_tokens == budget


def test_a_statement_as_long_as_the_budget_is_whole(engine: Engine) -> None:
    (answer,) = engine.generate([generate(1)])
    assert isinstance(answer, Finished)
    n_tokens = answer.outputs[0].n_tokens
    (exact,) = engine.generate([generate(2, max_tokens=n_tokens)])
    (short,) = engine.generate([generate(3, max_tokens=n_tokens - 1)])
    assert text_of(exact) == answer.outputs[0].text
    assert isinstance(short, Finished) and short.outputs[0].finish == "budget"


def test_a_grammar_that_forces_everything_asks_the_model_nothing(engine: Engine) -> None:
    (answer,) = engine.generate(
        [generate(1, grammar_key="one", grammar='start: "SELECT id FROM orders;"')]
    )
    assert text_of(answer) == "SELECT id FROM orders;"
    assert isinstance(answer, Finished)
    assert answer.outputs[0].mean_log_probability == 0


def test_alternatives_are_distinct_and_the_best_comes_first(engine: Engine) -> None:
    (alone,) = engine.generate([generate(1)])
    (several,) = engine.generate([generate(2, n=8, seed=3)])
    assert isinstance(several, Finished)

    texts = [output.text for output in several.outputs]
    assert len(texts) == len(set(texts)) > 2
    assert text_of(alone) in texts
    scores = [output.mean_log_probability for output in several.outputs]
    assert scores == sorted(scores, reverse=True)
    for text in texts:
        assert engine.answer([Match(3, "small", GRAMMAR, text)]) == [Matched(3, True, len(text))]
    (again,) = engine.generate([generate(4, n=8, seed=3)])
    assert isinstance(again, Finished)
    assert [output.text for output in again.outputs] == texts
    assert is_clean(engine)
