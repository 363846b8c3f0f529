"""Names of repositories and what to fetch of one: spellings, traversal, refusals by name."""

import json
from pathlib import Path

import pytest
from sqlstrict_convert.errors import CheckpointError, UnsupportedCheckpoint
from sqlstrict_convert.source.repository import RepositoryName, is_file_name, parse_repository
from sqlstrict_convert.source.repository_files import Choice, Form, choose_files, choose_shards

PUBLISHED = "saadxsalman/SS-350M-SQL-Strict"


@pytest.mark.parametrize(
    ("text", "revision", "file"),
    [
        (PUBLISHED, None, None),
        (f"{PUBLISHED}@v1.0", "v1.0", None),
        (f"{PUBLISHED}@refs/pr/1", "refs/pr/1", None),
        (f"hf.co/{PUBLISHED}", None, None),
        (f"https://huggingface.co/{PUBLISHED}/", None, None),
        (f"https://huggingface.co/{PUBLISHED}/tree/dev", "dev", None),
        (f"hf.co/{PUBLISHED}/model-Q4_K_M.gguf", None, "model-Q4_K_M.gguf"),
        (f"{PUBLISHED}/gguf/model.gguf@abc", "abc", "gguf/model.gguf"),
        (f"https://hf.co/{PUBLISHED}/blob/main/model.gguf", "main", "model.gguf"),
        (f"http://10.0.0.1:99/{PUBLISHED}", None, None),
    ],
)
def test_names_of_repositories(text: str, revision: str | None, file: str | None) -> None:
    found = parse_repository(text, "http://10.0.0.1:99")
    assert found == RepositoryName(PUBLISHED, revision, file)


@pytest.mark.parametrize(
    "text",
    ["", "name", "/etc/passwd", "../a/b", "a/..", "a/b/../c.gguf", "a//b", "a/b@", "a/b@../x"]
    + ["a/b@-x", "a/b/c.bin", "-a/b", "a/b.git", "a--b/c", "a/b c", "a/b\nc", "é/b", "a/b@x y"]
    + ["https://elsewhere.org/a/b", "a/b/.hidden.gguf", f"a/{'b' * 99}", "a/b/c/../../d.gguf"],
)
def test_what_names_no_repository(text: str) -> None:
    assert parse_repository(text) is None


@pytest.mark.parametrize(
    "name",
    ["", "/a", "../a", "a/../b", "a/./b", "a//b", ".a", "a/.b", "a\\b", "a\0", "a\n", "C:a"]
    + ["a/b/", "~/a", "a" * 201, "a/%2e%2e/b", "a/b?c", "ä"],
)
def test_file_names_that_could_lead_elsewhere(name: str) -> None:
    assert not is_file_name(name)


def test_a_checkpoint_is_fetched_without_code_and_pickles() -> None:
    names = {"config.json", "tokenizer.json", "README.md", "model.safetensors", "modeling_x.py"}
    names |= {"pytorch_model.bin", "optimizer.pt", "training_args.bin", "model.gguf", "x/y.json"}
    choice = choose_files("o/n", names, None, None)
    assert choice == Choice(
        Form.CHECKPOINT, ("config.json", "tokenizer.json", "README.md"), "model.safetensors"
    )


def test_shards_and_adapters() -> None:
    both = {"config.json", "tokenizer.json", "model.safetensors.index.json", "adapter_config.json"}
    assert choose_files("o/n", both, None, None).weights == "model.safetensors.index.json"
    adapter = {"adapter_config.json", "adapter_model.safetensors", "tokenizer.json", "config.json"}
    choice = choose_files("o/n", adapter, None, None)
    assert (choice.form, choice.weights) == (Form.ADAPTER, "adapter_model.safetensors")
    assert choice.descriptions == ("config.json", "tokenizer.json", "adapter_config.json")


GGUFS = {f"m-{q}.gguf" for q in ("Q4_0", "Q4_K_M", "Q4_K_S", "Q8_0")} | {"mmproj-m-Q8_0.gguf"}


def test_one_of_several_ggufs() -> None:
    assert choose_files("o/n", GGUFS, None, None).weights == "m-Q4_K_M.gguf"
    assert choose_files("o/n", GGUFS, None, "Q8_0").weights == "m-Q8_0.gguf"
    assert choose_files("o/n", GGUFS, "m-Q4_0.gguf", None).weights == "m-Q4_0.gguf"
    for quantization in (None, "Q8_0"):
        assert choose_files("o/n", {"any.gguf"}, None, quantization).weights == "any.gguf"


REFUSED = {
    "has no GGUF file of Q6_K; name the file": (GGUFS, None, "Q6_K"),
    "more than one GGUF file of Q4_K_M": ({"a-q4_k_m.gguf", "b.Q4_K_M.gguf"}, None, None),
    "has no file m-Q2_K.gguf": (GGUFS, "m-Q2_K.gguf", None),
    "one of several parts": ({"m-Q4_K_M-00001-of-00002.gguf"}, None, None),
    "no tokenizer.json; it is not whole": ({"config.json", "model.safetensors"}, None, None),
    "no adapter_config.json": ({"adapter_model.safetensors"}, None, None),
    "pickled weights (pytorch_model.bin)": ({"config.json", "pytorch_model.bin"}, None, None),
    "pickled weights (adapter_model.bin)": (
        {"adapter_config.json", "adapter_model.bin"},
        None,
        None,
    ),
    "weights for ONNX alone": ({"config.json", "onnx/model.onnx"}, None, None),
    "weights for Flax alone": ({"flax_model.msgpack"}, None, None),
    "none that is model.safetensors": ({"x/model.safetensors"}, None, None),
    "has no weights": ({"README.md"}, None, None),
}


@pytest.mark.parametrize("told", REFUSED)
def test_refusals_by_name(told: str) -> None:
    names, file, quantization = REFUSED[told]
    with pytest.raises((CheckpointError, UnsupportedCheckpoint)) as error:
        choose_files("o/n", names, file, quantization)
    assert told in str(error.value)
    assert str(error.value).startswith("o/n")


@pytest.mark.parametrize(
    "shard",
    ["../x.safetensors", "/x.safetensors", "a/x.safetensors", "x.bin", "", ".x.safetensors", 3],
)
def test_an_index_cannot_lead_elsewhere(tmp_path: Path, shard: object) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "x.safetensors", "b": shard}}))
    with pytest.raises(CheckpointError, match="index.json"):
        choose_shards(index)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": 3}', '{"weight_map": [1]}'])
def test_an_index_that_is_none(tmp_path: Path, content: str) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(content)
    with pytest.raises(CheckpointError, match="no weight_map"):
        choose_shards(index)
