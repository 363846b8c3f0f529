"""One file's download: what is resumed, what is proved, when it is given up."""

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlstrict_convert.errors import HubError, OutputError
from sqlstrict_convert.source import download as module
from sqlstrict_convert.source.download import SUFFIX, Body, Content, Interrupted, download

BYTES = bytes(range(256)) * 40
CONTENT = Content("weights", len(BYTES), hashlib.sha256(BYTES).hexdigest())


@dataclass
class Origin:
    """Serves BYTES; `faults` has, for each request, what goes wrong with it."""

    faults: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)

    @contextmanager
    def open(self, start: int) -> Iterator[Body]:
        self.starts.append(start)
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "refuses":
            raise Interrupted("the hub answers 503", 0.0)
        if fault == "asks for an hour":
            raise Interrupted("the hub answers 429", 3600.0)
        begin = 0 if fault == "ignores the range" else start
        content = BYTES
        if fault == "spoils":
            content = bytes(byte ^ 1 for byte in BYTES)
        elif fault == "sends more":
            content = BYTES + b"more"
        yield Body(begin, self.chunks(content[begin:], fault))

    def chunks(self, content: bytes, fault: str) -> Iterator[bytes]:
        for at in range(0, len(content), 1000):
            if fault == "breaks" and at == 3000:
                raise Interrupted("the connection failed")
            if fault == "ends early" and at == 2000:
                return
            yield content[at : at + 1000]


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_S", 0.0)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "blobs" / CONTENT.digest


def fetch(origin: Origin, target: Path, content: Content = CONTENT) -> list[int]:
    heard: list[int] = []
    download(content, target, origin.open, heard.append, lambda note: None)
    return heard


def partial_of(target: Path) -> Path:
    return target.with_name(CONTENT.digest + SUFFIX)


def test_a_file_arrives(target: Path) -> None:
    heard = fetch(Origin(), target)
    assert target.read_bytes() == BYTES
    assert heard[-1] == len(BYTES) and heard == sorted(heard)
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_small_file_is_proved_as_git_names_it(tmp_path: Path) -> None:
    sha1 = hashlib.sha1(b"blob %d\0" % len(BYTES) + BYTES).hexdigest()
    fetch(Origin(), tmp_path / sha1, Content("small", len(BYTES), sha1))
    assert (tmp_path / sha1).read_bytes() == BYTES


def test_an_empty_file(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"").hexdigest()
    origin = Origin()
    fetch(origin, tmp_path / digest, Content("empty", 0, digest))
    assert (tmp_path / digest).read_bytes() == b"" and origin.starts == []


@pytest.mark.parametrize("fault", ["breaks", "ends early"])
def test_a_broken_connection_goes_on_where_it_broke(target: Path, fault: str) -> None:
    origin = Origin([fault, "refuses", fault])
    fetch(origin, target)
    assert target.read_bytes() == BYTES
    step = 3000 if fault == "breaks" else 2000
    assert origin.starts == [0, step, step, 2 * step]


def test_what_an_earlier_run_left_is_kept(target: Path) -> None:
    target.parent.mkdir()
    partial_of(target).write_bytes(BYTES[:7000])
    origin = Origin()
    fetch(origin, target)
    assert target.read_bytes() == BYTES and origin.starts == [7000]


def test_a_whole_part_needs_no_request(target: Path) -> None:
    target.parent.mkdir()
    partial_of(target).write_bytes(BYTES)
    origin = Origin()
    fetch(origin, target)
    assert target.read_bytes() == BYTES and origin.starts == []


@pytest.mark.parametrize("left", [b"x" * 5000, b"x" * len(BYTES), b"x" * (len(BYTES) + 1)])
def test_a_part_that_is_damaged_is_fetched_again(target: Path, left: bytes) -> None:
    target.parent.mkdir()
    partial_of(target).write_bytes(left)
    fetch(Origin(), target)
    assert target.read_bytes() == BYTES


@pytest.mark.parametrize("fault", ["spoils", "sends more", "ignores the range"])
def test_a_wrong_answer_does_not_count(target: Path, fault: str) -> None:
    target.parent.mkdir()
    partial_of(target).write_bytes(BYTES[:500])
    fetch(Origin([fault]), target)
    assert target.read_bytes() == BYTES


def test_what_is_always_something_else_is_refused(target: Path) -> None:
    with pytest.raises(HubError, match="twice with other content"):
        fetch(Origin(["spoils"] * 9), target)
    assert not target.exists()
    assert partial_of(target).stat().st_size == 0  # so that the next run begins anew


def test_a_hub_that_never_gives_a_byte_is_given_up(target: Path) -> None:
    target.parent.mkdir()
    partial_of(target).write_bytes(BYTES[:5000])
    origin = Origin(["refuses"] * 99)
    with pytest.raises(HubError, match="answers 503.*goes on from there"):
        fetch(origin, target)
    assert len(origin.starts) == module.TRIES
    assert partial_of(target).read_bytes() == BYTES[:5000]


def test_a_hub_that_always_sends_too_much_is_given_up(target: Path) -> None:
    with pytest.raises(HubError, match="more bytes came"):
        fetch(Origin(["sends more"] * 99), target)
    assert not target.exists()


def test_a_wait_that_is_too_long_is_not_waited(target: Path) -> None:
    with pytest.raises(HubError, match="asks to wait 3600 s"):
        fetch(Origin(["asks for an hour"]), target)


def test_two_at_once_fetch_it_once(target: Path) -> None:
    origin, is_waiting = Origin(), threading.Event()
    second = threading.Thread(
        target=lambda: download(
            CONTENT, target, origin.open, lambda n: None, lambda note: is_waiting.set()
        )
    )

    def start_second(here: int) -> None:
        if not second.ident:
            second.start()
            assert is_waiting.wait(60)  # it stands at the lock

    download(CONTENT, target, origin.open, start_second, lambda note: None)
    second.join(60)
    assert target.read_bytes() == BYTES and origin.starts == [0]
    assert [path.name for path in target.parent.iterdir()] == [target.name]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(OutputError, match="cannot keep weights"):
        fetch(Origin(), tmp_path / "blobs" / CONTENT.digest)


def test_a_link_in_the_part_s_place_is_not_followed(target: Path, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    target.parent.mkdir()
    partial_of(target).symlink_to(victim)
    with pytest.raises(OutputError):
        fetch(Origin(), target)
    assert victim.read_text() == "kept"
