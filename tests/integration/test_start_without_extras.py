"""The programs beside the client: what they need, and how they end before they have begun."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import sqlstrict_convert.__main__
import sqlstrictd.__main__
from sqlstrict.cli.programs import PROGRAMS


def test_client_and_program_look_for_the_same() -> None:
    assert set(PROGRAMS["serve"].needs) == set(sqlstrictd.__main__.NEEDS)
    assert set(PROGRAMS["convert"].needs) == set(sqlstrict_convert.__main__.NEEDS)
    assert PROGRAMS["serve"].exit_without == sqlstrictd.__main__.CANNOT_START


def test_ctrl_c_while_the_daemon_is_being_imported_shows_no_traceback(tmp_path: Path) -> None:
    # Python says on stderr what it has imported, as it does so.
    command = [sys.executable, "-X", "importtime", "-m", "sqlstrictd"]
    address = ["--address", f"unix://{tmp_path}/s", "--data-dir", str(tmp_path)]
    with subprocess.Popen([*command, *address], stderr=subprocess.PIPE, text=True) as starting:
        assert starting.stderr is not None
        while not (line := starting.stderr.readline()).endswith(" asyncio\n"):
            assert line, "it ended before it had imported asyncio"
        starting.send_signal(signal.SIGINT)
        rest = starting.stderr.read()
    # Where this test was held up, the daemon had begun and stopped as it does on Ctrl-C.
    assert starting.returncode in (-signal.SIGINT, 0)
    assert "Traceback" not in rest


def test_the_convert_package_loads_what_it_names_when_it_is_asked_for() -> None:
    code = (
        "import sys, sqlstrict_convert; assert 'numpy' not in sys.modules;"
        " sqlstrict_convert.ConvertError; sqlstrict_convert.convert; assert 'numpy' in sys.modules;"
        " assert callable(sqlstrict_convert.convert)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    assert all(getattr(sqlstrict_convert, name) for name in sqlstrict_convert.__all__)
