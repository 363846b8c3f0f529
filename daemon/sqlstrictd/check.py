"""The second line: a statement of somebody else's, judged against a schema without the model.

`service/check.py` calls it. The verdict is that of the last gate; whether the grammar could write
the statement is asked of the engine's own matcher, byte by byte, with the FROM sets that the
statement itself names.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlstrictd.catalog import Catalog
from sqlstrictd.counters import Counters
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.grammars import Grammars
from sqlstrictd.policy import Policy
from sqlstrictd.question import SchemaRef
from sqlstrictd.schema.types import Schema
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
        dialect = dialect or schema.dialect
        (checked,) = await self._workers.check([statement], schema, dialect, policy)
        if not asks_writable:
            return Findings(checked.verdict)
        obstacle = await self._find_obstacle(statement, schema, dialect, deadline)
        return Findings(checked.verdict, obstacle is None, obstacle)

    async def _find_obstacle(
        self, statement: str, schema: Schema, dialect: str, deadline: float
    ) -> Obstacle | None:
        """Return where the grammar would not have written the statement; None where it would."""
        from_sets = await self._workers.from_sets_of(statement, schema)
        if not from_sets:
            return Obstacle("the grammar writes a SELECT from tables of the schema; this is none")
        grammar = await self._grammars.get(schema, from_sets, dialect)
        # Blanks around it and a missing final semicolon are not the statement's own.
        text = statement.strip()
        text += "" if text.endswith(";") else ";"
        matched = await self._engine.match(grammar, text, deadline)
        if matched.is_writable:
            return None
        skipped = statement[: len(statement) - len(statement.lstrip())]
        before = skipped + text.encode()[: matched.n_bytes_matched].decode(errors="ignore")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        ended = len(before) >= len(statement.rstrip())
        message = (
            "the grammar would go on here" if ended else "the grammar would not write this here"
        )
        return Obstacle(message, line, column)
