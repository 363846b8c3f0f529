"""The contract: every field commented, stubs current, buf's STANDARD rules kept."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from sqlstrict_proto.v1 import sqlstrict_pb2
from sqlstrictd.policy import KINDS
from sqlstrictd.service import enums

PROTO = Path(__file__).parents[2] / "proto"
CONTRACT = PROTO / "sqlstrict" / "v1" / "sqlstrict.proto"
STUBS = PROTO / "sqlstrict_proto" / "v1"

DECLARATION = re.compile(
    r"^\s*(?:(?P<block>message|enum|service|rpc|oneof)\s+(?P<name>\w+)"
    r"|(?:repeated |optional )?[\w.<>, ]+\s(?P<field>\w+) = \d+;"
    r"|(?P<value>[A-Z_]+) = \d+;)"
)


def declarations(text: str) -> list[tuple[str, bool]]:
    """Every declared name with whether a comment stands above it."""
    found = []
    above = ""
    for line in text.splitlines():
        match = DECLARATION.match(line)
        if match and not line.startswith(("package", "syntax")):
            is_commented = above.startswith("//") and len(above) > len("// Ab")
            found.append((match["name"] or match["field"] or match["value"], is_commented))
        above = line.strip()
    return found


def declared_by_the_descriptor() -> list[str]:
    file = sqlstrict_pb2.DESCRIPTOR
    names = []
    for message in file.message_types_by_name.values():
        names.append(message.name)
        names += [field.name for field in message.fields]
        # proto3 wraps each optional field in a oneof of its own, whose name begins with "_".
        names += [oneof.name for oneof in message.oneofs if not oneof.name.startswith("_")]
    for enum in file.enum_types_by_name.values():
        names += [enum.name, *(value.name for value in enum.values)]
    for service in file.services_by_name.values():
        names += [service.name, *(method.name for method in service.methods)]
    return sorted(names)


def test_every_declaration_has_a_comment() -> None:
    found = declarations(CONTRACT.read_text())
    assert sorted(name for name, _ in found) == declared_by_the_descriptor()
    assert [name for name, is_commented in found if not is_commented] == []


def test_the_comment_rule_finds_a_bare_field() -> None:
    text = CONTRACT.read_text()
    comment = "  // The question in the user's words"
    assert comment in text
    line = next(line for line in text.splitlines() if line.startswith(comment))
    assert ("question", False) in declarations(text.replace(line + "\n", ""))


def test_only_sql_holds_a_statement_to_run() -> None:
    carriers = {
        f"{message.name}.{field.name}"
        for message in sqlstrict_pb2.DESCRIPTOR.message_types_by_name.values()
        for field in message.fields
        if "sql" in field.name or "statement" in field.name
    }
    assert carriers == {
        "TranslateResponse.sql",
        "TranslateRequest.statement_kinds",
        "CheckRequest.statement",
        "CheckRequest.statement_kinds",
    }


def test_every_kind_and_dialect_of_the_contract_has_its_name_in_the_daemon() -> None:
    kinds = set(sqlstrict_pb2.StatementKind.values()) - {
        sqlstrict_pb2.STATEMENT_KIND_UNSPECIFIED,
        sqlstrict_pb2.STATEMENT_KIND_OTHER,
    }
    assert set(enums.KIND_PB.values()) == kinds
    assert tuple(enums.KIND_PB) == KINDS
    assert sorted(enums.DIALECT_PB.values()) == sqlstrict_pb2.Dialect.values()[1:]


def load_generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_stubs", PROTO / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_stubs_are_current(tmp_path: Path) -> None:
    generator = load_generator()
    try:
        generator.compiler_python()
    except generator.CompilerUnavailable as error:
        pytest.skip(f"the pinned compiler cannot be installed here: {str(error)[:200]}")
    written = generator.generate(tmp_path)
    committed = sorted(STUBS.glob("sqlstrict_pb2*"))
    assert [path.name for path in written] == [path.name for path in committed]
    for new, old in zip(written, committed, strict=True):
        assert new.read_text() == old.read_text(), f"{old.name}: run python proto/generate.py"


def test_the_stubs_load_with_warnings_as_errors() -> None:
    code = "from sqlstrict_proto.v1 import sqlstrict_pb2, sqlstrict_pb2_grpc"
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_projects_floors_are_what_the_stubs_need() -> None:
    messages = (STUBS / "sqlstrict_pb2.py").read_text()
    services = (STUBS / "sqlstrict_pb2_grpc.py").read_text()
    protobuf = re.search(r"Protobuf Python Version: (\S+)", messages)
    grpcio = re.search(r"GRPC_GENERATED_VERSION = '(\S+)'", services)
    assert protobuf and grpcio
    project = tomllib.loads((PROTO.parent / "pyproject.toml").read_text())["project"]
    assert f"protobuf>={protobuf[1]}" in project["dependencies"]
    assert f"grpcio>={grpcio[1]}" in project["dependencies"]


def npx() -> str:
    found = shutil.which("npx")
    if found is None:
        pytest.skip("buf lint needs Node and npm (npx is not on the PATH)")
    return found


def buf_lint(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [npx(), "--yes", "@bufbuild/buf@1.75.0", "lint", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=200)
    # buf ends with 100 when it found something; anything else is npm without a registry.
    if done.returncode not in (0, 100):
        pytest.skip(f"npx could not fetch buf: {done.stderr.strip()[-200:]}")
    return done


@pytest.mark.node
def test_buf_finds_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "proto"
    shutil.copytree(PROTO / "sqlstrict", copy / "sqlstrict")
    shutil.copy(PROTO / "buf.yaml", copy)
    done = buf_lint(copy)
    assert done.returncode == 0, done.stdout
    contract = copy / "sqlstrict" / "v1" / "sqlstrict.proto"
    contract.write_text(contract.read_text().replace("DIALECT_SQLITE = 1", "SQLITE = 1"))
    done = buf_lint(copy)
    assert done.returncode == 100
    assert 'Enum value name "SQLITE" should be prefixed' in done.stdout
