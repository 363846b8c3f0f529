"""Models of the same name from several places: which pull updates, and which is refused in time."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkpoint_forms import write_form
from fake_hub import FakeHub
from hub_house import HubHouse
from random_checkpoint import write_checkpoint


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with FakeHub() as hub:
        yield HubHouse(hub, tmp_path / "home")


@pytest.fixture
def plain(tmp_path: Path, tokenizer_json: str) -> Path:
    return write_checkpoint(tmp_path / "plain", "convolution_first", tokenizer_json)


@pytest.fixture
def keeps_attributes(tmp_path: Path) -> None:
    """Skips where the disk keeps no extended attributes: there an update wants --name."""
    try:
        os.setxattr(tmp_path, "user.sqlstrict.test", b"1")
    except (AttributeError, OSError) as error:
        pytest.skip(f"no extended attributes here: {error}")


def weight_requests(house: HubHouse) -> list[str]:
    return [each.path for each in house.hub.requests if "signed" in each.path]


def pull(house: HubHouse, *arguments: object) -> dict[str, object]:
    return house.done("pull", *arguments, "--quantize", "F16")


def test_the_second_of_two_owners_is_refused_before_its_weights_are_fetched(
    house: HubHouse, plain: Path, tmp_path: Path
) -> None:
    house.hub.add("a/x", plain)
    house.hub.add("b/x", write_form(plain, tmp_path / "other", "f16"))
    first = pull(house, "a/x")
    digest = house.models.file_of("x-F16").read_bytes()
    n_requests = len(weight_requests(house))

    told = house.refused("pull", "b/x", "--quantize", "F16")
    assert "a model x-F16 is here already, and came from a/x" in told and "--name" in told
    ended = house.run("pull", "b/x", "--quantize", "F16", "--json")
    event = json.loads(ended.stdout.splitlines()[-1])
    assert (ended.returncode, event["event"], event["kind"]) == (1, "error", "NameTaken")
    assert len(weight_requests(house)) == n_requests
    assert house.models.file_of("x-F16").read_bytes() == digest

    again = pull(house, "a/x")
    assert (first["is_replaced"], again["is_replaced"]) == (False, True)
    assert pull(house, "b/x", "--name", "y")["source"] == "b/x"
    assert house.names() == ["x-F16", "y"]
    # Who names the model's own name means it.
    assert pull(house, "b/x", "--name", "x-F16")["is_replaced"]
    assert pull(house, "b/x")["is_replaced"]
    assert "came from b/x" in house.refused("pull", "a/x", "--quantize", "F16")


def test_another_quantization_is_another_model(house: HubHouse, plain: Path) -> None:
    house.hub.add("a/x", plain)
    house.hub.add("b/x", plain)
    pull(house, "a/x")
    assert house.done("pull", "b/x", "--quantize", "F32")["name"] == "x-F32"


def test_finished_files_of_one_name(
    house: HubHouse, tiny_gguf: Path, tmp_path: Path, keeps_attributes: None
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    shutil.copyfile(tiny_gguf, folder / "model.gguf")
    house.hub.add("a/x", folder)
    house.hub.add("b/y", folder)
    house.done("pull", "a/x")
    assert "came from a/x" in house.refused("pull", "b/y")
    assert house.done("pull", "a/x")["is_replaced"]
    told = house.refused("pull", folder / "model.gguf")
    assert "came from a/x" in told
    # Its bytes are the publisher's, whatever is known of it here.
    assert house.models.file_of("model").read_bytes() == tiny_gguf.read_bytes()


def test_folders_of_one_name(
    house: HubHouse, plain: Path, tmp_path: Path, keeps_attributes: None
) -> None:
    for run in ("first", "second"):
        shutil.copytree(plain, tmp_path / run / "final")
    pull(house, tmp_path / "first" / "final")
    assert pull(house, tmp_path / "first" / "final")["is_replaced"]
    told = house.refused("pull", tmp_path / "second" / "final", "--quantize", "F16")
    assert f"came from {(tmp_path / 'first' / 'final').as_uri()}" in told


def test_a_model_of_unknown_origin_is_not_replaced_unasked(
    house: HubHouse, tiny_gguf: Path, tmp_path: Path
) -> None:
    house.models.path.mkdir(parents=True)
    shutil.copyfile(tiny_gguf, house.models.file_of("tiny"))
    told = house.refused("pull", tiny_gguf)
    assert "not known where it came from" in told and "--name tiny" in told
    assert house.done("pull", tiny_gguf, "--name", "tiny")["is_replaced"]
