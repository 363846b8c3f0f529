"""Which model is to answer: the file given with --model, else the chosen one, else the bundled one.

`server.py` asks at the start, `follower.py` all the time, `service/models.py` for names that
clients give. Names and the choice are kept by `sqlstrict_convert.models.folder`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlstrict_convert.gguf_format.header import GgufError
from sqlstrict_convert.models.folder import (
    BadChoice,
    BadModelName,
    ModelsFolderError,
    NoSuchModel,
    models_folder,
)

from sqlstrictd.config import Config
from sqlstrictd.errors import (
    CannotStart,
    DataFolderError,
    InvalidRequest,
    ModelNotFound,
    ModelRejected,
    ModelUnusable,
)
from sqlstrictd.model.bundled import BUNDLED, bundled_model
from sqlstrictd.model.file import ModelFile, open_model_file
from sqlstrictd.model.old_bundled import remove_old_bundled

log = logging.getLogger(__name__)

BUNDLED_RETRY_S = 60.0
Origin = Literal["flag", "chosen", "bundled"]


@dataclass(frozen=True, slots=True)
class Choice:
    """A file that is to answer, and why it is this one."""

    origin: Origin
    path: Path

    @property
    def name(self) -> str:
        """The file's name, without its folder and ".gguf"."""
        return self.path.name.removesuffix(".gguf")


class ModelChoice:
    """The choice as it is now; kept here is only what became of the bundled model's GGUF."""

    def __init__(self, config: Config, bundled: Path = BUNDLED) -> None:
        self.folder = models_folder(config.data_folder)
        self._flag = config.model
        self._bundled = bundled
        self._bundled_gguf: Path | None = None
        self._bundled_problem = ""
        self._bundled_failed_at = 0.0

    @property
    def is_fixed(self) -> bool:
        """Whether the model was given with --model, so that no other can be chosen."""
        return self._flag is not None

    def chosen_name(self) -> str | None:
        """Return the chosen name; None where none is, or it is not to be read."""
        try:
            return self.folder.chosen()
        except (BadChoice, OSError):
            return None

    async def read(self) -> Choice:
        """Return which file is to answer; the bundled one is converted where it has to be.

        Raises ModelUnusable where that cannot be told, CannotStart where there is none.
        """
        if self._flag is not None:
            return Choice("flag", self._flag)
        try:
            name = self.folder.chosen()
            if name is not None:
                return Choice("chosen", self.folder.file_of(name))
        except NotADirectoryError:
            pass  # nothing is chosen where no folder can be; what keeps the model says so
        except (ModelsFolderError, OSError) as error:
            why = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) else error
            raise ModelUnusable(f"it cannot be read which model is chosen: {why}") from error
        return await self.bundled()

    async def bundled(self) -> Choice:
        """Return the bundled model, converted where it has to be. Raises CannotStart."""
        return Choice("bundled", await self._read_bundled())

    async def _read_bundled(self) -> Path:
        """Return the bundled model's GGUF; what failed is not tried again at every look."""
        if self._bundled_gguf is not None and self._bundled_gguf.is_file():
            return self._bundled_gguf
        now = asyncio.get_running_loop().time()
        if self._bundled_problem and now < self._bundled_failed_at + BUNDLED_RETRY_S:
            raise CannotStart(self._bundled_problem)
        try:
            self._bundled_gguf = await bundled_model(self.folder.path, self._bundled)
        except CannotStart as error:
            self._bundled_problem, self._bundled_failed_at = error.message, now
            raise
        self._bundled_problem = ""
        await asyncio.to_thread(remove_old_bundled, self._bundled_gguf, self.chosen_name())
        return self._bundled_gguf

    def named(self, name: str) -> Choice:
        """Return the model that a client names. Raises InvalidRequest or ModelNotFound."""
        try:
            model = self.folder.find(name)
        except BadModelName as error:
            raise InvalidRequest(str(error), "name") from error
        except NoSuchModel as error:
            raise ModelNotFound(str(error)) from error
        if model.is_rejected:
            raise ModelRejected(
                f"{name} was kept aside because it is worse than its bounds allow; to try it all"
                f" the same: serve --model {model.path}"
            )
        return Choice("chosen", model.path)

    def write(self, choice: Choice) -> None:
        """Keep a model as the chosen one. Raises ModelRejected or DataFolderError."""
        try:
            self.folder.choose(choice.name)
        except (ModelsFolderError, GgufError) as error:
            raise ModelRejected(str(error)) from error
        except OSError as error:
            raise DataFolderError(
                f"the choice cannot be kept in {self.folder.path}: {error.strerror}"
            ) from error


async def find_model_file(choices: ModelChoice) -> tuple[Choice, ModelFile]:
    """Return the file that the first engine is to load: the bundled one where the chosen one is not
    to be read, as `follower.py` then says.

    Raises CannotStart where there is none, or it is not a file that a model could be in.
    """
    try:
        choice = await choices.read()
        if choice.origin == "bundled":
            return await open_bundled(choices)
        return choice, await asyncio.to_thread(open_model_file, choice.path)
    except ModelUnusable as error:
        why = error.message
        if choices.is_fixed:
            raise CannotStart(why) from error
    log.error("the chosen model cannot be read, so the bundled one is to answer: %s", why)
    try:
        return await open_bundled(choices)
    except CannotStart as error:
        raise CannotStart(
            f"{why}; choose another with `sqlstrict model use`, or give one with --model FILE;"
            f" nor can the bundled model serve: {error.message}"
        ) from error


async def open_bundled(choices: ModelChoice) -> tuple[Choice, ModelFile]:
    """Return the bundled model's file. Raises CannotStart."""
    choice = await choices.bundled()
    try:
        return choice, await asyncio.to_thread(open_model_file, choice.path)
    except ModelUnusable as error:
        raise CannotStart(error.message) from error
