"""Pulls that are killed: nothing half made is ever listed, and the next pull ends well.

bench/pull_kills.py does the same at random moments, as often as it is asked to.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import FakeHub
from hub_house import HubHouse
from random_checkpoint import write_checkpoint
from sqlstrict_convert.source.download import SUFFIX

MODEL = "me/model"
HELD_AT = 400_000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with FakeHub() as hub:
        yield HubHouse(hub, tmp_path / "home")


def start(house: HubHouse) -> subprocess.Popen[str]:
    return subprocess.Popen(
        house.command("pull", MODEL, "--json"),
        env=house.environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def wait_for_bytes(folder: Path, n_bytes: int) -> None:
    """Return when the only download that is under way has as many bytes on the disk."""
    end_s = time.monotonic() + 120
    while [path.stat().st_size for path in folder.rglob(f"*{SUFFIX}")] != [n_bytes]:
        assert time.monotonic() < end_s, "the bytes did not arrive"
        time.sleep(0.01)


def test_a_download_goes_on_where_it_was_killed(
    house: HubHouse, tiny_gguf: Path, tmp_path: Path
) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "tiny.gguf").write_bytes(tiny_gguf.read_bytes())
    house.hub.add(MODEL, tmp_path / "repository")
    for killed in (1, 2):
        house.hub.hold("tiny.gguf?signed", HELD_AT)
        process = start(house)
        assert house.hub.is_held.wait(120)
        wait_for_bytes(house.folder, killed * HELD_AT)
        kill(process)
        house.hub.release()
        assert house.names() == [] and house.models.chosen() is None

    assert house.done("pull", MODEL)["is_chosen"]
    assert house.models.file_of("tiny").read_bytes() == tiny_gguf.read_bytes()
    ranges = [request.range for request in house.hub.requests if "signed" in request.path]
    assert ranges == [None, f"bytes={HELD_AT}-", f"bytes={2 * HELD_AT}-"]
    assert not list(house.folder.rglob(f"*{SUFFIX}"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_download_that_is_stopped_says_so(
    house: HubHouse, tiny_gguf: Path, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "tiny.gguf").write_bytes(tiny_gguf.read_bytes())
    house.hub.add(MODEL, tmp_path / "repository")
    house.hub.hold("tiny.gguf?signed", HELD_AT)
    process = start(house)
    assert house.hub.is_held.wait(120)
    wait_for_bytes(house.folder, HELD_AT)
    process.send_signal(number)
    output, _ = process.communicate()
    house.hub.release()
    assert process.returncode == 130
    last = json.loads(output.splitlines()[-1])
    assert last["kind"] == "Interrupted" and "goes on with the download" in last["message"]
    assert house.names() == []


@pytest.mark.parametrize("step", ["write", "quantize", "check"])
def test_a_conversion_that_was_killed_leaves_nothing(
    house: HubHouse, tokenizer_json: str, tmp_path: Path, step: str
) -> None:
    house.hub.add(MODEL, write_checkpoint(tmp_path / "plain", "untied", tokenizer_json))
    process = start(house)
    assert process.stdout is not None
    for line in process.stdout:
        if json.loads(line).get("step") == step:
            break
    else:
        pytest.fail(f"the step {step} did not come")
    kill(process)
    assert house.names() == [] and house.models.chosen() is None

    sent = house.hub.bytes_sent
    done = house.done("pull", MODEL)
    assert house.hub.bytes_sent == sent  # all of it was in the cache
    assert house.names() == [done["name"]] == ["model-Q4_K_M"]
    kept = sorted(path.name for path in house.models.path.iterdir())
    assert kept == ["chosen", "model-Q4_K_M.gguf"]
    assert house.done("verify", done["name"])["has_hashes"]


def test_an_old_model_stays_while_its_successor_is_killed(
    house: HubHouse, tokenizer_json: str, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "plain", "untied", tokenizer_json)
    first = house.hub.add(MODEL, folder)
    house.done("pull", MODEL)
    before = house.models.file_of("model-Q4_K_M").read_bytes()
    (folder / "NEWS.md").write_text("a second commit")
    second = house.hub.add(MODEL, folder)
    assert first != second
    process = start(house)
    assert process.stdout is not None
    assert any(json.loads(line).get("step") == "compare" for line in process.stdout)
    kill(process)
    assert house.models.file_of("model-Q4_K_M").read_bytes() == before
    assert house.done("verify", "model-Q4_K_M")["report"]["revision"] == first
    assert house.done("pull", MODEL)["revision"] == second
    assert house.done("verify", "model-Q4_K_M")["report"]["revision"] == second
