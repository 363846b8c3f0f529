from __future__ import annotations

import logging
import os
import stat
from pathlib import Path

import pytest
from sqlstrictd.catalog import Catalog
from sqlstrictd.errors import DataFolderError, SchemaError, SchemaNotFound, TooManySchemas
from sqlstrictd.question import SchemaRef
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.types import Schema

SHOP = 'CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL NOT NULL, "grö ße" TEXT);'
OTHER = "CREATE TABLE t (a INT);"


class Parser:
    """The real parser in this process; counts its calls."""

    def __init__(self) -> None:
        self.n_calls = 0

    async def __call__(self, ddl: str, dialect: str) -> Schema:
        self.n_calls += 1
        return parse_schema(ddl, dialect)


def open_catalog(folder: Path, **settings: int) -> Catalog:
    catalog = Catalog(folder / "schemas", Parser(), **settings)
    catalog.load()
    return catalog


async def test_a_schema_is_found_by_name_and_by_fingerprint(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    registered, was_there = await catalog.register("shop", SHOP, "sqlite")
    assert not was_there
    assert registered.schema == parse_schema(SHOP)
    by_name = await catalog.find(SchemaRef(name="shop"))
    by_fingerprint = await catalog.find(SchemaRef(fingerprint=by_name.fingerprint))
    assert by_name == by_fingerprint == registered.schema
    for ref in (SchemaRef(name="Shop"), SchemaRef(fingerprint="0" * 64)):
        with pytest.raises(SchemaNotFound):
            await catalog.find(ref)


async def test_schemas_are_there_after_a_restart_without_being_parsed(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    await catalog.register("b", OTHER, "ansi")
    await catalog.register("a", OTHER, "sqlite")
    parser = Parser()
    again = Catalog(tmp_path / "schemas", parser)
    again.load()
    assert [registered.name for registered in again.list()] == ["a", "b", "shop"]
    assert again.list() == catalog.list()
    assert parser.n_calls == 0


async def test_a_name_is_replaced_and_deleted_for_good(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    _, was_there = await catalog.register("shop", OTHER, "sqlite")
    assert was_there
    assert open_catalog(tmp_path).get("shop").schema == parse_schema(OTHER)
    catalog.delete("shop")
    with pytest.raises(SchemaNotFound):
        catalog.delete("shop")
    assert len(open_catalog(tmp_path)) == 0
    assert list((tmp_path / "schemas").iterdir()) == []


async def test_names_that_differ_in_case_are_two(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    await catalog.register("SHOP", OTHER, "sqlite")
    assert len(open_catalog(tmp_path)) == 2
    names = [path.name.lower() for path in (tmp_path / "schemas").iterdir()]
    assert len(set(names)) == 2


async def test_files_are_for_the_owner_alone(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    folder = tmp_path / "schemas"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()] == [0o600]


async def test_bad_ddl_keeps_what_was_there(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    with pytest.raises(SchemaError):
        await catalog.register("shop", "CREATE TABLE", "sqlite")
    assert catalog.get("shop").schema == parse_schema(SHOP)


async def test_every_broken_file_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    await catalog.register("good", OTHER, "sqlite")
    path = next(path for path in (tmp_path / "schemas").iterdir() if '"shop"' in path.read_text())
    whole = path.read_bytes()
    broken = [whole[:size] for size in range(0, len(whole), 7)]
    broken += [
        whole.replace(b"price", b"prize"),
        whole.replace(b'"format": 1', b'"format": 2'),
        whole.replace(b'"orders"', b"7"),
        b"[" * 100_000,
        b"\xff\xfe",
        b"null",
        b'{"format": 1}',
    ]
    for content in broken:
        assert content != whole
        path.write_bytes(content)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            again = open_catalog(tmp_path)
        assert [registered.name for registered in again.list()] == ["good"]
        assert len(caplog.records) == 1
        assert "orders" not in caplog.text
        assert path.read_bytes() == content


async def test_a_copy_of_a_file_is_left_out_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = open_catalog(tmp_path)
    await catalog.register("shop", SHOP, "sqlite")
    (path,) = (tmp_path / "schemas").iterdir()
    copy = path.with_name("copy.schema.json")
    copy.write_bytes(path.read_bytes())
    with caplog.at_level(logging.WARNING):
        again = open_catalog(tmp_path)
    assert [registered.name for registered in again.list()] == ["shop"]
    assert len(caplog.records) == 1 and str(copy) in caplog.text
    again.delete("shop")
    assert len(open_catalog(tmp_path)) == 0
    assert copy.exists()


async def test_what_a_killed_writer_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "half.tmp").write_text("{")
    assert len(open_catalog(tmp_path)) == 0
    assert list(folder.iterdir()) == []


async def test_a_folder_that_cannot_be_written_is_an_error_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "schemas").write_text("in the way")
    catalog = open_catalog(tmp_path)
    with pytest.raises(DataFolderError):
        await catalog.register("shop", SHOP, "sqlite")
    with pytest.raises(SchemaNotFound):
        catalog.get("shop")
    # Inline schemas need no folder.
    assert await catalog.find(SchemaRef(ddl=SHOP)) == parse_schema(SHOP)


async def test_a_text_is_parsed_once(tmp_path: Path) -> None:
    parser = Parser()
    catalog = Catalog(tmp_path, parser)
    for _ in range(3):
        await catalog.find(SchemaRef(ddl=SHOP))
    assert parser.n_calls == 1
    ansi = await catalog.find(SchemaRef(ddl=SHOP, dialect="ansi"))
    assert ansi.dialect == "ansi"


async def test_there_is_an_end_to_registering(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path, max_registered=2)
    await catalog.register("a", OTHER, "sqlite")
    await catalog.register("b", OTHER, "sqlite")
    with pytest.raises(TooManySchemas):
        await catalog.register("c", OTHER, "sqlite")
    await catalog.register("b", SHOP, "sqlite")
    assert os.listdir(tmp_path / "schemas")
