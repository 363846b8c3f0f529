"""Hints of changes in a folder, and what is said where there are none."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from sqlstrictd.model.folder_watch import FolderWatch
from watchdog.observers import Observer


async def hint(event: asyncio.Event) -> None:
    async with asyncio.timeout(60):
        await event.wait()
    event.clear()


async def test_what_happens_in_the_folder_is_hinted_at(tmp_path: Path) -> None:
    event = asyncio.Event()
    watch = FolderWatch(event.set)
    assert watch.words.startswith("polling")
    watch.watch(tmp_path)
    assert watch.words == "events and polling"
    (tmp_path / "a").write_text("a")
    await hint(event)
    os.replace(tmp_path / "a", tmp_path / "b")
    await hint(event)
    (tmp_path / "b").unlink()
    await hint(event)
    await watch.close()


async def test_a_folder_made_again_is_watched_again(tmp_path: Path) -> None:
    folder, event = tmp_path / "models", asyncio.Event()
    watch = FolderWatch(event.set)
    watch.watch(folder)
    assert "No such file" in watch.words
    folder.mkdir()
    watch.watch(folder)
    folder.rename(tmp_path / "old")
    folder.mkdir()
    watch.watch(folder)
    event.clear()
    (folder / "a").write_text("a")
    await hint(event)
    await watch.close()


async def test_the_event_loop_goes_on_while_a_watching_thread_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_on, waited = threading.Event(), []
    stop = Observer.stop

    def slow(self: object) -> None:
        waited.append(went_on.wait(60))
        stop(self)

    monkeypatch.setattr(Observer, "stop", slow)
    watch = FolderWatch(lambda: None)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        watch.watch(tmp_path / name)
    n_threads = threading.active_count()
    watch.stop()
    asyncio.get_running_loop().call_soon(went_on.set)
    await watch.close()
    assert waited == [True, True]
    assert threading.active_count() <= n_threads


async def test_without_events_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(self: object) -> None:
        raise OSError(24, "inotify instance limit reached")

    monkeypatch.setattr(Observer, "start", exhausted)
    watch = FolderWatch(lambda: None)
    watch.watch(tmp_path)
    assert watch.words.startswith("polling") and "inotify instance limit" in watch.words
    await watch.close()
