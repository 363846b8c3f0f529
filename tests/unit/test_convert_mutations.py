"""Checkpoints with one thing wrong somewhere: whatever it is, the outcome is typed."""

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from random_checkpoint import write_checkpoint
from sqlstrict_convert import ConvertError
from sqlstrict_convert.checkpoint_conversion import read_model

VALUES: tuple[Any, ...] = (
    None,
    -1,
    0,
    1,
    2**31,
    2**70,
    1.5,
    float("nan"),
    "",
    "x",
    "\ud800",
    [],
    {},
    [1],
    [[]],
    {"a": 1},
    True,
)
N_MUTATIONS = 150
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")


@pytest.fixture
def folder(tmp_path: Path, tokenizer_json: str) -> Path:
    return write_checkpoint(tmp_path / "checkpoint", "convolution_first", tokenizer_json)


def mutate(value: Any, stream: random.Random) -> Any:
    """Return a copy with one value, at any depth, removed or replaced."""
    changed = copy.deepcopy(value)
    at: Any = changed
    while True:
        key = stream.choice(list(at) if isinstance(at, dict) else range(len(at)))
        inner = at[key]
        if not isinstance(inner, dict | list) or not inner or stream.random() < 0.3:
            break
        at = inner
    if stream.random() < 0.2:
        del at[key]
    else:
        at[key] = stream.choice(VALUES)
    return changed


def is_taken(folder: Path) -> bool:
    """Read the checkpoint; any exception but ConvertError fails the test."""
    try:
        read_model(folder, assumes_word_pattern=False)
    except ConvertError as error:
        assert str(error)
        return False
    return True


@pytest.mark.parametrize("name", FILES)
def test_mutated_json(folder: Path, name: str) -> None:
    stream = random.Random(name)
    whole = json.loads((folder / name).read_text())
    taken = 0
    for _ in range(N_MUTATIONS):
        (folder / name).write_text(json.dumps(mutate(whole, stream)))
        taken += is_taken(folder)
    assert 0 < taken < N_MUTATIONS  # some mutations change nothing that counts


@pytest.mark.parametrize("name", ["tokenizer.json", "chat_template.jinja"])
def test_files_that_cannot_be_read(folder: Path, name: str) -> None:
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(name)  # a link to itself
    if name == "chat_template.jinja":
        assert is_taken(folder)
    else:
        assert not is_taken(folder)


def test_mutated_safetensors_headers(folder: Path) -> None:
    stream = random.Random(5)
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    for _ in range(N_MUTATIONS):
        header = json.dumps(mutate(json.loads(raw[8:end]), stream)).encode()
        path.write_bytes(len(header).to_bytes(8, "little") + header + raw[end:])
        is_taken(folder)


def test_mutated_safetensors_bytes(folder: Path) -> None:
    stream = random.Random(6)
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    end = 8 + int.from_bytes(raw[:8], "little")
    for _ in range(N_MUTATIONS):
        changed = bytearray(raw)
        for _ in range(3):
            changed[stream.randrange(end)] = stream.randrange(256)
        path.write_bytes(changed)
        is_taken(folder)
