"""Keeps the model that answers the one that should: the chosen file, as it is now.

Runs for the life of the daemon beside `server.py`'s requests. Every few seconds, and sooner on a
hint, it looks which file is chosen and how it looks; one that was changed and has come to rest is
opened, hashed and given to `swap.py`. A file that could not be used is not tried again until
it looks different and holds something else. UseModel comes in here too.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from sqlstrictd.counters import Counters
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import (
    CannotStart,
    DataFolderError,
    InternalError,
    ModelFixed,
    ModelRejected,
    ModelUnusable,
    ShuttingDown,
    SqlstrictError,
)
from sqlstrictd.model.ask import Ask
from sqlstrictd.model.choice import ModelChoice
from sqlstrictd.model.file import Look
from sqlstrictd.model.folder_watch import FolderWatch
from sqlstrictd.model.header import check_header
from sqlstrictd.model.swap import ModelSwap
from sqlstrictd.model.wanted import Rejected, WantedModel

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often the file is looked at, and how long it must look the same before it is taken."""

    look_s: float = 2.0
    settle_s: float = 0.25


class ModelFollower:
    """Watches the choice and its file. Used by the event loop's thread alone."""

    def __init__(
        self,
        choices: ModelChoice,
        room: EngineRoom,
        swap: ModelSwap,
        counters: Counters,
        pace: Pace | None = None,
    ) -> None:
        self.choices = choices
        self.loading = ""
        self.problem = ""
        self._room = room
        self._swap = swap
        self._counters = counters
        self._pace = pace or Pace()
        self._wake = asyncio.Event()
        self._watch = FolderWatch(self._wake.set)
        self._ask: Ask | None = None
        self._seen: WantedModel | None = None
        self._seen_at = 0.0
        self._rejected: Rejected | None = None
        self._work: asyncio.Task[None] | None = None
        self._working_on: tuple[WantedModel, Ask | None] | None = None
        self._sha256 = ""  # of the file that is being taken, as soon as it is known
        self._task: asyncio.Task[None] | None = None
        self._is_stopped = False

    @property
    def watch_words(self) -> str:
        """How changes are noticed, for people."""
        return self._watch.words

    def start(self, rejected: Rejected | None = None) -> None:
        """Follow from now on; a model answers, in place of the one that had to be rejected."""
        if rejected is not None:
            self._rejected = rejected
            self._counters.add("models_rejected")
            self._note_problem(rejected.why)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Stop following; a change that is under way is given up."""
        self._is_stopped = True
        self._supersede("the daemon is stopping")
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None
        await self._give_work_up()
        await self._watch.close()

    async def use(self, name: str) -> None:
        """Choose a model by its name, and return when it answers.

        Raises InvalidRequest, ModelNotFound, ModelFixed, ModelRejected, ModelSuperseded or
        DataFolderError. Cancelling does not take the choice back.
        """
        if self.choices.is_fixed:
            raise ModelFixed(
                "the daemon was started with --model; start it without to choose from the folder"
            )
        choice = self.choices.named(name)
        try:
            await asyncio.to_thread(check_header, choice.path)
        except ModelUnusable as error:
            self._counters.add("models_rejected")
            raise ModelRejected(error.message) from error
        if self._is_stopped:
            raise ShuttingDown("the daemon is stopping")
        if self._ask is None or self._ask.choice != choice:
            # What is superseded may have been written into the folder just now.
            before = self._ask.known if self._ask else frozenset()
            known = before | {self.choices.chosen_name(), choice.name}
            self._supersede(f"{name} was chosen meanwhile")
            self._ask = Ask(choice, known)
        self._wake.set()
        await asyncio.shield(self._ask.done)

    def _supersede(self, why: str) -> None:
        if self._ask is not None:
            self._ask.supersede(why)
        self._ask = None

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                pause_s = await self._look()
            except Exception:
                # Whatever it was: the model that answers goes on, and the next look may be better.
                log.exception("the model's file could not be looked at")
                self._supersede("its file could not be looked at; see the daemon's log")
                pause_s = self._pace.look_s
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()

    async def _look(self) -> float:
        """Look once, begin or end what that calls for, and return when to look again."""
        pace, now = self._pace, asyncio.get_running_loop().time()
        wanted = await self._find_wanted()
        if self._work is not None:
            if not self._work.done() and self._working_on == (wanted, self._ask):
                return pace.look_s
            await self._give_work_up()
        if wanted is None:
            return pace.look_s
        if self._ask is None:
            if self._is_in_place(wanted):
                self.problem, self._room.choice = "", wanted.choice
                return pace.look_s
            if self._rejected is not None and self._rejected.wanted == wanted:
                self.problem = self._rejected.why
                return pace.look_s
        if self._seen != wanted:
            self._seen, self._seen_at = wanted, now
        left_s = self._seen_at + pace.settle_s - now
        if left_s > 0 and not self._is_in_place(wanted):
            return left_s
        self._working_on = (wanted, self._ask)
        self._work = asyncio.create_task(self._take(wanted, self._ask))
        self._work.add_done_callback(lambda _: self._wake.set())
        return pace.look_s

    async def _find_wanted(self) -> WantedModel | None:
        """Return what should answer; None, with the problem noted, where that cannot be had."""
        chosen = None if self.choices.is_fixed else self.choices.chosen_name()
        if self._ask is not None and chosen not in self._ask.known:
            self._supersede(f"{chosen} was chosen meanwhile")
        try:
            choice = self._ask.choice if self._ask else await self.choices.read()
            self._watch.watch(choice.path.parent)
            return WantedModel(choice, Look.at(choice.path))
        except OSError as error:
            why = f"the model {choice.path} cannot be read: {error.strerror}"
        except (ModelUnusable, CannotStart) as error:
            why = error.message
        if self._ask is not None:
            self._end_ask(self._ask, ModelRejected(why))
        else:
            self._note_problem(why)
        return None

    def _is_in_place(self, wanted: WantedModel) -> bool:
        current = self._room.current.file
        return (wanted.choice.path, wanted.look) == (current.path, current.look)

    async def _give_work_up(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait({self._work})
            self._work = self._working_on = None

    async def _take(self, wanted: WantedModel, ask: Ask | None) -> None:
        """Have the wanted file answer, and say how that went. Ends without an exception."""
        self.loading = wanted.choice.name
        self._sha256 = ""
        try:
            await self._bring_in(wanted, ask)
        except SqlstrictError as error:
            if wanted.looks_the_same:
                self._note_rejected(wanted, ask, error)
            else:
                # What was wrong with it says nothing of what it is now; the next look begins anew.
                log.info("the file of %s was changed meanwhile: %s", wanted.choice.name, error)
        except Exception as error:
            log.exception("the model could not be changed")
            why = f"the model could not be changed: {type(error).__name__}; please report it"
            self._note_rejected(wanted, ask, InternalError(why))
        else:
            self.problem, self._rejected = "", None
            self._end_ask(ask, None)
        finally:
            self.loading = ""

    async def _bring_in(self, wanted: WantedModel, ask: Ask | None) -> None:
        choice, current = wanted.choice, self._room.current

        async def confirm() -> None:
            if not wanted.looks_the_same:
                raise ModelRejected(f"the file of {choice.name} was changed while it was loaded")
            if ask is not None:
                await _to_its_end(self.choices.write, choice)

        if self._is_in_place(wanted):
            await confirm()
            self._room.choice = choice
            return
        file = await wanted.open()
        self._sha256 = file.sha256
        rejected = self._rejected
        if file.sha256 == current.file.sha256:
            current.file.take_descriptor(file)
            await confirm()
            self._room.choice = choice
        elif ask is None and rejected is not None and rejected.sha256 == file.sha256:
            file.close()
            raise ModelRejected(rejected.why)
        else:
            log.info("loading the model %s beside the one that answers", choice.name)
            await self._swap.bring_in(choice, file, confirm)
            self._counters.add("model_swaps")
            log.info("the model %s answers from now on", choice.name)

    def _note_rejected(self, wanted: WantedModel, ask: Ask | None, error: SqlstrictError) -> None:
        self._counters.add("models_rejected")
        # A choice that could not be kept says nothing against the file.
        if not isinstance(error, DataFolderError):
            self._rejected = Rejected(wanted, self._sha256, error.message)
        if ask is None:
            self._note_problem(error.message)
            return
        log.error("the model stays as it is: %s", error.message)
        if not isinstance(error, ModelRejected | DataFolderError | InternalError):
            error = ModelRejected(error.message)
        self._end_ask(ask, error)

    def _note_problem(self, why: str) -> None:
        if why != self.problem:
            log.error("the model stays as it is: %s", why)
            self._counters.note_error(f"the model stays as it is: {why}")
        self.problem = why

    def _end_ask(self, ask: Ask | None, error: SqlstrictError | None) -> None:
        if ask is not None:
            ask.end(error)
        if self._ask is ask:
            self._ask = None


async def _to_its_end(call: Callable[..., object], *arguments: Any) -> None:
    """Call in a thread; a cancellation goes on only when the call has ended."""
    working = asyncio.ensure_future(asyncio.to_thread(call, *arguments))
    try:
        await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
