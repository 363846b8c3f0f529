"""How the client finds, trusts and waits for the daemon."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlstrict
from contract_replies import SQL
from sqlstrict import Answer, Client
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import Forever, StandInDaemon


def test_no_daemon_is_said_at_once(tmp_path: Path, connect: Any) -> None:
    with connect(f"unix://{tmp_path}/none.sock", timeout_s=1000) as lonely:
        tmp_path.chmod(0o700)
        with pytest.raises(sqlstrict.DaemonNotRunning, match="sqlstrict serve"):
            lonely.translate("q", schema="shop")
        assert lonely.is_ready() is False


def test_a_daemon_that_went_and_came_back(tmp_path: Path, connect: Any) -> None:
    path = tmp_path / "p" / "s.sock"
    daemon = StandInDaemon(path)
    daemon.reply("GetStatus", pb.GetStatusResponse(ready=True))
    with daemon, connect(daemon.address, timeout_s=1000) as client:
        assert client.is_ready()
        daemon.stop()
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        with pytest.raises(sqlstrict.DaemonNotRunning):
            client.status()
        path.unlink()
        daemon.start()
        assert client.is_ready()


def test_a_socket_in_an_open_folder_is_not_trusted(daemon: StandInDaemon, connect: Any) -> None:
    daemon.path.parent.chmod(0o755)
    with connect(daemon.address) as wary:
        for _ in range(2):
            with pytest.raises(sqlstrict.UntrustedSocket, match="mode 0755"):
                wary.translate("a secret", schema="shop")
        with pytest.raises(sqlstrict.UntrustedSocket):
            wary.wait_for_ready(timeout_s=1000)
    assert daemon.requests == []


def test_a_call_can_wait_for_the_daemon(tmp_path: Path, connect: Any) -> None:
    daemon = StandInDaemon(tmp_path / "p" / "s.sock")
    daemon.reply("Translate", SQL)
    started = threading.Timer(0.3, daemon.start)
    with connect(daemon.address, wait_for_ready=True) as patient:
        started.start()
        try:
            assert patient.translate("q", schema="shop").sql
        finally:
            started.join()
            daemon.stop()


def test_waiting_for_the_daemon_ends_at_the_deadline(tmp_path: Path, connect: Any) -> None:
    address = f"unix://{tmp_path}/p/s.sock"
    with connect(address, wait_for_ready=True) as patient:
        with pytest.raises(sqlstrict.DaemonNotRunning):
            patient.translate("q", schema="shop", timeout_s=0.2)
    with connect(address) as patient:
        with pytest.raises(sqlstrict.DeadlineExceeded, match="no daemon listens"):
            patient.wait_for_ready(timeout_s=0.2)


def test_waiting_until_ready(daemon: StandInDaemon, either: Any) -> None:
    not_yet = pb.GetStatusResponse()
    daemon.reply("GetStatus", not_yet, not_yet, pb.GetStatusResponse(ready=True))
    assert either.wait_for_ready().is_ready
    daemon.reply("GetStatus", not_yet)
    with pytest.raises(sqlstrict.DeadlineExceeded, match="no model ready"):
        either.wait_for_ready(timeout_s=1)


def test_a_last_look_that_is_cut_off_hides_nothing(daemon: StandInDaemon, either: Any) -> None:
    daemon.reply("GetStatus", pb.GetStatusResponse(), Forever())
    with pytest.raises(sqlstrict.DeadlineExceeded, match="no model ready"):
        either.wait_for_ready(timeout_s=1)


def test_threads_share_a_client(daemon: StandInDaemon, client: Client) -> None:
    daemon.reply("Translate", SQL)
    answers: list[Answer] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.translate("q", schema="shop")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8


def test_the_environment_names_the_daemon(
    daemon: StandInDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon.reply("GetStatus", pb.GetStatusResponse(ready=True))
    monkeypatch.setenv("SQLSTRICT_ADDRESS", daemon.address)
    with Client() as client:
        assert client.is_ready()
    monkeypatch.setenv("SQLSTRICT_ADDRESS", "localhost:1")
    with pytest.raises(sqlstrict.InvalidAddress, match="SQLSTRICT_ADDRESS: 'localhost:1'"):
        Client()
