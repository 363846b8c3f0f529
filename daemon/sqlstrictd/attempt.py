"""What the model wrote in one attempt, and which of it passed the last check.

`translate.py` makes one of each attempt. The checks themselves are in `verify/`, run by a worker;
here is only what they mean for an answer: which outputs may leave, and in what order.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from sqlstrictd.dialects.facts import Dialect
from sqlstrictd.engine import wire
from sqlstrictd.policy import Policy
from sqlstrictd.question import Usage
from sqlstrictd.schema.types import Schema
from sqlstrictd.worker.tasks import Checked, Workers


@dataclass(frozen=True, slots=True)
class Rules:
    """What a statement must keep to, in the grammar and in the last check alike."""

    schema: Schema
    dialect: str
    policy: Policy

    @classmethod
    def of(cls, schema: Schema, dialect: Dialect, policy: Policy) -> Rules | None:
        """Return the rules with the kinds that the dialect has; None where none is left."""
        kinds = policy.kinds & dialect.kinds
        if not kinds:
            return None
        return cls(schema, dialect.name, Policy(kinds, policy.allows_unfiltered))


@dataclass(frozen=True, slots=True)
class Passed:
    """An output of the engine's that passed the last check."""

    output: wire.Output
    check: Checked


@dataclass(frozen=True, slots=True)
class Attempt:
    """All outputs of an attempt, best first, and of those that are whole what passed or failed."""

    outputs: tuple[wire.Output, ...]
    passed: tuple[Passed, ...] = ()
    failed: tuple[Checked, ...] = ()
    is_too_large: bool = False  # nothing was written: no grammar was within the matcher's limits

    @property
    def stands(self) -> bool:
        """Whether the best output passed; a worse one that did is no more than an alternative."""
        return bool(self.passed) and self.passed[0].output is self.outputs[0]

    @property
    def has_whole(self) -> bool:
        """Whether any output was finished before its token budget ended."""
        return any(output.finish == "stop" for output in self.outputs)


async def judge(
    workers: Workers, outputs: tuple[wire.Output, ...], rules: Rules, usage: Usage
) -> Attempt:
    """Check the outputs that are whole; the time it took is added to `usage`."""
    whole = [output for output in outputs if output.finish == "stop"]
    if not whole:
        return Attempt(outputs)
    began = time.monotonic_ns()
    texts = [output.text for output in whole]
    checked = await workers.check(texts, rules.schema, rules.dialect, rules.policy)
    usage.verify_us += (time.monotonic_ns() - began) // 1000
    both = list(zip(whole, checked, strict=True))
    return Attempt(
        outputs,
        passed=distinct(Passed(output, check) for output, check in both if check.keeps_promise),
        failed=tuple(check for check in checked if not check.keeps_promise),
    )


def distinct(passed: Iterable[Passed]) -> tuple[Passed, ...]:
    """Keep the first of those that are the same statement as syntax trees, in their order."""
    kept: dict[str, Passed] = {}
    for one in passed:
        kept.setdefault(one.check.canonical or one.check.statement, one)
    return tuple(kept.values())
