"""Models of other architectures and vocabularies than LFM2: forks by their logits, and refusals.

A prefix that is kept is a fork of llama.cpp's memory, and each architecture keeps another kind of
it; what is written after a fork must be what a fresh run would write.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_requests import MakeEngine, generate, has, run
from sqlstrictd.engine.failure import ModelLoadError
from sqlstrictd.engine.llama import Context, Logits, Model
from sqlstrictd.engine.prompt_tokens import check_vocabulary, tokenize_pieces
from sqlstrictd.engine.token_batch import Part
from sqlstrictd.engine.wire import Finished, Started

BENCH = Path(__file__).parents[2] / "bench"
KINDS = ("llama-bpe", "llama-spm", "qwen2-bpe", "gemma3-bpe", "mamba-bpe")
# Of the largest logit: batches of other shapes add in another order, and keys and values are F16.
BOUND = 5e-3

Write = Callable[[str], Path]


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Write]:
    """Writes a model as bench/other_models.py does, each kind once."""
    sys.path.insert(0, str(BENCH))
    import other_models

    folder = tmp_path_factory.mktemp("models")

    def write(kind: str) -> Path:
        path = folder / f"{kind}.gguf"
        if not path.exists():
            architecture, _, vocabulary = kind.partition("-")
            other_models.write_other_model(architecture, path, vocabulary=vocabulary)
        return path

    yield write
    sys.path.remove(str(BENCH))


@pytest.fixture(params=KINDS)
def gguf(request: pytest.FixtureRequest, write: Write) -> Path:
    return write(request.param)


@pytest.fixture
def context(gguf: Path) -> Iterator[Context]:
    model = Model(gguf)
    context = Context(model, n_cells=1024, n_sequences=16, n_threads=1)
    context.model = model  # type: ignore[attr-defined]
    yield context
    context.close()
    model.close()


def tokens(n_tokens: int, seed: int) -> list[int]:
    return [int(one) for one in np.random.default_rng(seed).integers(300, 500, n_tokens)]


def decode(context: Context, seq_id: int, position: int, tokens: list[int]) -> Logits:
    (logits,) = context.decode([Part(seq_id, position, tokens, wants_logits=True)])
    assert logits is not None
    return logits.copy()


def distance(one: Logits, other: Logits) -> float:
    """How far the logits lie apart, in parts of the largest."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def test_a_fork_goes_on_as_a_fresh_run_would(context: Context) -> None:
    prefix, question = tokens(120, 0), tokens(15, 1)
    decode(context, 0, 0, prefix)
    for fork in (5, 6):
        context.copy_sequence(0, fork)
    forked = decode(context, 5, 120, question)
    fresh = decode(context, 9, 0, prefix + question)
    assert distance(forked, fresh) < BOUND
    # The second begins where the first did, whatever that one went on to.
    decode(context, 5, 135, tokens(20, 2))
    assert distance(decode(context, 6, 120, question), fresh) < BOUND
    context.clear_sequence(9)
    other = decode(context, 9, 0, tokens(120, 7) + question)
    assert distance(other, fresh) > 4 * BOUND  # the bound notices another prefix


def test_a_prefix_is_unchanged_by_its_forks_and_a_fork_by_its_end(context: Context) -> None:
    prefix, probe = tokens(90, 3), tokens(4, 4)
    decode(context, 0, 0, prefix)
    fresh = decode(context, 9, 0, prefix + probe)
    for round_ in range(10):
        context.copy_sequence(0, 1)
        context.copy_sequence(0, 2)  # never decoded
        decode(context, 1, 90, tokens(12, round_))
        context.copy_sequence(1, 3)
        decode(context, 3, 102, tokens(3, round_))
        for fork in (1, 2, 3):
            context.clear_sequence(fork)
    context.copy_sequence(0, 1)
    context.clear_sequence(0)
    decode(context, 4, 0, tokens(200, 5))  # takes what cells there are to take
    assert distance(decode(context, 1, 90, probe), fresh) < BOUND


def test_an_answer_after_others_is_that_of_a_fresh_engine(
    make_engine: MakeEngine, gguf: Path
) -> None:
    warm, fresh = make_engine(gguf), make_engine(gguf)
    warm.generate([generate(1, "Something else?"), generate(2, "And that?", n=2, temperature=1.0)])
    warm.scheduler.submit(generate(3))
    messages = run(warm, has(Finished, 3))
    started = next(one for one in messages if isinstance(one, Started))
    finished = next(one for one in messages if isinstance(one, Finished))
    schema = tokenize_pieces(warm.model.vocabulary, generate(3).schema)
    assert started.cached_tokens == len(schema) + len(warm.model.vocabulary.beginning) > 20
    (expected,) = fresh.generate([generate(3)])
    assert isinstance(expected, Finished)
    assert finished.outputs[0].text == expected.outputs[0].text
    apart = abs(finished.outputs[0].mean_log_probability - expected.outputs[0].mean_log_probability)
    assert apart < 0.02


def test_the_few_tokens_of_a_mask_have_the_logits_of_the_whole_head(
    make_engine: MakeEngine, gguf: Path
) -> None:
    whole, narrow = make_engine(gguf, head_rows=0), make_engine(gguf, head_rows=4096)
    assert whole.head is None
    assert (narrow.head is None) == (whole.describe().architecture == "mamba")
    for request in [generate(number, f"Question {number}?") for number in range(8)]:
        (one,), (other,) = whole.generate([request]), narrow.generate([request])
        assert isinstance(one, Finished) and isinstance(other, Finished)
        assert one.outputs[0].text == other.outputs[0].text
        apart = abs(one.outputs[0].mean_log_probability - other.outputs[0].mean_log_probability)
        assert apart < 0.02
    assert narrow.head is None or narrow.scheduler._forward.n_narrow > 10


def test_text_comes_back_from_its_tokens(make_engine: MakeEngine, gguf: Path) -> None:
    vocabulary = make_engine(gguf).model.vocabulary
    for text in ("SELECT 'é'", " two  blanks", "\n\ttab", "表 😀", "a", " "):
        found = vocabulary.tokenize(text, parse_special=False)
        assert b"".join(vocabulary.token_bytes[token] for token in found).decode() == text


def test_prompts_begin_as_the_model_was_trained(make_engine: MakeEngine, write: Write) -> None:
    assert make_engine(write("qwen2-bpe")).model.vocabulary.beginning == ()
    vocabulary = make_engine(write("llama-spm")).model.vocabulary
    assert vocabulary.beginning == (vocabulary.bos,) == (1,)


def test_a_tokenizer_that_changes_the_text_is_refused(make_engine: MakeEngine) -> None:
    """The check itself, held against a tokenizer that puts a blank before every text."""
    vocabulary = make_engine().model.vocabulary
    check_vocabulary(vocabulary)

    class Blank:
        control_tokens, token_bytes = vocabulary.control_tokens, vocabulary.token_bytes

        def tokenize(self, text: str, parse_special: bool) -> list[int]:
            return vocabulary.tokenize(text if parse_special else f" {text}", parse_special)

    with pytest.raises(ModelLoadError, match="changes the text"):
        check_vocabulary(Blank())  # type: ignore[arg-type]


def test_a_model_without_the_chats_tokens_is_refused(
    make_engine: MakeEngine, write: Write, tmp_path: Path
) -> None:
    path = tmp_path / "no_chat.gguf"
    path.write_bytes(write("llama-bpe").read_bytes().replace(b"<|im_end|>", b"<|im_3nd|>"))
    with pytest.raises(ModelLoadError, match=r"no control token <\|im_end\|>"):
        make_engine(path)
