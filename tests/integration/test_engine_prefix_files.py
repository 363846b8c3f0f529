"""Schemas that come back from files: the very state that a fresh run has, or a fresh run."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from engine_requests import MakeEngine, generate, has, is_clean, run, text_of, wait_until_prepared
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.llama import Context, Logits, Model, Part
from sqlstrictd.engine.prefix_store import PrefixStore
from sqlstrictd.engine.sequence_state import State
from sqlstrictd.engine.wire import Failed, Finished, Prefill, Prefilled, Started

BENCH = Path(__file__).parents[2] / "bench"
KINDS = ("lfm2-bpe", "llama-bpe", "qwen2-bpe", "gemma3-bpe", "mamba-bpe")
# Of the largest logit: cells in another order are added in another order, and they are F16.
BOUND = 5e-3


@pytest.fixture(scope="module")
def write_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """Writes a model of another kind as bench/other_models.py does, each kind once."""
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
def gguf(
    request: pytest.FixtureRequest, write_model: Callable[[str], Path], tiny_gguf: Path
) -> Path:
    """A model of each kind of memory: hybrid, plain, with windows, without any attention."""
    return tiny_gguf if request.param == "lfm2-bpe" else write_model(request.param)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "prefixes"


def tokens_of(n_tokens: int, seed: int) -> list[int]:
    return [int(one) for one in np.random.default_rng(seed).integers(300, 500, n_tokens)]


def decode(context: Context, seq_id: int, position: int, tokens: list[int]) -> Logits:
    (logits,) = context.decode([Part(seq_id, position, tokens, wants_logits=True)])
    assert logits is not None
    return logits.copy()


def distance(one: Logits, other: Logits) -> float:
    """How far the logits lie apart, in parts of the largest."""
    return float(np.abs(one - other).max() / np.abs(other).max())


def ask(engine: Engine, request_id: int = 1, **fields: object) -> tuple[int, str]:
    """How many tokens of the prompt were cached, and the answer."""
    request = generate(request_id, **fields)
    engine.scheduler.submit(request)
    messages = run(engine, has(Finished, request_id))
    (started,) = [one for one in messages if isinstance(one, Started) and one.id == request_id]
    return started.cached_tokens, text_of(messages[-1])


def counts(engine: Engine) -> dict[str, int]:
    assert engine.store is not None
    return engine.store.counts


def the_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_a_state_that_was_put_back_goes_on_as_a_fresh_run_would(gguf: Path) -> None:
    """In a context of its own, as after a restart; so do forks of it, and it stays as it was."""
    prefix, question, other = tokens_of(120, 0), tokens_of(15, 1), tokens_of(20, 2)
    model = Model(gguf)
    before = Context(model, n_cells=1024, n_sequences=8, n_threads=1)
    decode(before, 3, 0, tokens_of(70, 9))  # so that its cells are not the first
    decode(before, 0, 0, prefix)
    state = before.state_of(0)
    assert state is not None
    before.copy_sequence(0, 1)
    fresh = decode(before, 1, 120, question)
    fresh_after = decode(before, 1, 135, other)
    assert distance(decode(before, 4, 0, tokens_of(120, 7) + question), fresh) > 4 * BOUND
    before.close()

    after = Context(model, n_cells=1024, n_sequences=8, n_threads=1)
    decode(after, 5, 0, tokens_of(200, 8))
    assert after.put_state(2, state, 120)
    for fork in (3, 4):
        after.copy_sequence(2, fork)
        assert distance(decode(after, fork, 120, question), fresh) < BOUND
        assert distance(decode(after, fork, 135, other), fresh_after) < BOUND
        after.clear_sequence(5)
    once_more = after.state_of(2)
    after.clear_sequence(2)
    assert once_more is not None and after.put_state(6, once_more, 120)
    assert distance(decode(after, 6, 120, question), fresh) < BOUND
    assert distance(decode(after, 6, 135, question), fresh_after) > 4 * BOUND
    after.close()
    model.close()


def test_a_state_that_is_not_that_of_its_tokens_is_refused_and_leaves_nothing(
    gguf: Path,
) -> None:
    model = Model(gguf)
    context = Context(model, n_cells=512, n_sequences=8, n_threads=1)
    decode(context, 0, 0, tokens_of(60, 0))
    state = context.state_of(0)
    assert state is not None
    for wrong, n_tokens in ((state, 59), (state, 61), (state[:-8].copy(), 60), (state[:40], 60)):
        assert not context.put_state(1, wrong, n_tokens)
        assert context.last_position(1) == -1
    with pytest.raises(ValueError):
        context.put_state(0, state, 60)
    fresh = decode(context, 0, 60, [301, 302])
    assert context.put_state(1, state, 60)
    assert distance(decode(context, 1, 60, [301, 302]), fresh) < BOUND
    context.close()
    model.close()


def test_a_schema_comes_back_after_a_restart(
    make_engine: MakeEngine, gguf: Path, folder: Path
) -> None:
    first = make_engine(gguf, prefix_folder=folder)
    assert ask(first)[0] == 0
    first.close()
    assert counts(first) == {"prefixes_kept": 1}

    second = make_engine(gguf, prefix_folder=folder)
    n_cached, text = ask(second, question="And now?")
    n_schema = len(next(iter(second.scheduler._prefixes._schemas)))
    assert n_cached == n_schema > 10
    assert counts(second) == {"prefixes_restored": 1}
    assert text == ask(make_engine(gguf), question="And now?")[1]
    assert is_clean(second)
    # The file is there already, and is not written again.
    second.close()
    assert counts(second) == {"prefixes_restored": 1}


def test_a_schema_that_made_way_comes_back(make_engine: MakeEngine, folder: Path) -> None:
    engine = make_engine(prefix_folder=folder, max_prefixes=2)
    texts = [ask(engine, number, ddl=ddl) for number, ddl in enumerate("abcd")]
    assert [n_cached for n_cached, _ in texts] == [0, 0, 0, 0]
    again = [ask(engine, number, ddl=ddl) for number, ddl in enumerate("abcd")]
    assert all(n_cached > 10 for n_cached, _ in again)
    assert [text for _, text in again] == [text for _, text in texts]
    engine.close()
    assert counts(engine) == {"prefixes_kept": 4, "prefixes_restored": 4}


def test_a_file_that_was_deleted_is_written_when_its_schema_makes_way(
    make_engine: MakeEngine, folder: Path
) -> None:
    """A folder that holds one file: the second schema's file takes the first one's place."""
    probe = make_engine(prefix_folder=folder)
    ask(probe, ddl="a")
    probe.close()
    size = the_file(folder).stat().st_size
    the_file(folder).unlink()

    engine = make_engine(prefix_folder=folder, prefix_bytes=size + size // 2)
    store, prefixes = engine.store, engine.scheduler._prefixes
    assert store is not None

    def n_kept() -> int:
        store._writer.submit(bool).result()  # after all that is to be written
        return counts(engine)["prefixes_kept"]

    ask(engine, 1, ddl="a")
    assert n_kept() == 1
    ask(engine, 2, ddl="b")
    assert n_kept() == 2
    oldest = next(iter(prefixes._schemas))
    assert not store.has(oldest)
    assert prefixes.evict() and oldest not in prefixes
    assert n_kept() == 3
    assert the_file(folder).name == store._folder.name_of(oldest)


def test_a_damaged_file_is_built_anew(make_engine: MakeEngine, folder: Path) -> None:
    engine = make_engine(prefix_folder=folder)
    expected = ask(engine)[1]
    engine.close()
    whole = the_file(folder).read_bytes()
    dice = random.Random(1)
    for _ in range(12):
        data = bytearray(whole)
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        the_file(folder).write_bytes(data[: dice.choice((None, dice.randrange(len(data))))])
        engine = make_engine(prefix_folder=folder)
        assert ask(engine) == (0, expected)
        engine.close()
        assert counts(engine) == {"prefix_files_refused": 1, "prefixes_kept": 1}
        assert the_file(folder).read_bytes() == whole


def test_a_state_that_llama_refuses_is_built_anew(make_engine: MakeEngine, folder: Path) -> None:
    """A file that is whole, of these tokens and of this model, with a state that is not."""
    engine = make_engine(prefix_folder=folder)
    _, expected = ask(engine)
    (key,) = engine.scheduler._prefixes._schemas
    assert engine.store is not None
    engine.close()
    states = engine.store._folder
    state = states.read(key)
    assert state is not None
    for wrong in (state[:-16].copy(), state[:50].copy(), np.zeros(100, dtype=np.uint8)):
        states.write(key, wrong)
        engine = make_engine(prefix_folder=folder)
        assert ask(engine) == (0, expected)
        assert is_clean(engine)
        engine.close()
        assert counts(engine)["prefix_files_refused"] == 1
        found = states.read(key)
        assert found is None or (found == state).all()


def test_another_model_of_the_same_name_gets_its_own_files(
    make_model: ModuleType, make_engine: MakeEngine, tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "model.gguf"
    make_model.make_model("tiny", path, seed=1)
    engine = make_engine(path, prefix_folder=folder)
    ask(engine)
    engine.close()
    path.unlink()
    make_model.make_model("tiny", path, seed=2)
    changed = make_engine(path, prefix_folder=folder)
    assert ask(changed)[0] == 0
    changed.close()
    assert counts(changed) == {"prefixes_kept": 1}
    assert len(list(folder.iterdir())) == 2


def test_other_parameters_of_the_context_are_another_identity(
    make_engine: MakeEngine, folder: Path
) -> None:
    """How many tokens, threads and sequences there are makes no difference to a state."""
    engine = make_engine(prefix_folder=folder)
    ask(engine)
    same = make_engine(
        prefix_folder=folder, context_tokens=1024, threads=2, n_sequences=9, max_prompts=1
    )
    engine.close()
    assert ask(same)[0] > 10
    kind = engine.context.state_kind
    assert kind == same.context.state_kind
    assert "type_k=" in kind and "flash_attn" in kind and "n_ctx=" not in kind


def test_a_part_of_a_schema_is_not_worth_a_file(make_engine: MakeEngine, folder: Path) -> None:
    engine = make_engine(prefix_folder=folder)
    ask(engine, 1, keep_schema=False)
    assert counts(engine) == {}
    (prefilled,) = engine.answer([Prefill(2, generate(1).schema)])
    assert isinstance(prefilled, Prefilled)
    engine.close()
    assert counts(engine) == {"prefixes_kept": 1}


def test_a_background_prefill_takes_the_state_from_its_file(
    make_engine: MakeEngine, folder: Path
) -> None:
    ddls = [f"table {number} " + "self " * 200 for number in range(5)]
    engine = make_engine(prefix_folder=folder)
    engine.answer([Prefill(n, generate(1, ddl=ddl).schema) for n, ddl in enumerate(ddls)])
    engine.close()
    engine = make_engine(prefix_folder=folder)
    answers = engine.answer([Prefill(n, generate(1, ddl=ddl).schema) for n, ddl in enumerate(ddls)])
    assert all(isinstance(answer, Prefilled) and answer.n_tokens > 200 for answer in answers)
    assert counts(engine) == {"prefixes_restored": 5}
    assert ask(engine, ddl=ddls[3])[0] > 200


def test_what_is_wrong_with_the_folder_is_counted_and_nobodys_error(
    make_engine: MakeEngine, folder: Path
) -> None:
    folder.write_text("not a folder")
    engine = make_engine(prefix_folder=folder, max_prefixes=1)
    for number, ddl in enumerate("aba"):
        assert ask(engine, number, ddl=ddl)[0] == 0
    engine.close()
    assert set(counts(engine)) == {"prefix_file_errors"}
    assert folder.read_text() == "not a folder"


def test_two_engines_share_a_folder(make_engine: MakeEngine, folder: Path) -> None:
    one, other = (make_engine(prefix_folder=folder, max_prefixes=2) for _ in range(2))
    dice = random.Random(2)
    texts: dict[str, str] = {}
    for number in range(30):
        ddl = dice.choice("abcdef")
        _, text = ask(dice.choice((one, other)), number, ddl=ddl)
        assert texts.setdefault(ddl, text) == text
    assert counts(one)["prefixes_restored"] and counts(other)["prefixes_restored"]
    assert "prefix_files_refused" not in counts(one) | counts(other)


def test_no_files_are_kept_unless_asked_for(make_engine: MakeEngine, folder: Path) -> None:
    for settings in ({}, {"prefix_folder": folder, "prefix_bytes": 0}):
        engine = make_engine(**settings)
        assert ask(engine)[0] == 0
        assert engine.store is None
        engine.close()
    assert not folder.exists()


class SlowStore:
    """A store whose files take as long as the test wants."""

    def __init__(self) -> None:
        self.fetches: list[Future[State | None]] = []
        self.counts: dict[str, int] = {}
        self.can_keep = True
        self.kept: list[tuple[int, ...]] = []

    def fetch(self, tokens: tuple[int, ...]) -> Future[State | None]:
        self.fetches.append(Future())
        return self.fetches[-1]

    def has(self, tokens: tuple[int, ...]) -> bool:
        return tokens in self.kept

    def keep(self, tokens: tuple[int, ...], state: State) -> None:
        self.kept.append(tokens)

    def note_use(self, tokens: tuple[int, ...]) -> None:
        pass


def with_store(engine: Engine, store: object) -> Engine:
    engine.scheduler._prefixes._store = store  # type: ignore[assignment]
    return engine


def test_nobody_waits_for_the_file_of_anothers_schema(engine: Engine) -> None:
    resident = ask(engine, 1)[1]
    store = SlowStore()
    with_store(engine, store)
    engine.scheduler.submit(generate(2, ddl="new"))
    wait_until_prepared(engine)
    engine.scheduler.step()
    (fetch,) = store.fetches
    # With nothing else to do the engine rests, rather than look again and again.
    assert not engine.scheduler.can_step and not engine.scheduler.is_idle
    assert ask(engine, 3) == (ask(engine, 4)[0], resident)
    assert not engine.scheduler.can_step
    fetch.set_result(None)
    messages = run(engine, has(Finished, 2))
    assert next(one for one in messages if isinstance(one, Started)).cached_tokens == 0
    assert len(store.fetches) == 1
    assert is_clean(engine)


def test_one_background_prefill_at_a_time_reads_its_file(engine: Engine) -> None:
    """Each would hold its state in memory until its turn came."""
    store = SlowStore()
    with_store(engine, store)
    for number, ddl in enumerate("abc"):
        engine.scheduler.submit(Prefill(number, generate(1, ddl=ddl).schema))
    wait_until_prepared(engine)
    for n_fetches in (1, 2, 3):
        engine.scheduler.step()
        engine.scheduler.step()
        assert len(store.fetches) == n_fetches
        assert not engine.scheduler.can_step
        store.fetches[-1].set_result(None)
        run(engine, has(Prefilled, n_fetches - 1))
    assert len(store.kept) == 3


def test_a_request_that_waits_for_a_file_can_be_cancelled(engine: Engine) -> None:
    store = SlowStore()
    with_store(engine, store)
    engine.scheduler.submit(generate(1))
    wait_until_prepared(engine)
    engine.scheduler.step()
    engine.scheduler.cancel(1)
    assert engine.scheduler.is_idle
    store.fetches[0].set_result(None)
    assert engine.scheduler.step() == []
    assert is_clean(engine)


def test_states_wait_in_memory_only_so_many_and_are_kept_later(engine: Engine) -> None:
    store = SlowStore()
    with_store(engine, store)
    store.can_keep = False
    engine.scheduler.submit(generate(1))
    wait_until_prepared(engine)
    engine.scheduler.step()
    store.fetches[0].set_result(None)
    run(engine, has(Finished, 1))
    assert not store.kept
    store.can_keep = True
    ask(engine, 2)
    assert len(store.kept) == 1


def test_a_failing_folder_fails_no_prefill(make_engine: MakeEngine, folder: Path) -> None:
    folder.symlink_to(folder.parent)
    engine = make_engine(prefix_folder=folder)
    answers = engine.answer([Prefill(1, generate(1).schema), generate(2)])
    assert not any(isinstance(answer, Failed) for answer in answers)


def test_the_stores_of_a_process_hand_on_what_they_have_not_written_yet(
    make_engine: MakeEngine, folder: Path
) -> None:
    """A schema that makes way and is wanted again at once needs no file to come back."""
    engine = make_engine(prefix_folder=folder)
    assert isinstance(engine.store, PrefixStore)
    hold: Future[None] = Future()
    engine.store._writer.submit(hold.result)
    try:
        ask(engine, 1)
        while engine.scheduler._prefixes.evict():
            pass
        assert ask(engine, 2)[0] > 10
        assert not list(folder.iterdir())
    finally:
        hold.set_result(None)
