"""A file that should answer, as it looked: whether it still looks so, and opening it off the loop.

`follower.py` decides by it what to load. What is written to while it is read is not taken.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass

from sqlstrictd.errors import ModelRejected
from sqlstrictd.model.choice import Choice
from sqlstrictd.model.file import Look, ModelFile, open_model_file


@dataclass(frozen=True, slots=True)
class WantedModel:
    """A file that should answer, as it looked."""

    choice: Choice
    look: Look

    @property
    def looks_the_same(self) -> bool:
        """Whether the file is there and looks as it did."""
        try:
            return Look.at(self.choice.path) == self.look
        except OSError:
            return False

    async def open(self) -> ModelFile:
        """Open, check and hash it in a thread.

        Raises ModelUnusable, or ModelRejected where it does not look as it did any more.
        """
        stop = threading.Event()
        opening = asyncio.ensure_future(
            asyncio.to_thread(open_model_file, self.choice.path, stop.is_set)
        )
        try:
            file = await asyncio.shield(opening)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait({opening})
            if opening.exception() is None:
                opening.result().close()
            raise
        if file.look != self.look:
            file.close()
            raise ModelRejected(f"the file of {self.choice.name} was changed while it was read")
        return file


@dataclass(frozen=True, slots=True)
class Rejected:
    """A file that could not be used, and its digest where it came that far."""

    wanted: WantedModel
    sha256: str
    why: str
