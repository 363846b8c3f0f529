"""`model pull` from a hub on loopback: what is fetched, resumed, refused, and what is said."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hub import TOKEN, FakeHub
from hub_house import HubHouse
from random_checkpoint import write_checkpoint

MODEL = "me/model"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[HubHouse]:
    with FakeHub() as hub:
        yield HubHouse(hub, tmp_path / "home")


@pytest.fixture
def gguf_folder(tiny_gguf: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "tiny.gguf").write_bytes(tiny_gguf.read_bytes())
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    return folder


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_gguf_is_taken_as_it_is(house: HubHouse, gguf_folder: Path) -> None:
    commit = house.hub.add(MODEL, gguf_folder, card={"license": "apache-2.0"})
    done = house.done("pull", MODEL)
    assert (done["name"], done["source"], done["revision"]) == ("tiny", MODEL, commit)
    assert (done["license"], done["is_chosen"], done["is_replaced"]) == ("apache-2.0", True, False)
    assert digest(house.models.file_of("tiny")) == digest(gguf_folder / "tiny.gguf")
    assert house.models.chosen() == "tiny"
    assert house.hub.bytes_sent == (gguf_folder / "tiny.gguf").stat().st_size

    again = house.done("pull", MODEL, "--name", "tiny")
    assert again["is_replaced"]
    assert house.hub.bytes_sent == (gguf_folder / "tiny.gguf").stat().st_size  # from the cache


def test_a_revision_is_pinned_to_its_commit(house: HubHouse, gguf_folder: Path) -> None:
    first = house.hub.add(MODEL, gguf_folder, tags=["v1"])
    (gguf_folder / "NEWS.md").write_text("news")
    second = house.hub.add(MODEL, gguf_folder)
    name = ("--name", "tiny")
    assert house.done("pull", MODEL, "--no-use", *name)["revision"] == second
    assert house.done("pull", f"{MODEL}@v1", *name)["revision"] == first
    assert house.done("pull", MODEL, "--revision", first, *name)["revision"] == first
    assert "no such revision" in house.refused("pull", f"{MODEL}@v2")
    assert "another revision" in house.refused("pull", f"{MODEL}@v1", "--revision", "v2")
    resolved = [request for request in house.hub.requests if "/resolve/" in request.path]
    assert resolved and all(first in r.path or second in r.path for r in resolved)


def test_a_broken_connection_is_resumed(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.hub.fail("tiny.gguf?signed", breaks_after=300_000)
    house.hub.fail("tiny.gguf?signed", status=503)
    house.hub.fail("tiny.gguf?signed", status=429, headers={"Retry-After": "0"})
    ended = house.run("pull", MODEL)
    assert ended.returncode == 0, ended.stderr
    assert "trying again" in ended.stderr
    assert house.hub.bytes_sent == (gguf_folder / "tiny.gguf").stat().st_size
    ranges = [r.range for r in house.hub.requests if "signed" in r.path]
    assert ranges == [None, *["bytes=300000-"] * 3]


def test_bytes_that_change_on_the_way_are_noticed(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.hub.fail("tiny.gguf?signed", times=2, spoils=True)
    assert "twice with other content" in house.refused("pull", MODEL)
    assert house.names() == []
    house.done("pull", MODEL)
    assert digest(house.models.file_of("tiny")) == digest(gguf_folder / "tiny.gguf")


def test_the_list_of_files_may_come_late(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.hub.fail("/api/models", status=502)
    house.hub.fail("/api/models", status=429, headers={"Retry-After": "0"})
    assert house.done("pull", MODEL)["name"] == "tiny"


def test_a_mirror_that_tells_names_alone(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder, has_metadata=False)
    assert house.done("pull", MODEL)["name"] == "tiny"


def test_private_and_gated_repositories(house: HubHouse, gguf_folder: Path, tmp_path: Path) -> None:
    house.hub.add("me/private", gguf_folder, is_private=True)
    house.hub.add("me/gated", gguf_folder, is_gated=True)
    assert "no repository me/private that is open to you" in house.refused("pull", "me/private")
    gated = house.refused("pull", "me/gated")
    assert f"me/gated is gated: accept its terms at {house.hub.endpoint}/me/gated" in gated
    assert "HF_TOKEN" in gated

    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    told = house.run("pull", "me/private", "--token-file", token)
    assert told.returncode == 0 and TOKEN not in told.stdout + told.stderr
    house.environ["HF_TOKEN"] = TOKEN
    assert house.done("pull", "me/gated", "--name", "gated")["name"] == "gated"
    house.environ["HF_TOKEN"] = "hf_wrong"
    refused = house.refused("pull", "me/private")
    assert "hf_wrong" not in refused
    assert all(request.token is None for request in house.hub.requests if "signed" in request.path)


@pytest.mark.parametrize("content", ["", "two words", "\x00", "é"])
def test_a_token_file_without_a_token(house: HubHouse, tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content)
    refused = house.refused("pull", MODEL, "--token-file", tmp_path / "token", code=2)
    assert refused.endswith("holds no token")


def test_wrong_usage(house: HubHouse, tmp_path: Path) -> None:
    missing = house.refused("pull", MODEL, "--token-file", tmp_path / "no", code=2)
    assert "cannot be read: No such file" in missing
    for name in ("x.rejected", "a/b"):
        house.refused("pull", MODEL, "--name", name, code=2)
    assert house.hub.requests == []


def test_nobody_listens(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.done("pull", MODEL)
    house.environ["HF_ENDPOINT"] = "http://127.0.0.1:1"
    told = house.refused("pull", MODEL)
    assert "cannot be reached" in told and "HF_HUB_OFFLINE=1" in told and "HF_ENDPOINT" in told

    house.environ["HF_ENDPOINT"] = "http://me:secret@127.0.0.1:1"
    assert "secret" not in house.run("pull", MODEL).stderr
    house.environ["HF_HUB_OFFLINE"] = "1"
    assert house.done("pull", MODEL, "--name", "again")["name"] == "again"
    assert "is not in the cache" in house.refused("pull", "me/other")
    assert "is not in the cache" in house.refused("pull", f"{MODEL}@v9")
    assert "the cache may hold a part" in house.refused("pull", f"hf.co/{MODEL}/other.gguf")


def test_what_answers_is_no_hub(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.hub.fail("/api/models", times=9, status=200)
    assert "what a model hub does not" in house.refused("pull", MODEL)


HOSTILE = ["../../evil.gguf", "/etc/evil.gguf", "a/../../evil.gguf", ".hidden.gguf", "x\\evil.gguf"]


def test_names_that_lead_out_of_the_cache_are_never_asked_for(
    house: HubHouse, gguf_folder: Path, tmp_path: Path
) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.hub.fail("/api/models", adds=HOSTILE)
    assert house.done("pull", MODEL)["name"] == "tiny"
    assert not any("evil" in request.path for request in house.hub.requests)
    assert not list(tmp_path.rglob("*evil*"))


REFUSED = {
    "pickled weights (pytorch_model.bin)": ["config.json", "pytorch_model.bin"],
    "weights for ONNX alone": ["config.json", "model.onnx"],
    "one of several parts": ["m-00001-of-00002.gguf", "README.md"],
    "has no weights": ["README.md"],
}


@pytest.mark.parametrize("told", REFUSED)
def test_a_form_is_refused_before_any_download(house: HubHouse, tmp_path: Path, told: str) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in REFUSED[told]:
        (folder / name).write_text("{}")
    house.hub.add(MODEL, folder)
    assert told in house.refused("pull", MODEL)
    assert house.hub.bytes_sent == 0


UNFIT = {
    "model_type is 'llama'": '{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
    "quantized already": '{"model_type": "lfm2", "quantization_config": {"quant_method": "gptq"}}',
    "not a JSON object": "[]",
}


@pytest.mark.parametrize("told", UNFIT)
def test_a_model_of_another_kind_is_refused_before_its_weights(
    house: HubHouse, tmp_path: Path, told: str
) -> None:
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "config.json").write_text(UNFIT[told])
    (folder / "tokenizer.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(bytes(1000))
    house.hub.add(MODEL, folder)
    assert told in house.refused("pull", MODEL)
    assert not any("safetensors" in request.path for request in house.hub.requests)


def test_a_gguf_that_is_broken_or_foreign(house: HubHouse, gguf_folder: Path) -> None:
    whole = (gguf_folder / "tiny.gguf").read_bytes()
    (gguf_folder / "tiny.gguf").write_bytes(whole[:-5000])
    house.hub.add(MODEL, gguf_folder)
    assert "cut off: tensor" in house.refused("pull", MODEL)
    (gguf_folder / "tiny.gguf").write_bytes(whole.replace(b"<|im_start|>", b"<|im_stark|>"))
    house.hub.add(MODEL, gguf_folder)
    assert "trained on ChatML" in house.refused("pull", MODEL)
    assert house.names() == [] and house.models.chosen() is None


def test_a_full_disk_is_seen_before_the_download(
    house: HubHouse, tokenizer_json: str, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "plain", "untied", tokenizer_json)
    config = json.loads((folder / "config.json").read_text())
    config["intermediate_size"] = 2**31 - 256  # a model of some terabytes
    (folder / "config.json").write_text(json.dumps(config))
    house.hub.add(MODEL, folder)
    assert "download and conversion needs" in house.refused("pull", MODEL)
    assert not any("safetensors" in request.path for request in house.hub.requests)


def test_a_cache_that_cannot_be_written(house: HubHouse, gguf_folder: Path) -> None:
    house.hub.add(MODEL, gguf_folder)
    house.folder.mkdir()
    (house.folder / "file").write_text("no folder")
    house.environ["HF_HUB_CACHE"] = str(house.folder / "file" / "hub")
    assert "cannot make the folder" in house.refused("pull", MODEL)
    del house.environ["HF_HUB_CACHE"]
    (house.folder / "hf" / "hub" / "models--me--model").mkdir(parents=True)
    (house.folder / "hf" / "hub" / "models--me--model" / "snapshots").write_text("a file")
    assert "the hub's cache cannot be used" in house.refused("pull", MODEL)


def test_a_path_wins_over_a_repository(
    house: HubHouse, gguf_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "me").mkdir()
    gguf_folder.rename(tmp_path / "me" / "model")
    monkeypatch.chdir(tmp_path)
    ended = house.run("pull", MODEL)
    assert ended.returncode == 0, ended.stderr
    assert "taking me/model of this disk" in ended.stderr
    assert house.hub.requests == []


@pytest.mark.parametrize("revision", ["../../../x", "/x", "a b"])
def test_a_revision_that_leads_out_of_the_cache_is_never_asked_for(
    house: HubHouse, revision: str
) -> None:
    assert "is no branch, tag or commit" in house.refused("pull", MODEL, "--revision", revision)
    assert house.hub.requests == []
