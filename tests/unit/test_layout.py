"""The house's walls: who may import whom, and which file alone may touch which library."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "sqlstrict_proto": ROOT / "proto/sqlstrict_proto",
    "sqlstrict_convert": ROOT / "convert/sqlstrict_convert",
    "sqlstrict_train": ROOT / "train/sqlstrict_train",
    "sqlstrictd": ROOT / "daemon/sqlstrictd",
    "sqlstrict": ROOT / "clients/python/sqlstrict",
}
# What of ours each package may import, besides itself.
MAY_IMPORT = {
    "sqlstrict_proto": (),
    "sqlstrict_convert": (),
    "sqlstrict_train": ("sqlstrictd.schema", "sqlstrictd.prompt", "sqlstrictd.constraint"),
    # Reading model files and their folder needs the standard library alone.
    "sqlstrictd": (
        "sqlstrict_proto",
        "sqlstrict_convert.gguf_format.header",
        "sqlstrict_convert.models.folder",
    ),
    "sqlstrict": ("sqlstrict_proto",),
}
# The only files of the packages that may import a library, as paths from the root.
ONLY_IN = {
    "llama_cpp": ("daemon/sqlstrictd/engine/llama.py", "convert/sqlstrict_convert/"),
    "llguidance": ("daemon/sqlstrictd/engine/matcher.py",),
    "torch": ("train/sqlstrict_train/",),
    "transformers": ("train/sqlstrict_train/",),
    "duckdb": ("clients/python/sqlstrict/introspect_duckdb.py", "daemon/sqlstrictd/verify/"),
    "psycopg": ("clients/python/sqlstrict/introspect_postgres.py",),
    "pymysql": ("clients/python/sqlstrict/introspect_mysql.py",),
    "huggingface_hub": ("convert/sqlstrict_convert/source/hub",),  # hub.py and hub_problems.py
    "jinja2": (),
    "pickle": (),
}


def imports(path: Path, package: str) -> set[str]:
    """The dotted names that a file imports, late imports included, relative ones resolved."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            module = node.module or ""
            found.add(module)
            found.update(f"{module}.{alias.name}" for alias in node.names)
    return found


def files() -> list[tuple[str, Path]]:
    return [
        (package, path)
        for package, root in PACKAGES.items()
        for path in sorted(root.rglob("*.py"))
        if "_pb2" not in path.name
    ]


def is_within(name: str, prefixes: tuple[str, ...]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in prefixes)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_what_they_may(package: str) -> None:
    others = tuple(PACKAGES)
    allowed = (package, *MAY_IMPORT[package])
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for owner, path in files()
        if owner == package
        for name in imports(path, package)
        if is_within(name, others) and not is_within(name, allowed) and name != "sqlstrictd"
    ]
    assert not wrong, wrong


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_is_imported_where_it_belongs(library: str) -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package, path in files()
        if any(is_within(name, (library,)) for name in imports(path, package))
        and not str(path.relative_to(ROOT)).startswith(ONLY_IN[library] or "-")
    ]
    assert not wrong, wrong


def test_the_front_takes_nothing_from_the_engine_but_its_messages() -> None:
    engine = PACKAGES["sqlstrictd"] / "engine"
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for package, path in files()
        if package == "sqlstrictd" and engine not in path.parents
        for name in imports(path, package)
        if is_within(name, ("sqlstrictd.engine",))
        and not is_within(name, ("sqlstrictd.engine.wire",))
        and name != "sqlstrictd.engine"
    ]
    assert not wrong, wrong


def test_the_thin_client_needs_grpc_and_protobuf_alone() -> None:
    import sys

    outside = {
        name.split(".")[0]
        for package, path in files()
        if package in ("sqlstrict", "sqlstrict_proto")
        for name in imports(path, package)
        if name.split(".")[0] not in sys.stdlib_module_names
    }
    drivers = {"duckdb", "psycopg", "pymysql"}  # each is an extra's
    assert outside - drivers <= {"grpc", "google", "sqlstrict", "sqlstrict_proto"}, outside


@pytest.mark.parametrize("driver", ["duckdb", "psycopg", "pymysql"])
def test_a_database_driver_is_imported_only_when_it_is_used(driver: str) -> None:
    for package, path in files():
        if package == "sqlstrict":
            outermost = ast.parse(path.read_text()).body
            found = {
                alias.name
                for node in outermost
                if isinstance(node, ast.Import)
                for alias in node.names
            } | {node.module for node in outermost if isinstance(node, ast.ImportFrom)}
            assert not any(is_within(name or "", (driver,)) for name in found), path


def test_versions_agree() -> None:
    import sqlstrictd

    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changelog = (ROOT / "CHANGELOG.md").read_text()
    latest = next(
        line for line in changelog.splitlines() if line.startswith("## [") and "Unrel" not in line
    )
    assert f"[{version}]" in latest
    assert sqlstrictd.__version__ == version
