"""Masked choice of tokens, held against the plain way of doing it."""

from __future__ import annotations

import numpy as np
import pytest
from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.mask import Mask
from sqlstrictd.engine.sampling import Candidates, Sampler, masked


def pack(is_allowed: np.ndarray) -> Mask:
    """The mask of (vocabulary,) booleans: 32 tokens a word, lowest bit first."""
    padded = np.zeros(-(-is_allowed.size // 32) * 32, dtype=np.uint8)
    padded[: is_allowed.size] = is_allowed
    return Mask(np.packbits(padded, bitorder="little").view(np.uint32))


def both(logits: np.ndarray, is_allowed: np.ndarray) -> tuple[Candidates, Candidates]:
    """The candidates as they come of the whole head and of a narrow one."""
    mask = pack(is_allowed)
    return masked(logits, mask), Candidates(logits[mask.tokens], mask.tokens)


def softmax(logits: np.ndarray) -> np.ndarray:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return weights / weights.sum()


@pytest.mark.parametrize("size", [32, 1000, 2003, 65_536])
@pytest.mark.parametrize("share", [0.0005, 0.01, 0.5, 1.0])
def test_greedy_choice_is_the_best_allowed_token(size: int, share: float) -> None:
    random = np.random.default_rng(size)
    for _ in range(20):
        logits = random.normal(0, 4, size).astype(np.float32)
        is_allowed = random.random(size) < share
        is_allowed[random.integers(size)] = True

        mask = pack(is_allowed)
        assert (mask.tokens == np.flatnonzero(is_allowed)).all()
        assert mask.n_allowed == is_allowed.sum()
        expected = int(np.where(is_allowed, logits, -np.inf).argmax())
        among = softmax(np.where(is_allowed, logits, -np.inf))
        for candidates in both(logits, is_allowed):
            choice = Sampler(0.0, 0, 0).choose(candidates)
            assert choice.token == expected
            assert choice.log_probability == pytest.approx(np.log(among[expected]), abs=1e-4)
            other = int(np.flatnonzero(is_allowed)[-1])
            choice = Sampler(0.0, 0, 0).choose(candidates, drawn=other)
            assert choice.token == other
            assert choice.log_probability == pytest.approx(np.log(among[other]), abs=1e-4)


@pytest.mark.parametrize("temperature", [0.3, 1.0, 3.0])
def test_a_narrow_head_draws_what_the_whole_one_does(temperature: float) -> None:
    random = np.random.default_rng(2)
    samplers = [Sampler(temperature, 7, 1), Sampler(temperature, 7, 1)]
    for _ in range(300):
        logits = random.normal(0, 2, 5000).astype(np.float32)
        is_allowed = random.random(5000) < random.choice([0.001, 0.01, 0.1])
        is_allowed[random.integers(5000)] = True
        choices = [
            sampler.choose(candidates)
            for sampler, candidates in zip(samplers, both(logits, is_allowed), strict=True)
        ]
        assert choices[0].token == choices[1].token
        assert is_allowed[choices[0].token]


def test_sampling_follows_the_softmax_of_the_allowed_tokens() -> None:
    logits = np.array([2.0, 1.0, 0.0, 5.0] + [0.0] * 28, dtype=np.float32)
    is_allowed = np.zeros(32, dtype=bool)
    is_allowed[:3] = True
    sampler = Sampler(0.5, seed=11, alternative=0)
    candidates = masked(logits, pack(is_allowed))

    drawn = [sampler.choose(candidates).token for _ in range(20_000)]

    expected = softmax(logits[:3] / 0.5)
    counts = np.bincount(drawn, minlength=32)
    assert counts[3:].sum() == 0
    # Three standard deviations of the largest share are 0.011.
    assert counts[:3] / len(drawn) == pytest.approx(expected, abs=0.011)


def test_a_seed_fixes_the_draws_and_alternatives_differ() -> None:
    random = np.random.default_rng(5)
    rows = random.normal(0, 1, (30, 500)).astype(np.float32)
    mask = pack(np.ones(500, dtype=bool))

    def draws(seed: int, alternative: int) -> list[int]:
        sampler = Sampler(1.0, seed, alternative)
        return [sampler.choose(masked(row, mask)).token for row in rows]

    assert draws(3, 1) == draws(3, 1)
    assert draws(3, 1) != draws(3, 2)
    assert draws(3, 1) != draws(4, 1)


def test_a_vanishing_temperature_is_greedy_and_not_an_error() -> None:
    logits = np.array([1.0, 50.0, -50.0] + [0.0] * 29, dtype=np.float32)
    mask = pack(np.arange(32) != 1)
    assert Sampler(1e-6, 0, 0).choose(masked(logits, mask)).token == 0


def test_logits_that_are_not_numbers_are_a_typed_failure() -> None:
    logits = np.full(32, np.nan, dtype=np.float32)
    with pytest.raises(RequestFailed) as caught:
        Sampler(0.0, 0, 0).choose(masked(logits, pack(np.ones(32, dtype=bool))))
    assert caught.value.reason == "DECODE_FAILED"
