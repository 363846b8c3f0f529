"""Every form in which people publish a fine-tune: hub -> `model pull` -> list, show, verify."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkpoint_forms import write_form
from fake_hub import FakeHub
from hub_house import HubHouse
from random_checkpoint import write_checkpoint
from sqlstrict_convert.errors import QualityError
from sqlstrict_convert.models.folder import BadChoice, BadModelName, ModelsFolder
from sqlstrict_convert.models.pull import Request, pull
from sqlstrict_convert.quality import bounds as quality

BASE = "liquid/base"
CARD = "---\nlicense: other\nlicense_name: lfm1.0\n---\n# A model\n"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with FakeHub() as hub:
        yield HubHouse(hub, tmp_path / "home")


@pytest.fixture
def plain(tmp_path: Path, tokenizer_json: str) -> Path:
    return write_checkpoint(tmp_path / "plain", "convolution_first", tokenizer_json)


@pytest.mark.parametrize("form", ["f16", "sharded", "nf4_double", "int8", "adapter-plain"])
def test_a_form_from_the_hub(house: HubHouse, plain: Path, tmp_path: Path, form: str) -> None:
    folder = write_form(plain, tmp_path / "form", form, base_name=BASE)
    (folder / "README.md").write_text(CARD)
    (folder / "modeling_custom.py").write_text("raise SystemExit('code of the repository ran')")
    (folder / "optimizer.pt").write_bytes(b"a pickle")
    base_commit = house.hub.add(BASE, plain)
    commit = house.hub.add("me/model", folder, card={"license": "other", "license_name": "lfm1.0"})

    ended = house.run("pull", "me/model", "--quantize", "Q8_0")
    assert ended.returncode == 0, ended.stderr
    assert f"model-Q8_0: Q8_0, 0.2 MB, from me/model@{commit}" in ended.stdout
    assert "licence: lfm1.0" in ended.stdout and "LFM Open License" in ended.stdout
    asked = {request.path for request in house.hub.requests if "/resolve/" in request.path}
    assert not any(path.endswith((".py", ".pt")) for path in asked)
    assert any(base_commit in path for path in asked) == form.startswith("adapter")

    listed = house.done("list")
    assert (listed["name"], listed["quantization"], listed["is_chosen"]) == (
        "model-Q8_0",
        "Q8_0",
        True,
    )
    assert (listed["source"], listed["revision"]) == ("me/model", commit)
    assert (listed["license"], listed["problem"]) == ("lfm1.0", None)

    assert "held-back prompts" in house.run("show", "model-Q8_0").stdout
    shown = house.done("show", "model-Q8_0")["metadata"]
    assert shown["sqlstrict.comparison.n_prompts"] > 0
    weights = next(path for path in folder.iterdir() if path.suffix == ".safetensors")
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert any(line.startswith(digest) for line in shown["sqlstrict.inputs"])
    assert house.done("verify", "model-Q8_0")["report"]["source"] == "me/model"


def test_a_base_of_one_s_own(house: HubHouse, plain: Path, tmp_path: Path) -> None:
    adapter = write_form(plain, tmp_path / "adapter", "adapter-plain", base_name="no/where")
    house.hub.add("me/adapter", adapter)
    assert "no repository no/where" in house.refused("pull", "me/adapter")
    done = house.done("pull", "me/adapter", "--base", plain, "--quantize", "F16")
    assert done["name"] == "adapter-F16"
    assert house.names() == ["adapter-F16"]


@pytest.mark.parametrize("named", ["/etc", "../plain", "a/b/../../c", "https://evil.org/a/b"])
def test_a_downloaded_adapter_names_no_path_of_this_machine(
    house: HubHouse, plain: Path, tmp_path: Path, named: str
) -> None:
    adapter = write_form(plain, tmp_path / "adapter", "adapter-plain", base_name=named)
    house.hub.add("me/adapter", adapter)
    assert "which is no repository; give the base by --base" in house.refused("pull", "me/adapter")


def test_a_folder_of_this_disk(house: HubHouse, plain: Path) -> None:
    done = house.done("pull", plain, "--name", "mine", "--quantize", "F16", "--no-use")
    assert (done["name"], done["source"], done["is_chosen"]) == ("mine", None, False)
    assert house.hub.requests == [] and house.models.chosen() is None
    assert str(plain) not in str(house.done("show", "mine")["metadata"])


def test_a_gguf_file_without_the_ending_keeps_its_name(
    house: HubHouse, tiny_gguf: Path, tmp_path: Path
) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(tiny_gguf.read_bytes())
    assert house.done("pull", path)["name"] == "weights.bin"
    again = house.run("pull", path, "--name", "weights.bin")
    assert "in place of the model" in again.stdout, again.stderr


def test_an_unknown_quantization_is_wrong_usage(house: HubHouse) -> None:
    ended = house.run("pull", "x", "--quantize", "q3", "--json")
    assert ended.returncode == 2 and "known are Q4_0" in ended.stdout


def test_a_result_outside_of_its_bounds_is_kept_aside(
    plain: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(quality.BOUNDS, "Q4_0", quality.Bounds(0.0, 0.0, 1.0))
    models = ModelsFolder(tmp_path / "models")
    with pytest.raises(QualityError):
        pull(Request(str(plain), quantization="Q4_0", uses_importance=False), models)
    (kept,) = models.list()
    assert (kept.name, kept.is_rejected) == ("plain-Q4_0.rejected", True)
    assert models.chosen() is None
    with pytest.raises(BadChoice, match="kept aside"):
        models.choose(kept.name)
    with pytest.raises(BadModelName, match="are kept for models outside their bounds"):
        pull(Request(str(plain), name="x.rejected"), models)
