"""The completion scripts, in the shells that are there (bash is wherever the tests run)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

needs_fish = pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
needs_zsh = pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")


def script(shell: str) -> str:
    command = [sys.executable, "-m", "sqlstrict", "completion", shell]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def bash_offers(line: str) -> list[str]:
    words = line.split(" ")
    listed = " ".join(f"'{word}'" for word in words)
    asked = f"COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _sqlstrict\n"
    shown = 'printf "%s\\n" "${COMPREPLY[@]}"\n'
    program = "\n".join((script("bash"), asked + shown))
    done = subprocess.run(["bash", "-c", program], check=True, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_options_and_choices() -> None:
    assert bash_offers("sqlstrict as") == ["ask"]
    assert bash_offers("sqlstrict ask --di") == ["--dialect"]
    assert bash_offers("sqlstrict ask --schema x.sql --dialect po") == ["postgres"]
    assert bash_offers("sqlstrict schema sh") == ["show"]
    assert bash_offers("sqlstrict model p") == ["pull"]
    assert "--data-dir" in bash_offers("sqlstrict model use --")
    assert bash_offers("sqlstrict completion f") == ["fish"]


def test_bash_leaves_to_files_what_is_no_choice() -> None:
    assert bash_offers("sqlstrict ask --schema mai") == []
    # The value of an option is no command, even where it is called like one.
    assert bash_offers("sqlstrict ask --schema ask sch") == []


@needs_fish
def test_fish_completes_commands_options_and_choices(tmp_path: Path) -> None:
    path = tmp_path / "sqlstrict.fish"
    path.write_text(script("fish"))
    for line, wanted in (
        ("sqlstrict as", "ask"),
        ("sqlstrict ask --di", "--dialect"),
        ("sqlstrict ask --dialect po", "postgres"),
        ("sqlstrict schema sh", "show"),
    ):
        program = f"source {path}; complete -C '{line}'"
        command = ["fish", "--no-config", "-c", program]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stderr == ""
        assert [one.split("\t")[0] for one in done.stdout.splitlines()] == [wanted]


@needs_zsh
def test_zsh_completes_commands_options_and_choices(tmp_path: Path) -> None:
    # compadd and compdef belong to the line editor; ours say what they are given.
    own = "compdef() { }\n_files() { print files }\ncompadd() { shift; print -l -- $@ }\n"
    for words, wanted in (
        ("sqlstrict as", "ask"),
        ("sqlstrict ask --di", "--dialect"),
        ("sqlstrict ask --dialect po", "postgres"),
        ("sqlstrict schema sh", "show"),
        ("sqlstrict ask --schema x", "files"),
    ):
        asked = f"words=({words}); CURRENT={len(words.split())}; _sqlstrict"
        path = tmp_path / "program.zsh"
        path.write_text(own + script("zsh") + asked)
        command = ["zsh", "-f", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        assert done.stderr == ""
        assert wanted in done.stdout.split()


def test_completion_loads_no_grpc() -> None:
    program = (
        "import sys; from sqlstrict.cli import main\n"
        "main(['completion', 'bash']); sys.exit('grpc' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
