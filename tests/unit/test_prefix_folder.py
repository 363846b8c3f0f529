"""Files of schemas' states: what comes back is what was written, or nothing."""

from __future__ import annotations

import os
import random
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sqlstrictd.engine.prefix_file import Refused
from sqlstrictd.engine.prefix_folder import PrefixFolder
from sqlstrictd.engine.sequence_state import State

IDENTITY = b"i" * 32
TOKENS = tuple(range(7, 57))


def state_of(tokens: tuple[int, ...], n_bytes: int = 1000) -> State:
    """Bytes that these tokens alone have."""
    return np.random.default_rng(tokens).integers(0, 256, n_bytes, dtype=np.uint8)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "prefixes"


@pytest.fixture
def folder(path: Path) -> PrefixFolder:
    return PrefixFolder(path, IDENTITY, max_bytes=2**20)


def files(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.iterdir())


def is_kept(folder: PrefixFolder, tokens: tuple[int, ...] = TOKENS, n_bytes: int = 1000) -> bool:
    """Whether the state of these tokens is there; fails where it is another."""
    state = folder.read(tokens)
    assert state is None or (state == state_of(tokens, n_bytes)).all()
    return state is not None


def test_what_is_read_is_what_was_written_and_ours_alone(folder: PrefixFolder, path: Path) -> None:
    assert not is_kept(folder)
    assert folder.write(TOKENS, state_of(TOKENS)) == []
    assert is_kept(folder)
    assert not is_kept(folder, TOKENS[:-1])
    assert not is_kept(folder, (*TOKENS, 1))
    assert files(path) == [folder.name_of(TOKENS)]
    assert path.stat().st_mode & 0o777 == 0o700
    assert (path / folder.name_of(TOKENS)).stat().st_mode & 0o777 == 0o600
    assert not is_kept(PrefixFolder(path, b"j" * 32, 2**20))
    folder.delete(TOKENS)
    assert files(path) == []
    folder.delete(TOKENS)


def test_damage_anywhere_is_noticed_and_the_file_deleted(folder: PrefixFolder, path: Path) -> None:
    folder.write(TOKENS, state_of(TOKENS))
    file = path / folder.name_of(TOKENS)
    whole = file.read_bytes()
    dice = random.Random(5)
    flips = [*range(100), *(dice.randrange(len(whole)) for _ in range(300))]
    flips += range(len(whole) - 40, len(whole))
    cuts = [0, 1, 7, 8, 55, 56, 57, 256, 257, len(whole) - 33, len(whole) - 32, len(whole) - 1]
    damaged = [whole[:n] for n in (*cuts, *(dice.randrange(len(whole)) for _ in range(50)))]
    for place in flips:
        damaged.append(bytearray(whole))
        damaged[-1][place] ^= 1 << dice.randrange(8)
    damaged += [whole + b"\0", whole * 2, os.urandom(len(whole)), b"\xff" * len(whole)]
    for data in damaged:
        file.write_bytes(data)
        file.chmod(0o600)
        with pytest.raises(Refused):
            folder.read(TOKENS)
        assert files(path) == []
    assert len(damaged) > 500
    folder.write(TOKENS, state_of(TOKENS))
    assert is_kept(folder)


def test_a_file_under_anothers_name_is_refused(folder: PrefixFolder, path: Path) -> None:
    """The tokens decide, and the identity, not the hash that is the file's name."""
    file = path / folder.name_of(TOKENS)
    for others, tokens in (
        (PrefixFolder(path, b"j" * 32, 2**20), TOKENS),
        (folder, (*TOKENS[:-1], 1)),
        (folder, TOKENS[:-1]),
        (folder, (*TOKENS, 1)),
    ):
        others.write(tokens, state_of(TOKENS))
        (path / others.name_of(tokens)).rename(file)
        with pytest.raises(Refused):
            folder.read(TOKENS)
        assert not file.exists()


def make_link(file: Path, whole: Path) -> None:
    file.symlink_to(whole)


def make_second_name(file: Path, whole: Path) -> None:
    os.link(whole, file)


