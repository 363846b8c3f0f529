"""Where the daemon listens: the default socket path, addresses as text, and who owns a socket.

The daemon calls this before it binds and every client before it connects, so that both mean the
same socket and neither trusts one that another user could have put there. Only the standard
library is used; nothing is created, bound or connected here, and `SQLSTRICT_ADDRESS` is read by
the callers, not here. Unix sockets alone: loopback TCP is later work and refused by name.
"""

import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

SOCKET_NAME = "sqlstrict.sock"

# sun_path has 108 bytes on Linux and 104 on macOS, the closing zero byte included.
MAX_PATH_BYTES = 103 if sys.platform == "darwin" else 107


class AddressProblem(StrEnum):
    """Why an address or a socket is not used."""

    MALFORMED = "malformed"
    UNSUPPORTED = "unsupported"
    TOO_LONG = "too long"
    MISSING = "missing"
    NOT_A_FOLDER = "not a folder"
    NOT_A_SOCKET = "not a socket"
    FOREIGN_OWNER = "foreign owner"
    NOT_PRIVATE = "not private"


class AddressError(ValueError):
    """An address that cannot be used, or a socket that must not be trusted."""

    def __init__(self, problem: AddressProblem, message: str) -> None:
        super().__init__(message)
        self.problem = problem


def default_socket_path(
    environ: Mapping[str, str] | None = None, platform: str | None = None
) -> Path:
    """Return the socket that daemon and clients use when no address is given.

    Raises `AddressError` where the platform has no rule yet or the path is too long for a socket.
    """
    environ = os.environ if environ is None else environ
    platform = sys.platform if platform is None else platform
    if platform == "win32":
        raise AddressError(
            AddressProblem.UNSUPPORTED,
            "sqlstrict speaks through Unix sockets, which Python on Windows lacks;"
            " Windows is not supported yet (WSL is)",
        )
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime):
        folder = Path(runtime) / "sqlstrict"
    elif platform == "darwin" and os.path.isabs(environ.get("HOME", "")):
        folder = Path(environ["HOME"]) / "Library" / "Caches" / "sqlstrict"
    else:
        folder = Path(tempfile.gettempdir()) / f"sqlstrict-{os.getuid()}"
    path = folder / SOCKET_NAME
    _check_length(path)
    return path


def default_address() -> str:
    """Return `default_socket_path()` as an address."""
    return format_address(default_socket_path())


def format_address(path: Path) -> str:
    """Return a socket's path as the text that `--address` takes."""
    return f"unix://{path}"


def parse_address(text: str) -> Path:
    """Return the socket's path of an address such as `unix:///run/user/1000/sqlstrict/sqlstrict.sock`.

    The path is taken as it stands: `%` and `#` mean themselves. Raises `AddressError` for anything
    else, saying what to write instead.
    """
    if text.startswith("unix:///"):
        if "\0" in text:
            raise AddressError(AddressProblem.MALFORMED, "an address holds no zero byte")
        path = Path(text.removeprefix("unix://"))
        _check_length(path)
        return path
    if text.startswith(("/", "./", "../", "~", "unix:")):
        bare = text.removeprefix("unix:").removeprefix("//")
        meant = os.path.abspath(os.path.expanduser(bare)) if bare else "/path/to/sqlstrict.sock"
        raise AddressError(
            AddressProblem.MALFORMED,
            f"{text!r} is not an address; write unix://{meant}",
        )
    if text.startswith(("unix-abstract:", "vsock:")):
        kind = text.split(":", 1)[0]
        why = (
            "has no owner that could be checked"
            if kind == "unix-abstract"
            else "leaves the machine"
        )
        raise AddressError(
            AddressProblem.UNSUPPORTED,
            f"a {kind} address {why}; write unix:///path/to/sqlstrict.sock",
        )
    if not text:
        raise AddressError(
            AddressProblem.MALFORMED, "the address is empty; write unix:///path/to/sqlstrict.sock"
        )
    raise AddressError(
        AddressProblem.UNSUPPORTED,
        f"{text!r} is not a Unix socket, and TCP is not supported yet;"
        " write unix:///path/to/sqlstrict.sock",
    )


def grpc_target(path: Path) -> str:
    """Return a socket's path as gRPC's channels and ports take it.

    gRPC reads its targets as URIs and decodes `%`, so a path with `%`, `#` or `?` must be encoded.
    """
    return "unix:" + quote(str(path))


def check_folder(folder: Path) -> None:
    """Raise `AddressError` unless the folder is real, ours and closed to others.

    The last step of the path is not followed when it is a link: a link in a shared temporary folder
    may be anybody's.
    """
    try:
        found = os.lstat(folder)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AddressError(AddressProblem.MISSING, f"{folder} does not exist") from error
    if not stat.S_ISDIR(found.st_mode):
        kind = "a link" if stat.S_ISLNK(found.st_mode) else "not a folder"
        raise AddressError(
            AddressProblem.NOT_A_FOLDER,
            f"{folder} is {kind}; the socket must lie in a folder of your own with mode 0700",
        )
    if found.st_uid != os.getuid():
        raise AddressError(
            AddressProblem.FOREIGN_OWNER,
            f"{folder} belongs to user {found.st_uid}, not to you (user {os.getuid()});"
            " use another --address",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        # A sticky folder is everybody's, as /tmp: that one must stay as it is.
        advice = "use" if mode & stat.S_ISVTX else "chmod 700 it, or use"
        raise AddressError(
            AddressProblem.NOT_PRIVATE,
            f"{folder} has mode {mode:04o}, so other users could reach or replace the socket;"
            f" {advice} an --address in a folder of your own",
        )


def check_socket(path: Path) -> None:
    """Raise `AddressError` unless the path is our own socket in a folder that is ours alone.

    `problem` is `MISSING` where the folder or the socket is not there: nothing listens.
    """
    check_folder(path.parent)
    try:
        found = os.lstat(path)
    except FileNotFoundError as error:
        raise AddressError(AddressProblem.MISSING, f"{path} does not exist") from error
    if not stat.S_ISSOCK(found.st_mode):
        raise AddressError(
            AddressProblem.NOT_A_SOCKET, f"{path} is not a socket; use another --address"
        )
    if found.st_uid != os.getuid():
        raise AddressError(
            AddressProblem.FOREIGN_OWNER,
            f"{path} belongs to user {found.st_uid}, not to you (user {os.getuid()});"
            " use another --address",
        )


def _check_length(path: Path) -> None:
    length = len(os.fsencode(path))
    if length > MAX_PATH_BYTES:
        raise AddressError(
            AddressProblem.TOO_LONG,
            f"the socket's path {path} has {length} bytes and a socket takes {MAX_PATH_BYTES};"
            " use an --address with a shorter path",
        )
