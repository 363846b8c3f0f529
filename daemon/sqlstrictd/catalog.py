"""The schemas that questions can name: registered ones, and those that came with a question.

`translate.py`, `check.py` and `service/schemas.py` use it. A registered schema is one file of the
data folder (0600, in a folder of 0700), written beside its place and moved there, and read again at
the next start; a file that is not whole, or is not at the place of the name that it holds (a copy
made by hand, say), is left alone with a warning. Inline schemas are parsed once per text and kept
in memory only.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlstrictd.cache import Cache
from sqlstrictd.errors import DataFolderError, InvalidRequest, SchemaNotFound, TooManySchemas
from sqlstrictd.question import SchemaRef
from sqlstrictd.schema import plain
from sqlstrictd.schema.types import Schema

log = logging.getLogger(__name__)

FORMAT = 1
MAX_REGISTERED = 1024
MAX_INLINE = 128
MAX_INLINE_COLUMNS = 200_000
SUFFIX = ".schema.json"

Parse = Callable[[str, str], Awaitable[Schema]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema and the name that it is kept under."""

    name: str
    schema: Schema


class Catalog:
    """Finds schemas, and keeps registered ones in a folder."""

    def __init__(self, folder: Path, parse: Parse, max_registered: int = MAX_REGISTERED) -> None:
        self._folder = folder
        self._parse = parse
        self._max_registered = max_registered
        self._by_name: dict[str, Schema] = {}
        self._inline: Cache[str, Schema] = Cache(
            MAX_INLINE,
            MAX_INLINE_COLUMNS,
            lambda schema: sum(len(table.columns) for table in schema.tables),
        )

    def load(self) -> None:
        """Read the folder. What cannot be read is left where it is, with a warning."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            paths = sorted(self._folder.iterdir())
        except OSError as error:
            log.warning("schemas cannot be kept in %s: %s", self._folder, error.strerror)
            return
        for path in paths:
            if path.name.endswith(".tmp"):
                # Left by a daemon that was killed while it wrote.
                path.unlink(missing_ok=True)
            elif path.name.endswith(SUFFIX):
                try:
                    registered = _read(path)
                    if path.name != self._path(registered.name).name:
                        raise ValueError("its file name is not that of the name that it holds")
                except (OSError, ValueError, RecursionError) as error:
                    log.warning("%s is not a schema's file, left out: %s", path, _why(error))
                else:
                    self._by_name[registered.name] = registered.schema

    def __len__(self) -> int:
        return len(self._by_name)

    async def find(self, ref: SchemaRef) -> Schema:
        """Return the schema that the reference names. Raises SchemaNotFound or SchemaError."""
        if ref.name is not None:
            return self.get(ref.name).schema
        if ref.fingerprint is not None:
            for schema in self._by_name.values():
                if schema.fingerprint == ref.fingerprint:
                    return schema
            raise SchemaNotFound(
                f"no registered schema has the fingerprint {ref.fingerprint}; register it first"
            )
        if ref.ddl is None:
            raise InvalidRequest("no schema is named; give a name, a fingerprint or DDL", "schema")
        return await self.parse(ref.ddl, ref.dialect)

    async def parse(self, ddl: str, dialect: str) -> Schema:
        """Return the schema of a text, parsed once for all who ask. Raises SchemaError."""
        key = hashlib.sha256(f"{dialect}\0{ddl}".encode()).hexdigest()
        return await self._inline.get(key, lambda: self._parse(ddl, dialect))

    async def register(self, name: str, ddl: str, dialect: str) -> tuple[Registered, bool]:
        """Parse a schema and keep it under a name; says whether one was there before.

        Raises SchemaError, TooManySchemas, and DataFolderError where it cannot be written.
        """
        schema = await self.parse(ddl, dialect)
        is_replaced = name in self._by_name
        if not is_replaced and len(self._by_name) >= self._max_registered:
            raise TooManySchemas(
                f"{self._max_registered} schemas are registered, as many as may; delete one first"
            )
        registered = Registered(name, schema)
        try:
            _write(self._path(name), registered)
        except OSError as error:
            raise DataFolderError(
                f"the schema cannot be kept in the daemon's data folder: {error.strerror}"
            ) from error
        self._by_name[name] = schema
        return registered, is_replaced

    def get(self, name: str) -> Registered:
        """Return the schema of a name. Raises SchemaNotFound."""
        schema = self._by_name.get(name)
        if schema is None:
            raise SchemaNotFound(f"no schema is registered as {name!r}")
        return Registered(name, schema)

    def list(self) -> list[Registered]:
        """Return all registered schemas, ordered by name."""
        return [Registered(name, self._by_name[name]) for name in sorted(self._by_name)]

    def delete(self, name: str) -> None:
        """Forget a schema. Raises SchemaNotFound, and DataFolderError where its file stays."""
        self.get(name)
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise DataFolderError(
                f"the schema's file cannot be removed: {error.strerror}"
            ) from error
        del self._by_name[name]

    def _path(self, name: str) -> Path:
        # A hash, since some file systems take "Shop" and "shop" for one name.
        return self._folder / (hashlib.sha256(name.encode()).hexdigest()[:32] + SUFFIX)


def _write(path: Path, registered: Registered) -> None:
    """Write the file so that it is either whole or not there, whatever happens meanwhile."""
    body = {
        "format": FORMAT,
        "name": registered.name,
        "fingerprint": registered.schema.fingerprint,
        "schema": plain.to_plain(registered.schema),
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp makes it 0600.
    descriptor, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(body, file, ensure_ascii=False)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(path: Path) -> Registered:
    body: Any = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        raise ValueError("it has another format")
    schema = plain.from_plain(body.get("schema"))
    name = body.get("name")
    if not isinstance(name, str) or schema.fingerprint != body.get("fingerprint"):
        raise ValueError("its fingerprint does not fit its content")
    return Registered(name, schema)


def _why(error: Exception) -> str:
    # A JSON error's own text is about positions only; an OSError's repeats the path.
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) if isinstance(error, ValueError) else type(error).__name__
