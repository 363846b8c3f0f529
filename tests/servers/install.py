"""Gets PostgreSQL 15 and MariaDB from Debian's packages where they are not installed.

    python tests/servers/install.py [--unpack]

As root with apt-get: installed, without starting a service. Else, or with --unpack: downloaded and
unpacked into `.servers/`, which changes nothing of the system. Where neither works it says so and
still returns 0: the tests that need a server are skipped then, each with its reason.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the package `servers`

from servers.engine import EngineMissing
from servers.programs import UNPACKED, find_mariadb, find_postgres

PACKAGES = {"postgresql-15": find_postgres, "mariadb-server-core": find_mariadb}
POLICY = Path("/usr/sbin/policy-rc.d")  # packages ask it whether they may start their service
NO_SERVICES = "#!/bin/sh\nexit 101\n"
QUIET = ("-q", "-y", "--no-install-recommends")
# A machine without a way to Debian's mirrors is to find that out soon.
NO_WAITING = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20")
PATIENCE_S = 600.0  # for one run of apt-get


def main() -> int:
    """Install what is missing, and say what happens; never fail."""
    missing = [name for name in PACKAGES if not _is_there(name)]
    if not missing:
        print("== PostgreSQL and MariaDB are there.")
        return 0
    if shutil.which("apt-get") is None:
        print(f"== No apt-get: tests that need {', '.join(missing)} will be skipped.")
        return 0
    if os.geteuid() == 0 and "--unpack" not in sys.argv[1:]:
        print(f"== Installing {', '.join(missing)} from Debian's packages.", flush=True)
        install = _install
    else:
        print(f"== Unpacking {', '.join(missing)} into {UNPACKED.name}/.", flush=True)
        install = _unpack
    try:
        install(missing)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"== Not to be had: {error}")
    for name in missing:
        print(f"== {name}: {'there' if _is_there(name) else 'missing, its tests will be skipped'}.")
    return 0


def _is_there(package: str) -> bool:
    try:
        PACKAGES[package]()
    except EngineMissing:
        return False
    return True


def _install(packages: list[str]) -> None:
    """Install packages into the system; their services do not start."""
    with _no_services():
        try:
            _apt_get("install", *QUIET, *packages)
        except subprocess.CalledProcessError:  # no package lists yet, or old ones
            _apt_get("update", "-q")
            _apt_get("install", *QUIET, *packages)


def _unpack(packages: list[str]) -> None:
    """Unpack packages, and what they need that is not installed, below `.servers/`."""
    lists, archives = UNPACKED / "lists", UNPACKED / "cache/archives"
    for folder in (lists / "partial", archives / "partial", UNPACKED / "root"):
        folder.mkdir(parents=True, exist_ok=True)
    # Folders of our own, so that neither root nor the system's package lists are needed.
    own = (
        *("-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={UNPACKED / 'cache'}"),
        *("-o", "Debug::NoLocking=true", "-o", "APT::Sandbox::User="),
    )
    try:
        _apt_get("update", "-q", *own)
        _apt_get("install", *QUIET, "--download-only", *own, *packages)
        for package in sorted(archives.glob("*.deb")):
            subprocess.run(["dpkg", "-x", package, UNPACKED / "root"], check=True)
    finally:
        shutil.rmtree(UNPACKED / "cache")
        shutil.rmtree(lists)


def _apt_get(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    command = ["apt-get", *NO_WAITING, *arguments]
    subprocess.run(command, check=True, env=environment, timeout=PATIENCE_S)


@contextlib.contextmanager
def _no_services() -> Iterator[None]:
    """Forbid packages to start their services, where the system has no rule of its own."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text(NO_SERVICES)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


if __name__ == "__main__":
    sys.exit(main())
