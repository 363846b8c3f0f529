"""A client's wish for another model, from UseModel until it is carried out, refused or superseded.

`follower.py` makes it and ends it; whoever asked waits for `done`.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sqlstrictd.errors import ModelSuperseded, SqlstrictError
from sqlstrictd.model.choice import Choice


def _new_end() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    # Whoever asked may be gone by then.
    done.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    return done


@dataclass(slots=True, eq=False)
class Ask:
    """A client's choice that is not carried out yet.

    `known` are the names that may stand in the folder's choice until then: another name is a later
    choice of somebody's, written there.
    """

    choice: Choice
    known: frozenset[str | None]
    done: asyncio.Future[None] = field(default_factory=_new_end)

    def end(self, error: SqlstrictError | None) -> None:
        """Let go on who waits; with the error, where there is one."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)

    def supersede(self, why: str) -> None:
        """End it because something else is to be done."""
        self.end(ModelSuperseded(f"the model was not changed: {why}"))
