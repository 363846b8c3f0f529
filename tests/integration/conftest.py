"""Fixtures of the tests that run engines: in this process, beside it, and stand-ins by file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engine_child import Child, MakeChild
from engine_requests import MakeEngine
from engines_by_file import install
from sqlstrict_convert.models.folder import models_folder
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.settings import Settings


@pytest.fixture
def make_engine(tiny_gguf: Path) -> Iterator[MakeEngine]:
    """Makes engines on one thread, of any model and settings; they are closed after the test."""
    engines = []

    def make(model: Path = tiny_gguf, head_rows: int | None = None, **settings: Any) -> Engine:
        engines.append(Engine(model, Settings(**{"threads": 1, **settings}), head_rows=head_rows))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def engine(make_engine: MakeEngine) -> Engine:
    """An engine with the default settings."""
    return make_engine()


@pytest.fixture
def make_child(tiny_gguf: Path) -> Iterator[MakeChild]:
    """Starts engine children; they are killed after the test."""
    children = []

    def make(model: Path = tiny_gguf, *flags: str) -> Child:
        children.append(Child(model, *flags))
        return children[-1]

    yield make
    for child in children:
        child.process.kill()
        child.process.communicate()
        child._stream.close()
        child.socket.close()


@pytest.fixture
def house(tmp_path: Path, tiny_gguf: Path) -> Path:
    """A folder with the models "old" (chosen), "new" and "third"."""
    for name in ("old", "new", "third"):
        install(tmp_path, tiny_gguf, name)
    models_folder(tmp_path / "data").choose("old")
    return tmp_path
