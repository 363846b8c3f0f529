"""The wheel without extras: three dependencies, and a daemon of another environment answers it."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from sqlstrict_proto.v1 import sqlstrict_pb2 as pb
from stand_in_daemon import StandInDaemon

REPOSITORY = Path(__file__).parents[2]
THIN = {"sqlstrict", "grpcio", "protobuf", "googleapis-common-protos", "typing-extensions"}
ASK = """
from sqlstrict import Client
with Client({address!r}) as client:
    print(client.translate("How many?", ddl="CREATE TABLE t (a)").sql)
"""


def pip(python: str, *arguments: str) -> str:
    """Run pip, or skip the test where pip cannot have what it needs."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def thin_bin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment that holds the built wheel and its base dependencies."""
    folder = tmp_path_factory.mktemp("thin")
    pip(sys.executable, "wheel", "--quiet", "--no-deps", "-w", str(folder), str(REPOSITORY))
    [wheel] = folder.glob("sqlstrict-*.whl")
    venv.create(folder / "venv", with_pip=True)
    bin_folder = folder / "venv" / "bin"
    pip(str(bin_folder / "python"), "install", "--quiet", str(wheel))
    return bin_folder


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, timeout=60
    )


def test_it_brings_three_dependencies(thin_bin: Path) -> None:
    listed = json.loads(pip(str(thin_bin / "python"), "list", "--format=json"))
    names = {package["name"].lower().replace("_", "-") for package in listed}
    assert names - {"pip", "setuptools"} == THIN


def test_the_library_asks(thin_bin: Path, tmp_path: Path) -> None:
    sql = pb.Sql(text="SELECT COUNT(*) FROM t;")
    with StandInDaemon(tmp_path / "private" / "s.sock") as daemon:
        daemon.reply("Translate", pb.TranslateResponse(sql=sql))
        asked = run(
            thin_bin / "python", "-I", "-W", "error", "-c", ASK.format(address=daemon.address)
        )
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, sql.text + "\n", "")


def test_the_command_asks(thin_bin: Path, tmp_path: Path) -> None:
    schema = tmp_path / "s.sql"
    schema.write_text("CREATE TABLE t (a);")
    sql = pb.Sql(text="SELECT COUNT(*) FROM t;")
    with StandInDaemon(tmp_path / "private" / "s.sock") as daemon:
        daemon.reply("Translate", pb.TranslateResponse(sql=sql))
        flags = ["--schema", schema, "--address", daemon.address]
        asked = run(thin_bin / "sqlstrict", "ask", "How many?", *flags)
    assert (asked.returncode, asked.stdout, asked.stderr) == (0, sql.text + "\n", "")


@pytest.mark.parametrize(
    ("command", "extra", "code"), [("serve", "daemon", 78), ("convert", "convert", 1)]
)
def test_other_programs_name_their_extra(
    thin_bin: Path, command: str, extra: str, code: int
) -> None:
    done = run(thin_bin / "sqlstrict", command, "--help")
    assert (done.returncode, done.stdout) == (code, "")
    assert f"pip install 'sqlstrict[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("package", "extra", "code"),
    [("sqlstrictd", "daemon", 78), ("sqlstrict_convert", "convert", 1)],
)
def test_so_do_their_packages(thin_bin: Path, package: str, extra: str, code: int) -> None:
    done = run(thin_bin / "python", "-m", package)
    assert (done.returncode, done.stdout) == (code, "")
    assert "grpc_health" in done.stderr if extra == "daemon" else "gguf" in done.stderr
    assert f"pip install 'sqlstrict[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_program_takes_its_own_arguments() -> None:
    """Here the extra is installed: the command becomes the package's own program."""
    done = run(sys.executable, "-m", "sqlstrict", "convert", "--help")
    assert done.returncode == 0
    assert "--quantize" in done.stdout
