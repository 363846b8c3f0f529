"""Fixtures shared by all tests: models made on the spot, since no weights are downloaded."""

import importlib.util
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from servers.engine import EngineMissing, RealEngine
from servers.start import start

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "tests" / "reference"))  # random_checkpoint


def pytest_configure() -> None:
    """Take Ctrl-C as from a terminal, so that what the tests start does too.

    A shell starts what it puts into the background with SIGINT ignored, and children inherit that.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def make_model() -> ModuleType:
    """The module bench/make_model.py, whose make_model(size, out, seed) writes a random model."""
    if "make_model" not in sys.modules:
        path = REPOSITORY / "bench" / "make_model.py"
        spec = importlib.util.spec_from_file_location("make_model", path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["make_model"] = module  # dataclasses look their module up while it is made
        spec.loader.exec_module(module)
    return sys.modules["make_model"]


@pytest.fixture(scope="session")
def tiny_gguf(make_model: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random-weights LFM2 of about 1 MB in F32, one for the session; do not change it."""
    path: Path = make_model.make_model("tiny", tmp_path_factory.mktemp("model") / "tiny.gguf")
    return path


@pytest.fixture(scope="session")
def tokenizer_json(make_model: ModuleType) -> str:
    """The tokenizer.json of a byte-level BPE with 320 tokens, special ones included."""
    text: str = make_model.train_tokenizer(320, 300_000)
    return text


def _running(dialect: str) -> Iterator[RealEngine]:
    try:
        engine = start(dialect)
    except EngineMissing as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def sqlite_engine() -> Iterator[RealEngine]:
    """SQLite; load a schema first, which replaces that of the test before."""
    yield from _running("sqlite")


@pytest.fixture(scope="session")
def postgres_engine() -> Iterator[RealEngine]:
    """A PostgreSQL server, one for the session; skips where there is none."""
    yield from _running("postgres")


@pytest.fixture(scope="session")
def duckdb_engine() -> Iterator[RealEngine]:
    """DuckDB; skips where it is not installed."""
    yield from _running("duckdb")


@pytest.fixture(scope="session")
def mariadb_engine() -> Iterator[RealEngine]:
    """A MariaDB server, one for the session; skips where there is none."""
    yield from _running("mysql")
