from __future__ import annotations

import multiprocessing
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from threading import BrokenBarrierError

import pytest
from sqlstrictd.claim import Claim
from sqlstrictd.errors import CannotStart


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "sqlstrict.sock"


def bind(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen()
    return sock


def test_a_claim_makes_a_private_folder_and_leaves_nothing_behind(path: Path) -> None:
    claim = Claim.take(path)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert not claim.is_in_place
    with bind(claim.bind_path):
        claim.publish()
        assert claim.is_in_place
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        claim.release()
    assert list(path.parent.iterdir()) == []


def test_a_second_claim_is_told_who_holds_the_first(path: Path) -> None:
    claim = Claim.take(path)
    with bind(claim.bind_path):
        claim.publish()
        with pytest.raises(CannotStart, match=rf"already running \(pid {os.getpid()}\)"):
            Claim.take(path)
        assert claim.is_in_place
        claim.release()


def test_a_stale_socket_is_replaced(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    bind(path).close()
    claim = Claim.take(path)
    assert claim.was_stale
    with bind(claim.bind_path):
        claim.publish()
        assert claim.is_in_place
        claim.release()
    assert not path.exists()


def test_a_lock_file_of_a_process_that_is_gone_holds_nobody_up(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    path.with_name("sqlstrict.sock.lock").write_text("1\n")
    Claim.take(path).release()


def test_a_lock_file_that_is_a_link_is_not_followed(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    precious = tmp_path / "precious"
    precious.write_text("content")
    path.with_name("sqlstrict.sock.lock").symlink_to(precious)
    with pytest.raises(CannotStart):
        Claim.take(path)
    assert precious.read_text() == "content"


@pytest.mark.parametrize("kind", ["directory", "file", "link", "fifo"])
def test_what_is_no_socket_is_kept(path: Path, kind: str) -> None:
    path.parent.mkdir(mode=0o700)
    if kind == "directory":
        path.mkdir()
    elif kind == "file":
        path.write_text("precious")
    elif kind == "link":
        path.symlink_to("elsewhere")
    else:
        os.mkfifo(path)
    before = path.lstat()
    words = {"directory": "a directory", "file": "a file", "link": "a link", "fifo": "not a socket"}
    with pytest.raises(CannotStart, match=words[kind]):
        Claim.take(path)
    assert (path.lstat().st_ino, path.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_folder_that_others_can_enter_is_refused(path: Path, mode: int) -> None:
    path.parent.mkdir()
    path.parent.chmod(mode)
    with pytest.raises(CannotStart, match="chmod 700"):
        Claim.take(path)
    assert list(path.parent.iterdir()) == []


def test_a_folder_that_is_a_link_is_refused(path: Path, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir(mode=0o700)
    path.parent.symlink_to(real)
    with pytest.raises(CannotStart, match="a link"):
        Claim.take(path)


def test_a_socket_that_is_not_ours_any_more_is_not_removed(path: Path) -> None:
    claim = Claim.take(path)
    with bind(claim.bind_path):
        claim.publish()
        path.unlink()
        assert not claim.is_in_place
        with bind(path):
            claim.release()
            assert path.exists()


def _race(path: Path, start: object, results: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    try:
        Claim.take(path)
    except CannotStart:
        results.put("refused")  # type: ignore[attr-defined]
    else:
        results.put("taken")  # type: ignore[attr-defined]
        with suppress(BrokenBarrierError):
            start.wait()  # type: ignore[attr-defined]  # Held until all have tried.


def test_of_many_at_once_exactly_one_wins(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_race, args=(path, start, results)) for _ in range(2)]
    for process in processes:
        process.start()
    outcomes = sorted(results.get(timeout=60) for _ in processes)
    assert outcomes == ["refused", "taken"]
    start.abort()
    for process in processes:
        process.join()