def make_fifo(file: Path, whole: Path) -> None:
    os.mkfifo(file, 0o600)


def make_socket(file: Path, whole: Path) -> None:
    here = Path.cwd()
    os.chdir(file.parent)  # A socket's path may not be long.
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(file.name)
    finally:
        os.chdir(here)


def make_readable_by_all(file: Path, whole: Path) -> None:
    file.write_bytes(whole.read_bytes())
    file.chmod(0o644)


@pytest.mark.parametrize(
    "make", [make_link, make_second_name, make_fifo, make_socket, make_readable_by_all]
)
def test_only_plain_files_of_ours_are_read(
    folder: PrefixFolder, path: Path, tmp_path: Path, make: Callable[[Path, Path], None]
) -> None:
    folder.write(TOKENS, state_of(TOKENS))
    file, whole = path / folder.name_of(TOKENS), tmp_path / "whole"
    file.rename(whole)
    make(file, whole)
    with pytest.raises(Refused):
        folder.read(TOKENS)
    assert files(path) == []
    assert whole.stat().st_size > 1000
    make(file, whole)
    folder.write(TOKENS, state_of(TOKENS))
    assert is_kept(folder)
    assert not file.is_symlink()


def test_a_folder_in_the_place_of_a_file_is_left_alone(folder: PrefixFolder, path: Path) -> None:
    (path / folder.name_of(TOKENS)).mkdir(parents=True)
    path.chmod(0o700)
    with pytest.raises(Refused):
        folder.read(TOKENS)
    with pytest.raises(OSError):
        folder.write(TOKENS, state_of(TOKENS))
    assert files(path) == [folder.name_of(TOKENS)]


def test_a_folder_that_is_not_ours_alone_is_not_used(
    folder: PrefixFolder, path: Path, tmp_path: Path
) -> None:
    path.parent.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o700)

    def is_refused() -> bool:
        for use in (lambda: folder.write(TOKENS, state_of(TOKENS)), lambda: folder.read(TOKENS)):
            with pytest.raises(OSError):
                use()
        return not files(elsewhere)

    path.symlink_to(elsewhere)
    assert is_refused()
    path.unlink()
    path.write_text("a file")
    assert is_refused()
    path.unlink()
    path.mkdir(mode=0o700)
    path.chmod(0o755)
    assert is_refused()
    path.chmod(0o700)
    folder.write(TOKENS, state_of(TOKENS))
    assert is_kept(folder)


def test_a_folder_that_is_deleted_is_made_again(folder: PrefixFolder, path: Path) -> None:
    folder.write(TOKENS, state_of(TOKENS))
    (path / folder.name_of(TOKENS)).unlink()
    path.rmdir()
    assert not is_kept(folder)
    folder.write(TOKENS, state_of(TOKENS))
    assert is_kept(folder)


def test_the_least_recently_used_make_way_for_a_new_one(path: Path) -> None:
    """Times are set by hand, since a file system's clock may be coarse."""
    folder = PrefixFolder(path, IDENTITY, max_bytes=6000)
    keys = [(number, 1, 2) for number in range(6)]
    for age, key in enumerate(keys[:5]):
        assert folder.write(key, state_of(key)) == []
        os.utime(path / folder.name_of(key), (1000 + age, 1000 + age))
    folder.note_use(keys[0])
    assert is_kept(folder, keys[1])  # Reading is a use too.
    assert folder.write(keys[5], state_of(keys[5])) == [folder.name_of(keys[2])]
    assert [is_kept(folder, key) for key in keys] == [True, True, False, True, True, True]
    # Writing one again replaces it, and takes no room of others'.
    assert folder.write(keys[5], state_of(keys[5])) == []
    assert folder.write(keys[2], state_of(keys[2], 3000)) != []
    assert sum(file.stat().st_size for file in path.iterdir()) <= 6000
    assert is_kept(folder, keys[2], 3000)
    # One that is larger than all may be takes the place of none.
    before = files(path)
    assert folder.write(keys[3], state_of(keys[3], 6000)) == [folder.name_of(keys[3])]
    assert files(path) == before


