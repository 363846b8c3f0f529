"""The folder of models on this machine: names -> files, and which one is chosen.

Used by `sqlstrict model ...` and by the daemon. One model is one file NAME.gguf, whose own metadata
is all that is known of it; the one file beside them is `chosen`, a line with a name. Whatever has
another name is work in progress and never shown. Standard library alone; loads no model.
"""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlstrict_convert.gguf_format.header import read_header

SUFFIX = ".gguf"
REJECTED = ".rejected"  # a conversion outside of its bounds, kept to be looked at
CHOSEN = "chosen"
CHOSEN_MAX_BYTES = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class ModelsFolderError(Exception):
    """The base of what can go wrong here; OSError stays what it is."""


class BadModelName(ModelsFolderError):
    """A text that cannot name a model."""


class NoSuchModel(ModelsFolderError):
    """The folder has no model of that name."""


class ModelInUse(ModelsFolderError):
    """The model is the chosen one, and to be removed only when that is insisted on."""


class NameTaken(ModelsFolderError):
    """A model that came from elsewhere has the name already."""


class BadChoice(ModelsFolderError):
    """What stands in `chosen` names no model, or a model that must not be chosen."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """One file of the folder; nothing of it was read."""

    name: str
    path: Path
    size_bytes: int
    modified_ns: int

    @property
    def is_rejected(self) -> bool:
        """Whether it was kept aside because it is worse than its bounds allow."""
        return self.name.endswith(REJECTED)


class ModelsFolder:
    """The models of one folder, which need not exist yet."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def list(self) -> tuple[InstalledModel, ...]:
        """Return the models by name, those kept aside included."""
        try:
            entries = list(os.scandir(self.path))
        except FileNotFoundError:
            return ()
        found = []
        for entry in entries:
            name = entry.name.removesuffix(SUFFIX)
            if name != entry.name and _NAME.fullmatch(name):
                with contextlib.suppress(NoSuchModel):  # removed meanwhile, or no file
                    found.append(self.find(name))
        return tuple(sorted(found, key=lambda model: model.name))

    def find(self, name: str) -> InstalledModel:
        """Return one model.

        Raises:
            BadModelName, NoSuchModel: the message says what there is.
        """
        path = self.file_of(name)
        if not path.is_file():
            raise NoSuchModel(f"there is no model {name!r} in {self.path}")
        try:
            status = path.stat()
        except FileNotFoundError as error:
            raise NoSuchModel(f"the model {name!r} was removed just now") from error
        return InstalledModel(name, path, status.st_size, status.st_mtime_ns)

    def file_of(self, name: str) -> Path:
        """Return where a model of that name is or would be. Raises BadModelName."""
        return self.path / f"{check_name(name)}{SUFFIX}"

    def chosen(self) -> str | None:
        """Return the name of the chosen model, None where none is; its file may be gone.

        Raises:
            BadChoice: the file holds something else than a name.
        """
        try:
            with (self.path / CHOSEN).open("rb") as file:
                raw = file.read(CHOSEN_MAX_BYTES)
        except FileNotFoundError:
            return None
        try:
            return check_name(raw.decode("ascii").strip())
        except (UnicodeDecodeError, BadModelName) as error:
            raise BadChoice(
                f"{self.path / CHOSEN} holds no model's name; `sqlstrict model use NAME` writes it"
            ) from error

    def choose(self, name: str) -> InstalledModel:
        """Make a model the chosen one: whole or not at all, and kept over a power cut.

        Raises:
            BadModelName, NoSuchModel, BadChoice: the choice is as it was.
            GgufError: the file is broken or cut off; the choice is as it was.
        """
        model = self.find(name)
        if model.is_rejected:
            raise BadChoice(
                f"{name} was kept aside because it is worse than its bounds allow (`sqlstrict "
                f"model show {name}`); to try it all the same: serve --model {model.path}"
            )
        read_header(model.path)
        descriptor, temporary = tempfile.mkstemp(dir=self.path, prefix=".chosen-", suffix=".tmp")
        try:
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(f"{name}\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path / CHOSEN)
        except BaseException:
            os.unlink(temporary)
            raise
        self._sync()
        return model

    def remove(self, name: str, *, is_forced: bool = False) -> InstalledModel:
        """Delete a model's file; where it is the chosen one, none is chosen afterwards.

        Raises:
            BadModelName, NoSuchModel
            ModelInUse: it is the chosen one and `is_forced` was not said.
        """
        model = self.find(name)
        try:
            is_chosen = self.chosen() == name
        except BadChoice:
            is_chosen = False
        if is_chosen and not is_forced:
            raise ModelInUse(
                f"{name} is the chosen model; choose another first (`sqlstrict model use`), or say "
                "--force"
            )
        if is_chosen:
            (self.path / CHOSEN).unlink(missing_ok=True)
        model.path.unlink(missing_ok=True)
        self._sync()
        return model

    def _sync(self) -> None:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def check_name(name: str) -> str:
    """Return a model's name as it is.

    Raises:
        BadModelName: it is a path, empty, too long or has other characters than names have.
    """
    if not _NAME.fullmatch(name):
        raise BadModelName(
            f"{name[:120]!r} cannot name a model: letters, digits, '.', '_' and '-', at most 100, "
            "the first a letter or digit"
        )
    if name.endswith(SUFFIX):
        raise BadModelName(f"leave {SUFFIX} out of the model's name: {name.removesuffix(SUFFIX)}")
    return name


def models_folder(data_folder: str | os.PathLike[str]) -> ModelsFolder:
    """Return the models of a data folder, which is what --data-dir names."""
    return ModelsFolder(Path(data_folder) / "models")


def default_data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return where models are kept when no --data-dir is given, as the daemon has it."""
    named = environ.get("SQLSTRICT_DATA_DIR")
    if named:
        return Path(named).expanduser().absolute()
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        return home / "Library" / "Application Support" / "sqlstrict"
    base = environ.get("XDG_DATA_HOME", "")
    # The XDG rule: a relative path in the variable is to be ignored.
    folder = Path(base) if base.startswith("/") else home / ".local" / "share"
    return folder / "sqlstrict"
