"""Ctrl-C, readers that go away, full disks and closed standard streams."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys

import pytest
from command_line import COUNT, sql
from stand_in_daemon import Forever, StandInDaemon


def test_ctrl_c_while_the_daemon_works(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", Forever())
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--schema", "shop"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as asking:
        assert daemon.waiting.wait(30)
        asking.send_signal(signal.SIGINT)
        assert asking.communicate(timeout=30) == ("", "")
    assert asking.returncode == 130
    assert daemon.cancelled.wait(10)


def test_a_reader_that_goes_away(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql(COUNT, *["SELECT 1;" + " " * 1000] * 100))
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--schema", "shop"]
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(command, stdout=writing, stderr=-1, text=True) as asking:
        os.close(writing)
        assert asking.communicate(timeout=30)[1] == ""
    assert asking.returncode == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a disk that is always full")
def test_a_full_disk_is_said_so(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql())
    command = [sys.executable, "-m", "sqlstrict", "ask", "q", "--schema", "shop"]
    with open("/dev/full", "w") as full:
        done = subprocess.run(command, stdout=full, stderr=-1, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr == "sqlstrict: the result cannot be written: No space left on device\n"


def test_closed_standard_streams(daemon: StandInDaemon) -> None:
    daemon.reply("Translate", sql())
    command = f"{shlex.quote(sys.executable)} -m sqlstrict ask q --schema shop"
    for closed in (">&-", "<&- >&-", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f"{command} {closed}"], capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    answered = subprocess.run(["sh", "-c", f"{command} 2>&-"], capture_output=True, timeout=60)
    assert answered.stdout == COUNT.encode() + b"\n"
    refused = subprocess.run(
        ["sh", "-c", f"{command} --address bad 2>&-"], capture_output=True, timeout=60
    )
    assert (refused.returncode, refused.stdout) == (2, b"")
