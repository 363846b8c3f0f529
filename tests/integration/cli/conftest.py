"""A stand-in daemon that the command finds by its environment, and a database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from stand_in_daemon import StandInDaemon


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInDaemon]:
    with StandInDaemon(tmp_path / "private" / "s.sock") as running:
        monkeypatch.setenv("SQLSTRICT_ADDRESS", running.address)
        yield running


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT);"
        "INSERT INTO orders VALUES (1, 'open'), (2, 'done');"
        "CREATE VIEW open AS SELECT id FROM orders; CREATE VIRTUAL TABLE found USING fts5 (x);"
    )
    connection.close()
    return path
