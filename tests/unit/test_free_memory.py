"""How much memory is left, from the files that the system tells it in."""

from __future__ import annotations

from pathlib import Path

from sqlstrictd.model.free_memory import free_memory_bytes


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)


def ask(folder: Path) -> int | None:
    return free_memory_bytes(folder / "meminfo", folder / "cgroup", folder / "groups")


def test_the_machine_alone(tmp_path: Path) -> None:
    write(tmp_path, meminfo="MemTotal: 9 kB\nMemAvailable:   2000 kB\n")
    assert ask(tmp_path) == 2_048_000


def test_the_narrowest_group_counts(tmp_path: Path) -> None:
    write(tmp_path, meminfo="MemAvailable: 2000000 kB\n", cgroup="0::/user/service\n")
    write(tmp_path / "groups", memory_max="max\n")
    write(
        tmp_path / "groups" / "user",
        memory_max="1000000\n",
        memory_current="700000\n",
        memory_stat="anon 5\ninactive_file 200000\n",
    )
    write(
        tmp_path / "groups" / "user" / "service",
        memory_max="9000000\n",
        memory_current="1\n",
        memory_stat="",
    )
    assert ask(tmp_path) == 500_000


def test_nothing_is_told(tmp_path: Path) -> None:
    assert ask(tmp_path) is None
    write(tmp_path, meminfo="strange\n", cgroup="1:name=systemd:/\n")
    assert ask(tmp_path) is None


def test_a_group_that_is_full_has_nothing_left(tmp_path: Path) -> None:
    write(tmp_path, cgroup="0::/a\n")
    write(tmp_path / "groups" / "a", memory_max="10\n", memory_current="99\n", memory_stat="")
    assert ask(tmp_path) == 0
