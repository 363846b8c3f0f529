"""The model that the daemon begins with: loaded, and tried as every later one is.

`house.py` calls it once. A chosen model that cannot serve leaves its place to the bundled one, as
it would have where that one was answering already; the follower then says why, and takes the chosen
one as soon as its file is another.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import CannotStart, ModelRejected, ModelUnusable
from sqlstrictd.model.choice import ModelChoice, open_bundled
from sqlstrictd.model.loaded import LoadedModel
from sqlstrictd.model.swap import ModelSwap
from sqlstrictd.model.wanted import Rejected, WantedModel

log = logging.getLogger(__name__)

Probe = Callable[[LoadedModel], Awaitable[None]]


async def start_first(
    room: EngineRoom, swap: ModelSwap, choices: ModelChoice, probe: Probe
) -> Rejected | None:
    """Have a model answer; returns the chosen one where that could not be it.

    Raises CannotStart where no model can serve: not the one given with --model, or not even the
    bundled one.
    """
    current, choice = room.current, room.choice
    try:
        await current.supervisor.start()
        await probe(current)
        return None
    except (CannotStart, ModelRejected) as error:
        if choice.origin != "chosen":
            raise CannotStart(error.message) from error
        why = error.message
    log.error("the chosen model cannot serve, so the bundled one is to answer: %s", why)
    current.give_up(ModelUnusable(why))
    try:
        bundled, file = await open_bundled(choices)
        await swap.bring_in(bundled, file, _agree)
    except (CannotStart, ModelUnusable, ModelRejected) as error:
        raise CannotStart(f"{why}; nor can the bundled model serve: {error.message}") from error
    look = current.file.look
    return Rejected(WantedModel(choice, look), current.file.sha256, why) if look else None


async def _agree() -> None:
    """Nobody has anything against the bundled model."""
