"""The address rule that daemon and clients share, and whom a socket must belong to."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest
from sqlstrict_proto import address
from sqlstrict_proto.address import AddressError, AddressProblem


def test_the_runtime_folder_comes_first() -> None:
    path = address.default_socket_path({"XDG_RUNTIME_DIR": "/run/user/7"}, "linux")
    assert path == Path("/run/user/7/sqlstrict/sqlstrict.sock")


def test_a_relative_runtime_folder_is_ignored() -> None:
    path = address.default_socket_path({"XDG_RUNTIME_DIR": "run"}, "linux")
    assert path.parent.name == f"sqlstrict-{os.getuid()}"


def test_macos_uses_the_caches_folder() -> None:
    path = address.default_socket_path({"HOME": "/Users/ada"}, "darwin")
    assert path == Path("/Users/ada/Library/Caches/sqlstrict/sqlstrict.sock")


def test_windows_is_refused_by_name() -> None:
    with pytest.raises(AddressError, match="Windows") as caught:
        address.default_socket_path({}, "win32")
    assert caught.value.problem is AddressProblem.UNSUPPORTED


def test_an_address_and_its_path_are_two_forms_of_one_thing() -> None:
    path = address.default_socket_path()
    assert address.parse_address(address.default_address()) == path
    assert address.parse_address("unix:///a b/50%#?é.sock") == Path("/a b/50%#?é.sock")


@pytest.mark.parametrize(
    ("text", "problem", "advice"),
    [
        ("/run/x.sock", AddressProblem.MALFORMED, "unix:///run/x.sock"),
        ("unix:/run/x.sock", AddressProblem.MALFORMED, "unix:///run/x.sock"),
        ("unix:", AddressProblem.MALFORMED, "unix:///path/to"),
        ("", AddressProblem.MALFORMED, "unix:///path/to"),
        ("localhost:5000", AddressProblem.UNSUPPORTED, "TCP is not supported yet"),
        ("tcp://127.0.0.1:5000", AddressProblem.UNSUPPORTED, "TCP is not supported yet"),
        ("dns:///example.org", AddressProblem.UNSUPPORTED, "unix:///path/to"),
        ("unix-abstract:name", AddressProblem.UNSUPPORTED, "no owner"),
        ("vsock:2:5000", AddressProblem.UNSUPPORTED, "leaves the machine"),
    ],
)
def test_other_addresses_are_refused_with_what_to_write(
    text: str, problem: AddressProblem, advice: str
) -> None:
    with pytest.raises(AddressError) as caught:
        address.parse_address(text)
    assert caught.value.problem is problem
    assert advice in str(caught.value)


def test_a_bare_relative_path_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AddressError, match=f"write unix://{tmp_path}/x.sock"):
        address.parse_address("./x.sock")


def test_the_length_limit_counts_bytes() -> None:
    fits = "/" + "x" * (address.MAX_PATH_BYTES - 1)
    assert address.parse_address(f"unix://{fits}") == Path(fits)
    with pytest.raises(AddressError) as caught:
        address.parse_address(f"unix://{fits[:-1]}é")
    assert caught.value.problem is AddressProblem.TOO_LONG
    with pytest.raises(AddressError, match="shorter"):
        address.default_socket_path({"XDG_RUNTIME_DIR": "/" + "y" * 200}, "linux")


def test_the_longest_path_can_be_bound(tmp_path: Path) -> None:
    folder = tmp_path
    name = "s" * (address.MAX_PATH_BYTES - len(os.fsencode(folder)) - 1)
    if len(name) < 1 or len(name) > 255:
        pytest.skip("the temporary folder's own path leaves no room for this test")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / name))
    with socket.socket(socket.AF_UNIX) as listener, pytest.raises(OSError):
        listener.bind(str(folder / (name + "s" * 2)))


@pytest.fixture
def listener(tmp_path: Path) -> Path:
    """A socket of our own in a folder of our own."""
    folder = tmp_path / "private"
    folder.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind(str(folder / "s"))
    return folder / "s"


def problem_of(path: Path) -> AddressProblem:
    with pytest.raises(AddressError) as caught:
        address.check_socket(path)
    return caught.value.problem


def test_our_own_socket_passes(listener: Path) -> None:
    address.check_socket(listener)


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701, 0o777, 0o1777])
def test_an_open_folder_is_refused(listener: Path, mode: int) -> None:
    listener.parent.chmod(mode)
    assert problem_of(listener) is AddressProblem.NOT_PRIVATE


def test_nobody_is_told_to_close_a_folder_of_all(listener: Path) -> None:
    listener.parent.chmod(0o755)
    with pytest.raises(AddressError, match="chmod 700 it, or use an --address"):
        address.check_socket(listener)
    listener.parent.chmod(0o1777)
    with pytest.raises(AddressError, match="socket; use an --address") as caught:
        address.check_socket(listener)
    assert "chmod" not in str(caught.value)


def test_missing_and_wrong_things_are_told_apart(listener: Path) -> None:
    folder = listener.parent
    assert problem_of(folder / "none") is AddressProblem.MISSING
    assert problem_of(folder / "none" / "s") is AddressProblem.MISSING
    (folder / "file").write_text("")
    assert problem_of(folder / "file") is AddressProblem.NOT_A_SOCKET
    assert problem_of(folder / "file" / "s") is AddressProblem.NOT_A_FOLDER
    (folder / "link").symlink_to(listener)
    assert problem_of(folder / "link") is AddressProblem.NOT_A_SOCKET


def test_a_linked_folder_is_refused(listener: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").symlink_to(listener.parent)
    assert problem_of(tmp_path / "elsewhere" / "s") is AddressProblem.NOT_A_FOLDER


@pytest.mark.skipif(os.getuid() != 0, reason="giving files away needs root")
@pytest.mark.parametrize("which", ["folder", "socket"])
def test_another_users_socket_is_refused(listener: Path, which: str) -> None:
    os.chown(listener.parent if which == "folder" else listener, 65534, 65534)
    assert problem_of(listener) is AddressProblem.FOREIGN_OWNER


def test_looking_changes_nothing(listener: Path) -> None:
    before = {path: stat.S_IMODE(path.lstat().st_mode) for path in [listener, listener.parent]}
    address.check_socket(listener)
    assert before == {path: stat.S_IMODE(path.lstat().st_mode) for path in before}
