"""The models folder: what it shows, what it takes for a name, and that a choice is whole."""

import os
from pathlib import Path

import gguf_bytes
import pytest
from sqlstrict_convert.gguf_format.header import GgufError
from sqlstrict_convert.models.folder import (
    BadChoice,
    BadModelName,
    ModelInUse,
    ModelsFolder,
    NoSuchModel,
    check_name,
    default_data_folder,
    models_folder,
)
from sqlstrictd import config


@pytest.fixture
def folder(tmp_path: Path) -> ModelsFolder:
    found = models_folder(tmp_path)
    found.path.mkdir()
    for name in ("b-Q4_K_M", "a", "c.rejected"):
        found.file_of(name).write_bytes(gguf_bytes.small_gguf())
    return found


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    absent = models_folder(tmp_path / "absent")
    assert absent.list() == ()
    assert absent.chosen() is None
    with pytest.raises(NoSuchModel):
        absent.choose("a")
    assert not absent.path.exists()


def test_only_whole_names_are_listed(folder: ModelsFolder) -> None:
    for name in (".a.gguf.x.partial", ".hidden.gguf", "d.gguf.12.tmp", "chosen", "README.md"):
        (folder.path / name).write_bytes(b"")
    (folder.path / "e.gguf").mkdir()
    (folder.path / "f.gguf").symlink_to("f.gguf")
    os.mkfifo(folder.path / "g.gguf")
    (folder.path / "h.gguf").symlink_to(folder.file_of("a"))
    listed = folder.list()
    assert [model.name for model in listed] == ["a", "b-Q4_K_M", "c.rejected", "h"]
    assert [model.is_rejected for model in listed] == [False, False, True, False]
    assert listed[0].size_bytes == len(gguf_bytes.small_gguf())


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".a", "-a", "a/b", "../a", "/a", "a\\b", "a\0", "a\n", "ä", "a b", "a" * 101]
    + ["a.gguf", "~", "a:b", "a%2fb"],
)
def test_what_is_no_name(folder: ModelsFolder, name: str) -> None:
    with pytest.raises(BadModelName):
        check_name(name)
    for act in (folder.find, folder.choose, folder.remove, folder.file_of):
        with pytest.raises(BadModelName):
            act(name)  # type: ignore[operator]


@pytest.mark.parametrize("name", ["a", "0", "SS-350M-SQL-Strict-Q4_K_M", "v1.2_x", "a" * 100])
def test_what_is_a_name(name: str) -> None:
    assert check_name(name) == name


def test_a_choice(folder: ModelsFolder) -> None:
    assert folder.chosen() is None
    folder.choose("a")
    assert folder.chosen() == "a"
    assert (folder.path / "chosen").read_text() == "a\n"
    folder.choose("b-Q4_K_M")
    assert folder.chosen() == "b-Q4_K_M"
    assert not list(folder.path.glob(".chosen*"))


def test_a_choice_that_is_refused_changes_nothing(folder: ModelsFolder) -> None:
    folder.choose("a")
    with pytest.raises(NoSuchModel):
        folder.choose("absent")
    with pytest.raises(BadChoice, match="kept aside"):
        folder.choose("c.rejected")
    folder.file_of("cut").write_bytes(gguf_bytes.small_gguf()[:-1])
    with pytest.raises(GgufError, match="cut off"):
        folder.choose("cut")
    assert folder.chosen() == "a"
    assert not list(folder.path.glob(".chosen*"))


@pytest.mark.parametrize("content", [b"", b"../a\n", b"\xff", b"a\nb\n", b"a" * 300])
def test_a_choice_that_is_no_name(folder: ModelsFolder, content: bytes) -> None:
    (folder.path / "chosen").write_bytes(content)
    with pytest.raises(BadChoice, match="model use"):
        folder.chosen()
    folder.remove("a")  # which does not hang on it
    folder.choose("b-Q4_K_M")
    assert folder.chosen() == "b-Q4_K_M"


def test_removing(folder: ModelsFolder) -> None:
    folder.choose("a")
    with pytest.raises(ModelInUse, match="--force"):
        folder.remove("a")
    assert folder.find("a").path.is_file()
    folder.remove("b-Q4_K_M")
    folder.remove("c.rejected")
    assert folder.chosen() == "a"
    folder.remove("a", is_forced=True)
    assert folder.chosen() is None
    assert folder.list() == ()
    with pytest.raises(NoSuchModel):
        folder.remove("a")


def test_a_chosen_model_that_is_gone_is_still_named(folder: ModelsFolder) -> None:
    folder.choose("a")
    folder.file_of("a").unlink()
    assert folder.chosen() == "a"


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize(
    "environ", [{"HOME": "/h"}, {"HOME": "/h", "XDG_DATA_HOME": "/x"}, {"XDG_DATA_HOME": "x"}]
)
def test_the_data_folder_is_the_daemons(environ: dict[str, str], platform: str) -> None:
    assert default_data_folder(environ, platform) == config.default_data_folder(environ, platform)


def test_the_variable_names_the_data_folder(tmp_path: Path) -> None:
    environ = {"HOME": "/h", "SQLSTRICT_DATA_DIR": str(tmp_path)}
    assert default_data_folder(environ) == tmp_path
    assert config.load_config([], {**environ, "XDG_RUNTIME_DIR": "/run"}).data_folder == tmp_path
