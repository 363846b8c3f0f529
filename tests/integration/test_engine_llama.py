"""llama.cpp through our wrapper: forks by their logits, and every misuse as an exception.

Each misuse here would end the process or change answers silently if it got through.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sqlstrictd.engine import binding
from sqlstrictd.engine.failure import ModelLoadError
from sqlstrictd.engine.llama import Context, DecodeError, Logits, Model
from sqlstrictd.engine.token_batch import BATCH_TOKENS, Part

# The same tokens in batches of other shapes: sums are taken in another order, and the key-value
# cells are F16. The model's logits lie within ±1; a wrong token moves them by 0.01.
F32_BOUND = 1e-3


@pytest.fixture(scope="module")
def model(tiny_gguf: Path) -> Iterator[Model]:
    model = Model(tiny_gguf)
    yield model
    model.close()


@pytest.fixture
def context(model: Model) -> Iterator[Context]:
    context = Context(model, n_cells=1024, n_sequences=16, n_threads=1)
    yield context
    context.close()


def tokens_of(model: Model, n_tokens: int, seed: int = 0) -> list[int]:
    random = np.random.default_rng(seed)
    return [int(token) for token in random.integers(10, model.vocabulary.size, n_tokens)]


def decode(context: Context, seq_id: int, position: int, tokens: list[int]) -> Logits:
    (logits,) = context.decode([Part(seq_id, position, tokens, wants_logits=True)])
    assert logits is not None
    return logits.copy()


def test_a_fork_goes_on_as_a_fresh_run_would(model: Model, context: Context) -> None:
    prefix, question = tokens_of(model, 120), tokens_of(model, 15, seed=1)
    decode(context, 0, 0, prefix)
    context.copy_sequence(0, 5)

    forked = decode(context, 5, 120, question)

    fresh = decode(context, 9, 0, prefix + question)
    assert np.abs(forked - fresh).max() < F32_BOUND
    context.clear_sequence(9)
    other = decode(context, 9, 0, [*prefix[:-1], prefix[0], *question])
    assert np.abs(forked - other).max() > 10 * F32_BOUND  # the bound notices one wrong token


def test_forks_and_their_removal_leave_the_parent_as_it_was(model: Model, context: Context) -> None:
    prefix, probe = tokens_of(model, 60), tokens_of(model, 4, seed=2)
    decode(context, 0, 0, prefix)
    context.copy_sequence(0, 1)
    before = decode(context, 1, 60, probe)
    context.clear_sequence(1)

    for round_ in range(30):
        used, unused = 2 + round_ % 5, 8
        context.copy_sequence(0, used)
        context.copy_sequence(0, unused)
        context.clear_sequence(unused)  # a fork that was never decoded
        decode(context, used, 60, tokens_of(model, 10, seed=round_))
        context.copy_sequence(used, 9)  # a fork of the fork
        decode(context, 9, 70, tokens_of(model, 3, seed=round_))
        context.clear_sequence(used)
        context.clear_sequence(9)

    assert context.last_position(0) == 59
    context.copy_sequence(0, 1)
    after = decode(context, 1, 60, probe)
    assert np.abs(after - before).max() < F32_BOUND


def test_a_fork_lives_on_when_its_parent_is_removed(model: Model, context: Context) -> None:
    prefix, question = tokens_of(model, 50), tokens_of(model, 5, seed=3)
    decode(context, 0, 0, prefix)
    context.copy_sequence(0, 1)
    context.clear_sequence(0)
    decode(context, 2, 0, tokens_of(model, 200, seed=4))  # takes what cells there are to take

    forked = decode(context, 1, 50, question)

    fresh = decode(context, 3, 0, prefix + question)
    assert np.abs(forked - fresh).max() < F32_BOUND


@pytest.mark.parametrize("chunk", [1, 7, 32, 128])
def test_prefill_in_chunks_gives_the_same_state(model: Model, context: Context, chunk: int) -> None:
    tokens = tokens_of(model, 256)
    whole = decode(context, 0, 0, tokens)
    for start in range(0, 256, chunk):
        part = Part(1, start, tokens[start : start + chunk], wants_logits=start + chunk >= 256)
        (logits,) = context.decode([part])
    assert logits is not None
    assert np.abs(logits - whole).max() < F32_BOUND


def test_sequences_of_a_batch_do_not_touch_each_other(model: Model, context: Context) -> None:
    prompts = [tokens_of(model, 20 + 7 * seed, seed) for seed in range(6)]
    alone = []
    for seq_id, prompt in enumerate(prompts):
        alone.append(decode(context, seq_id, 0, prompt))
        context.clear_sequence(seq_id)

    together = context.decode(
        [Part(seq_id, 0, prompt, wants_logits=True) for seq_id, prompt in enumerate(prompts)]
    )

    for one, other in zip(alone, together, strict=True):
        assert other is not None
        assert np.abs(one - other).max() < F32_BOUND


def test_cells_that_are_wanting_are_a_typed_error_and_change_nothing(
    model: Model, context: Context
) -> None:
    tokens = tokens_of(model, 1000)
    for start in range(0, 1000, 250):
        context.decode([Part(0, start, tokens[start : start + 250], wants_logits=False)])

    with pytest.raises(DecodeError) as caught:
        context.decode([Part(1, 0, tokens[:100], wants_logits=True)])

    assert caught.value.is_full
    assert context.last_position(0) == 999
    assert context.last_position(1) == -1
    context.clear_sequence(0)
    decode(context, 1, 0, tokens[:100])


def test_a_gap_in_the_positions_is_refused_and_changes_nothing(
    model: Model, context: Context
) -> None:
    tokens = tokens_of(model, 10)
    decode(context, 0, 0, tokens)
    with pytest.raises(DecodeError) as caught:
        context.decode([Part(0, 12, tokens, wants_logits=True)])
    assert not caught.value.is_full
    assert context.last_position(0) == 9


def test_misuse_is_an_exception_and_never_reaches_llama(model: Model, context: Context) -> None:
    tokens = tokens_of(model, 10)
    for bad in (
        Part(16, 0, tokens, wants_logits=True),
        Part(-1, 0, tokens, wants_logits=True),
        Part(0, 0, [], wants_logits=True),
        Part(0, 0, tokens * BATCH_TOKENS, wants_logits=True),
    ):
        with pytest.raises(ValueError):
            context.decode([bad])
    for source, target in ((0, 16), (16, 0), (-1, 0)):
        with pytest.raises(ValueError):
            context.copy_sequence(source, target)
    decode(context, 0, 0, tokens)
    decode(context, 1, 0, tokens)
    with pytest.raises(ValueError):
        context.copy_sequence(0, 1)


def test_another_thread_may_not_use_the_context(model: Model, context: Context) -> None:
    caught: list[BaseException] = []

    def use() -> None:
        try:
            context.decode([Part(0, 0, [1], wants_logits=True)])
        except RuntimeError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert len(caught) == 1


def test_a_closed_context_and_model_cannot_be_used(tiny_gguf: Path) -> None:
    model = Model(tiny_gguf)
    context = Context(model, n_cells=256, n_sequences=1, n_threads=1)
    context.close()
    model.close()
    model.close()
    with pytest.raises(ValueError):
        context.decode([Part(0, 0, [1], wants_logits=True)])
    with pytest.raises(ValueError):
        model.metadata("general.name")


def test_a_misspelt_field_of_a_struct_is_an_error() -> None:
    class Params(ctypes.Structure):
        _fields_ = [("load_mode", ctypes.c_int)]

    params = Params()
    binding.set_field(params, "load_mode", 2)
    assert params.load_mode == 2
    with pytest.raises(binding.BindingError):
        binding.set_field(params, "use_mmap", False)


def broken_files(tiny_gguf: Path, folder: Path) -> Iterator[Path]:
    data = tiny_gguf.read_bytes()
    for n_bytes in (0, 3, 4, 8, 24, 100, 5000, len(data) // 2, len(data) - 1):
        path = folder / f"cut-{n_bytes}.gguf"
        path.write_bytes(data[:n_bytes])
        yield path
    (folder / "text.gguf").write_text("not a model")
    yield folder / "text.gguf"
    (folder / "folder.gguf").mkdir()
    yield folder / "folder.gguf"
    os.mkfifo(folder / "pipe.gguf")
    yield folder / "pipe.gguf"
    yield folder / "missing.gguf"


def test_files_that_are_no_models_are_refused_with_a_reason(
    tiny_gguf: Path, tmp_path: Path
) -> None:
    for path in broken_files(tiny_gguf, tmp_path):
        with pytest.raises(ModelLoadError) as caught:
            Model(path)
        assert path.name in str(caught.value), path
        assert len(str(caught.value)) > len(path.name) + 10, path


def test_a_model_file_may_be_overwritten_while_it_is_in_use(
    tiny_gguf: Path, tmp_path: Path
) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(tiny_gguf.read_bytes())
    model = Model(path)
    context = Context(model, n_cells=256, n_sequences=2, n_threads=1)
    before = decode(context, 0, 0, [1, 20, 30])
    with path.open("r+b") as file:
        file.truncate(1000)
        file.write(b"\xff" * 1000)
    after = decode(context, 1, 0, [1, 20, 30])
    context.close()
    model.close()
    assert (before == after).all()


def test_the_engine_loads_no_template_engine_and_no_high_level_class() -> None:
    """In a process of its own, since other tests may import what they like."""
    script = (
        "import sys, sqlstrictd.engine.llama as llama; llama._load_library();"
        "print({'jinja2', 'llama_cpp', 'llama_cpp.llama', 'diskcache'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "set()"
    assert done.stderr == ""
