"""Where the servers' programs are: on the PATH, where Debian puts them, or in our `.servers/`.

`install.py` puts them there; `postgres.py` and `mariadb.py` ask for them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from servers.engine import EngineMissing

UNPACKED = Path(__file__).resolve().parents[2] / ".servers"  # packages unpacked without root
ROOTS = (Path("/"), UNPACKED / "root")
POSTGRES_VERSION = 15  # the one that the dialect's facts are of
OLDEST_POSTGRES = 15


def find_postgres() -> Path:
    """Return the folder that holds `initdb` and `postgres`, of version 15 where there are several.

    Raises:
        EngineMissing: there is none.
    """
    folders = [
        folder
        for root in ROOTS
        for folder in root.glob("usr/lib/postgresql/*/bin")
        if _version(folder) >= OLDEST_POSTGRES
    ]
    folders.sort(key=lambda folder: abs(_version(folder) - POSTGRES_VERSION))
    found = _with(folders, "initdb", "postgres")
    if found is None:
        on_path = shutil.which("postgres")
        found = None if on_path is None else _with([Path(on_path).resolve().parent], "initdb")
    if found is None:
        raise EngineMissing("PostgreSQL is not installed: run `make servers`")
    return found


def find_mariadb() -> tuple[Path, Path]:
    """Return MariaDB's server program and the folder of its messages and system tables' SQL.

    Raises:
        EngineMissing: there is none.
    """
    for root in ROOTS:
        program = root / "usr/sbin/mariadbd"
        share = root / "usr/share/mysql"
        if program.exists() and (share / "mysql_system_tables.sql").exists():
            return program, share
    on_path = shutil.which("mariadbd")
    if on_path is not None:
        prefix = Path(on_path).resolve().parents[1]
        for share in (prefix / "share/mysql", prefix / "share/mariadb", prefix / "share"):
            if (share / "mysql_system_tables.sql").exists():
                return Path(on_path).resolve(), share
    raise EngineMissing("MariaDB is not installed: run `make servers`")


def library_path(program: str) -> str:
    """Return what LD_LIBRARY_PATH must be for a program; empty where the system knows."""
    if not Path(program).is_relative_to(UNPACKED):
        return ""
    folders = [path for path in (UNPACKED / "root/usr/lib").glob("*-linux-gnu*") if path.is_dir()]
    return ":".join(str(folder) for folder in folders)


def _with(folders: Iterable[Path], *programs: str) -> Path | None:
    for folder in folders:
        if all((folder / program).exists() for program in programs):
            return folder
    return None


def _version(folder: Path) -> int:
    number = re.match(r"\d+", folder.parent.name)
    return int(number[0]) if number else 0
