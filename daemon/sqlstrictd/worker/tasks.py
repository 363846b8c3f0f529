"""Schemas read and statements checked, in worker processes.

`translate.py`, `catalog.py` and `check.py` call this; the work itself is in `schema/ddl.py`
and `verify/`. Two workers, so that a large schema on its way in does not hold up the last check
of everybody's statements.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlstrictd.constraint import Skeleton
from sqlstrictd.counters import Counters
from sqlstrictd.errors import CannotStart, SchemaError, SchemaTooLarge, WorkerFailed
from sqlstrictd.policy import READ_ONLY, Policy
from sqlstrictd.schema import plain
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import Problem, Verdict
from sqlstrictd.worker.process import TookTooLong, Worker

PARSE_LIMIT_S = 30.0
CHECK_LIMIT_S = 5.0
PARSER_IDLE_S = 60.0


@dataclass(frozen=True, slots=True)
class Checked:
    """A statement's verdict under a policy, and its form on the syntax tree where it is in scope.

    Two statements with the same `canonical` form differ in blanks, case or quotes alone.
    """

    statement: str
    verdict: Verdict
    canonical: str | None
    policy: Policy

    @property
    def keeps_promise(self) -> bool:
        """Whether this is one whole statement that the policy allows, and passed every check.

        The semicolon at its end, of which a single statement has one at most, tells that it is
        whole.
        """
        verdict = self.verdict
        return (
            self.statement.endswith(";")
            and verdict.is_single
            and verdict.kind in self.policy.kinds
            and verdict.in_scope
            and verdict.prepares
            and not verdict.problems
        )

    @property
    def breaks_policy(self) -> bool:
        """Whether nothing is wrong with it but that it would change more rows than allowed."""
        problems = self.verdict.problems
        return bool(problems) and all(problem.check == "policy" for problem in problems)


class Workers:
    """Reads schemas and checks statements, each kind of work in a process of its own."""

    def __init__(
        self, counters: Counters, parser: Worker | None = None, checker: Worker | None = None
    ) -> None:
        self._parser = parser or Worker(counters, PARSE_LIMIT_S, idle_s=PARSER_IDLE_S)
        self._checker = checker or Worker(counters, CHECK_LIMIT_S)

    async def warm(self) -> None:
        """Start the checker, so that the first question does not wait for it.

        Raises CannotStart where it does not come up.
        """
        try:
            await self._checker.ask({"task": "hello"})
        except WorkerFailed as error:
            raise CannotStart(
                "the worker process, which checks statements, ended or said nothing when it was"
                " started; `python -m sqlstrictd.worker < /dev/null` shows why"
            ) from error

    async def parse(self, text: str, dialect: str) -> Schema:
        """Read a schema text. Raises SchemaError, or SchemaTooLarge where it takes too long."""
        try:
            reply = await self._parser.ask({"task": "parse", "text": text, "dialect": dialect})
        except TookTooLong as error:
            raise SchemaTooLarge(
                f"reading the schema takes longer than {PARSE_LIMIT_S:g} s; leave out tables"
            ) from error
        if "schema_error" in reply:
            raise SchemaError(**reply["schema_error"])
        return plain.from_plain(reply["schema"])

    async def check(
        self, statements: Sequence[str], schema: Schema, dialect: str, policy: Policy = READ_ONLY
    ) -> list[Checked]:
        """Check statements against a schema."""
        request = {
            "task": "check",
            "statements": list(statements),
            "dialect": dialect,
            "policy": policy.to_plain(),
        }
        reply = await self._ask_with_schema(request, schema)
        return [
            Checked(statement, _verdict(checked["verdict"]), checked["canonical"], policy)
            for statement, checked in zip(statements, reply["checked"], strict=True)
        ]

    async def skeleton_of(self, statement: str, schema: Schema, dialect: str) -> Skeleton | None:
        """Return what a statement reads from; None where it cannot be read, or reads nothing."""
        request = {"task": "skeleton", "statement": statement, "dialect": dialect}
        reply = await self._ask_with_schema(request, schema)
        found = reply["skeleton"]
        return Skeleton.from_json(found) if found is not None else None

    async def close(self) -> None:
        """Stop both workers."""
        await self._parser.close()
        await self._checker.close()

    async def _ask_with_schema(self, request: dict[str, Any], schema: Schema) -> dict[str, Any]:
        request["fingerprint"] = schema.fingerprint
        reply = await self._checker.ask(request)
        if "is_schema_missing" in reply:
            reply = await self._checker.ask({**request, "schema": plain.to_plain(schema)})
        return reply


def _verdict(fields: dict[str, Any]) -> Verdict:
    problems = tuple(
        Problem(**{**problem, "nearest": tuple(problem["nearest"])})
        for problem in fields["problems"]
    )
    return Verdict(
        **{
            **fields,
            "problems": problems,
            "tables": tuple(fields["tables"]),
            "columns": tuple(fields["columns"]),
            "checks": tuple(fields["checks"]),
        }
    )
