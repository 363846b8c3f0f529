"""The second line: a statement of somebody else's, judged against a schema without the model.

`service/check.py` calls it. The verdict is that of the last gate. Whether the model could write the
statement is asked of the engine's own matcher, byte by byte: under the exact grammar of what the
statement reads from, and where it is valid first under the grammar of drafts, as for a question.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlstrictd import dialects
from sqlstrictd.attempt import Rules
from sqlstrictd.catalog import Catalog
from sqlstrictd.counters import Counters
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.grammars import Grammars, NothingToWrite
from sqlstrictd.model.loaded import LoadedModel
from sqlstrictd.policy import Policy
from sqlstrictd.question import SchemaRef
from sqlstrictd.schema.link import choose_part
from sqlstrictd.verify import Verdict
from sqlstrictd.worker.tasks import Workers


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Where the grammar would not go on as the statement does; 0 where it is nowhere."""

    message: str
    line: int = 0
    column: int = 0


@dataclass(frozen=True, slots=True)
class Findings:
    """What the checks found. `is_writable` is None where it was not asked for."""

    verdict: Verdict
    is_writable: bool | None = None
    obstacle: Obstacle | None = None


class Check:
    """Judges statements."""

    def __init__(
        self,
        catalog: Catalog,
        grammars: Grammars,
        engine: EngineRoom,
        workers: Workers,
        counters: Counters,
    ) -> None:
        self._catalog = catalog
        self._grammars = grammars
        self._engine = engine
        self._workers = workers
        self._counters = counters

    async def judge(
        self,
        statement: str,
        schema_ref: SchemaRef,
        dialect: str | None,
        policy: Policy,
        asks_writable: bool,
        deadline: float,
    ) -> Findings:
        """Judge a statement before the deadline, in the event loop's time.

        `dialect` None means that of the schema.
        """
        self._counters.add("checks")
        schema = await self._catalog.find(schema_ref)
        rules = Rules(schema, dialects.get(dialect or schema.dialect).name, policy)
        (checked,) = await self._workers.check([statement], schema, rules.dialect, policy)
        if not asks_writable:
            return Findings(checked.verdict)
        is_valid = checked.verdict.prepares and not checked.verdict.problems
        async with self._engine.enter(deadline) as model:
            obstacle = await self._find_obstacle(model, statement, is_valid, rules, deadline)
        return Findings(checked.verdict, obstacle is None, obstacle)

    async def _find_obstacle(
        self, model: LoadedModel, statement: str, is_valid: bool, rules: Rules, deadline: float
    ) -> Obstacle | None:
        """Return where the grammars would not have written the statement; None where they would."""
        # Blanks around it and a missing final semicolon are not the statement's own.
        text = statement.strip()
        text += "" if text.endswith(";") else ";"
        n_matched = 0
        try:
            # A draft leaves only if it passes the checks, so it is no way for what does not.
            if is_valid:
                # As a question of these words would be drafted: it names its tables plainly.
                part = await asyncio.to_thread(choose_part, rules.schema, statement)
                draft = await self._grammars.draft(rules, None if part.is_whole else part.tables)
                matched = await model.match(draft, text, deadline)
                if matched.is_writable:
                    return None
                n_matched = matched.n_bytes_matched
            skeleton = await self._workers.skeleton_of(text, rules.schema, rules.dialect)
            if skeleton is None and not is_valid:
                return Obstacle(
                    "the grammar needs a statement that parses and names a table of the schema"
                )
            if skeleton is not None:
                exact = await self._grammars.exact(rules, skeleton)
                matched = await model.match(exact, text, deadline)
                if matched.is_writable:
                    return None
                n_matched = max(n_matched, matched.n_bytes_matched)
        except NothingToWrite:
            return Obstacle("no statement of an allowed kind is written for this schema")
        skipped = statement[: len(statement) - len(statement.lstrip())]
        before = skipped + text.encode()[:n_matched].decode(errors="ignore")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        ended = len(before) >= len(statement.rstrip())
        message = (
            "the grammar would go on here" if ended else "the grammar would not write this here"
        )
        return Obstacle(message, line, column)
