"""`sqlstrict model list|show|rm|use` on a folder: what they write, where, and their exit codes."""

import json
from pathlib import Path

import gguf_bytes
import pytest
from gguf_bytes import gguf, number_key, string_key, strings_key
from sqlstrict_convert.models import command as models_command
from sqlstrict_convert.models.folder import ModelsFolder, models_folder
from sqlstrict_convert.progress import Progress
from sqlstrict_convert.terminal import Terminal, describe

Captured = pytest.CaptureFixture[str]
HOSTILE = "a\x1b[2Jb\u202ec"


@pytest.fixture
def folder(tmp_path: Path) -> ModelsFolder:
    found = models_folder(tmp_path)
    found.path.mkdir()
    keys = [
        string_key("general.architecture", "lfm2"),
        string_key("general.license", HOSTILE),
        string_key("sqlstrict.source", "me/model"),
        string_key("sqlstrict.revision", "0123456789abcdef0123"),
        number_key("general.file_type", "u32", 15),
        number_key("lfm2.context_length", "u32", 4096),
        strings_key("tokenizer.ggml.tokens", [str(number) for number in range(100)]),
        strings_key("tags", ["x", "y"]),
    ]
    found.file_of("whole").write_bytes(gguf(keys))
    found.file_of("cut").write_bytes(gguf_bytes.small_gguf()[:-1])
    found.file_of("old.rejected").write_bytes(gguf_bytes.small_gguf())
    found.choose("whole")
    return found


def run(folder: ModelsFolder, *arguments: str) -> int:
    return models_command.main([*arguments, "--data-dir", str(folder.path.parent)])


def test_a_list(folder: ModelsFolder, capsys: Captured) -> None:
    assert run(folder, "list") == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["!", "x", "*"]
    assert lines[4].split() == ["*", "whole", "0.0", "MB", "Q4_K_M", "me/model@0123456789ab"]
    assert "cut.gguf is no whole GGUF file: cut off" in shown.err

    assert run(folder, "list", "--json") == 0
    cut, rejected, whole = map(json.loads, capsys.readouterr().out.splitlines())
    assert (cut["name"], cut["quantization"]) == ("cut", None) and "cut off" in cut["problem"]
    assert rejected["is_rejected"] and not rejected["is_chosen"]
    assert (whole["source"], whole["context_tokens"], whole["is_chosen"]) == (
        "me/model",
        4096,
        True,
    )


def test_an_empty_list(tmp_path: Path, capsys: Captured) -> None:
    assert run(ModelsFolder(tmp_path / "x" / "models"), "list") == 0
    shown = capsys.readouterr()
    assert shown.out == "" and "`sqlstrict model pull` takes one in" in shown.err


def test_a_choice_that_is_gone_is_told(folder: ModelsFolder, capsys: Captured) -> None:
    folder.file_of("whole").unlink()
    assert run(folder, "list") == 0
    assert "the chosen model whole is not there" in capsys.readouterr().err
    (folder.path / "chosen").write_text("../x")
    assert run(folder, "list") == 0
    assert "holds no model's name" in capsys.readouterr().err


def test_all_of_a_model(folder: ModelsFolder, capsys: Captured) -> None:
    assert run(folder, "show", "whole") == 0
    shown = capsys.readouterr().out
    told = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert told["name"] == "whole (chosen)" and told["quantization"] == "Q4_K_M"
    assert told["source"] == "me/model@0123456789abcdef0123"
    assert told["tokenizer.ggml.tokens"] == "(100 items)" and told["tags"] == "['x', 'y']"
    assert told["licence"] == told["general.license"] == r"a\x1b[2Jb\u202ec"
    assert shown.splitlines()[-1].startswith("sqlstrict.revision")

    assert run(folder, "show", "whole", "--json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert whole["metadata"]["general.license"] == HOSTILE  # as it is, for programs
    assert whole["metadata"]["tags"] == ["x", "y"]


def test_what_cannot_be_shown(folder: ModelsFolder, capsys: Captured) -> None:
    assert run(folder, "show", "cut") == 1
    assert "cut off" in capsys.readouterr().err
    assert run(folder, "show", "absent") == 1
    told = capsys.readouterr().err
    assert "there is no model 'absent'" in told and "`sqlstrict model list` shows" in told
    assert run(folder, "show", "../whole", "--json") == 2
    error = json.loads(capsys.readouterr().err)["error"]
    assert error["reason"] == "BadModelName" and "cannot name a model" in error["message"]


def test_removing(folder: ModelsFolder, capsys: Captured) -> None:
    assert run(folder, "rm", "cut", "whole") == 1
    shown = capsys.readouterr()
    assert shown.out == "removed cut, 0.0 MB\n" and "--force" in shown.err
    assert run(folder, "rm", "--force", "whole", "--json") == 0
    assert json.loads(capsys.readouterr().out)["removed"] == "whole"
    assert folder.chosen() is None and [m.name for m in folder.list()] == ["old.rejected"]


def test_choosing(folder: ModelsFolder, capsys: Captured) -> None:
    for name in ("cut", "old.rejected", "absent"):
        assert run(folder, "use", name) == 1
    assert folder.chosen() == "whole"
    assert run(folder, "use", "whole") == 0
    assert capsys.readouterr().out == "whole is chosen; the daemon takes it when it starts\n"


def test_a_folder_that_cannot_be_read(folder: ModelsFolder, capsys: Captured) -> None:
    (folder.path / "chosen").unlink()
    (folder.path / "chosen").mkdir()
    assert run(folder, "list") == 1
    assert "chosen: Is a directory" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["pull"], ["show"], ["rm"], ["list", "x"], ["what"]])
def test_wrong_usage(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        models_command.main(arguments)
    assert ended.value.code == 2


def test_progress_in_words() -> None:
    half = Progress("download", 50_000_000, 100_000_000, left_s=95.0)
    assert describe(half, "downloading", False) == (
        "downloading: 50 % (50.0 of 100.0 MB), 1 min 35 s left"
    )
    assert describe(half, "downloading", True).startswith("downloading: [############......")
    assert describe(Progress("check", 0, 0), "checking", False) == "checking: 100 %"


def test_progress_is_not_told_twice(capsys: Captured) -> None:
    terminal = Terminal(is_json=True)
    for done in (0, 1, 1, 2, 2):
        terminal.progress(Progress("copy", done, 2))
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [event["done"] for event in events] == [0, 2]
