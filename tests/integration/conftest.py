"""Fixtures of the tests that run the engine in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_requests import MakeEngine
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.settings import Settings


@pytest.fixture
def make_engine(tiny_gguf: Path) -> Iterator[MakeEngine]:
    """Makes engines on one thread, of any model and settings; they are closed after the test."""
    engines = []

    def make(model: Path = tiny_gguf, **settings: Any) -> Engine:
        engines.append(Engine(model, Settings(**{"threads": 1, **settings})))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    """An engine with the default settings."""
    return make_engine()