def test_there_are_never_more_files_than_may_be(path: Path) -> None:
    folder = PrefixFolder(path, IDENTITY, max_bytes=2**20, max_files=5)
    for number in range(20):
        folder.write((number,), state_of((number,)))
        assert len(files(path)) <= 5
    assert is_kept(folder, (19,))


def test_a_temporary_file_goes_when_its_writer_is_gone(folder: PrefixFolder, path: Path) -> None:
    folder.write(TOKENS, state_of(TOKENS))
    abandoned, link, busy = (path / f"{name}.tmp" for name in ("abandoned", "link", "busy"))
    abandoned.write_bytes(b"half of")
    link.symlink_to(abandoned)
    script = (
        "import fcntl, os, sys; fd = os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY, 0o600);"
        "fcntl.flock(fd, fcntl.LOCK_EX); print('locked', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(busy)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"locked\n"
        folder.write((1,), state_of((1,)))
        assert not abandoned.exists() and not link.is_symlink() and busy.exists()
        writer.kill()
    folder.write((2,), state_of((2,)))
    assert not busy.exists()


@pytest.mark.parametrize("limit", [0, 40, 300, 1200])
def test_a_disk_that_is_full_leaves_nothing_behind(
    folder: PrefixFolder, path: Path, limit: int
) -> None:
    folder.write(TOKENS, state_of(TOKENS))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OSError):
            folder.write((1,), state_of((1,), 2000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert files(path) == [folder.name_of(TOKENS)]
    assert is_kept(folder)


WRITER = """
import sys, numpy as np
from pathlib import Path
from sqlstrictd.engine.prefix_folder import PrefixFolder
from sqlstrictd.engine.prefix_file import Refused
folder = PrefixFolder(Path(sys.argv[1]), b"i" * 32, int(sys.argv[2]))
dice = np.random.default_rng(int(sys.argv[3]))
keys = [(number, 9) for number in range(8)]
states = [np.random.default_rng(key).integers(0, 256, 300_000, dtype=np.uint8) for key in keys]
for turn in range(int(sys.argv[4])):
    number = int(dice.integers(8))
    found = folder.read(keys[number])
    assert found is None or (found == states[number]).all()
    try:
        folder.write(keys[number], states[number])
    except (BlockingIOError, FileNotFoundError):
        pass  # The other one was faster than our lock.
    print(turn, flush=True)
"""


@contextmanager
def running_writer(
    path: Path, max_bytes: int, seed: int, turns: int
) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", WRITER, str(path), str(max_bytes), str(seed), str(turns)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        try:
            yield writer
        finally:
            writer.kill()


def test_two_processes_may_share_a_folder_that_is_too_small_for_both(path: Path) -> None:
    """Whatever one deletes or replaces under the other, each gets whole states or none."""
    with (
        running_writer(path, 1_300_000, seed=1, turns=150) as one,
        running_writer(path, 1_300_000, seed=2, turns=150) as other,
    ):
        for writer in (one, other):
            assert writer.communicate(timeout=240)[0].split()[-1] == b"149"
    PrefixFolder(path, IDENTITY, 1_300_000).write((1,), state_of((1,)))
    assert sum(file.stat().st_size for file in path.iterdir()) <= 1_300_000
    assert not any(name.endswith(".tmp") for name in files(path))


def test_a_writer_that_is_killed_leaves_whole_files_or_none(path: Path) -> None:
    folder = PrefixFolder(path, IDENTITY, 2**24)
    dice = random.Random(3)
    for round_ in range(15):
        with running_writer(path, 2**24, round_, turns=100_000) as writer:
            assert writer.stdout is not None
            for _ in range(dice.randrange(1, 12)):
                assert writer.stdout.readline()
        for number in range(8):
            is_kept(folder, (number, 9), 300_000)  # Refused would be raised.
        folder.write(TOKENS, state_of(TOKENS))
        assert not any(name.endswith(".tmp") for name in files(path))
