"""What a model of noise writes for questions of a schema, by the daemon's own steps.

`soundness.py` calls it, a batch at a time: a draft under the draft grammar; then, unless the draft
is the answer, a statement under the exact grammar of what the draft reads from. With the gate both
are checked as in the daemon; without it, what the exact grammar let through is given back as it is.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from portable import port
from sqlstrictd.constraint import (
    FromSet,
    Grammar,
    Skeleton,
    draft_grammar,
    exact_grammar,
    skeleton_of,
)
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.wire import Failed, Finished, Generate
from sqlstrictd.grammars import with_few, with_linked
from sqlstrictd.policy import Policy
from sqlstrictd.prompt import build_prompt
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import choose_from_sets
from sqlstrictd.schema.render import render
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement
from sqlstrictd.worker.tasks import Checked

QUESTIONS = (
    "How many {table} are there?",
    "List the {column} of all {table}.",
    "What is the highest {column} of the {table}?",
    "Show the {column} of each {table} together with the {other}.",
    "For each {other}, how many {table} have a {column}?",
    "Which {table} have no {other}?",
    "Give the {column} and the number of {table}, the largest first.",
)


@dataclass(frozen=True)
class Case:
    """A schema in the dialect that is measured, and its DDL."""

    name: str
    ddl: str
    schema: Schema

    @classmethod
    def read(cls, path: Path, dialect: str) -> Case:
        """Read a file of SQLite's DDL, and port it where another dialect is measured."""
        ddl = path.read_text()
        schema = parse_schema(ddl, "sqlite")
        if dialect != "sqlite":
            ddl = port(schema, dialect)
            schema = parse_schema(ddl, dialect)
        return cls(path.stem, ddl, schema)


@dataclass(frozen=True)
class Question:
    """What is asked of a case: text made of its names, and the seed of the answer."""

    case: Case
    text: str
    seed: int

    @classmethod
    def about(cls, case: Case, order: random.Random) -> Question:
        """Make a question."""
        table = order.choice(case.schema.tables)
        text = order.choice(QUESTIONS).format(
            table=table.name,
            column=order.choice(table.column_names),
            other=order.choice(case.schema.tables).name,
        )
        return cls(case, text, order.randrange(2**31))


@dataclass(frozen=True)
class Written:
    """The last that was written for a question.

    `stage` is "draft" or "exact". `refusal` says why nothing is returned, reason first; empty where
    the statement is. `draft` is what an exact statement came from.
    """

    stage: str
    refusal: str
    statement: str
    n_tokens: int = 0
    draft: str = ""


class Writer:
    """Writes statements for batches of questions with one model, dialect and policy."""

    def __init__(
        self,
        engine: Engine,
        dialect: str,
        policy: Policy,
        has_gate: bool,
        max_tokens: int,
        temperature: float,
    ) -> None:
        self._engine = engine
        self._dialect = dialect
        self._policy = policy
        self._has_gate = has_gate
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._rendering = engine.describe().schema_rendering
        self._drafts: dict[str, Grammar] = {}  # by schema

    def write(self, questions: Sequence[Question]) -> list[Written]:
        """Answer questions together, in their order."""
        orders = [(question, self._draft_grammar(question), "") for question in questions]
        written = self._generate(orders, "draft")
        again: dict[int, str] = {}  # question number -> its draft
        for number, (question, draft) in enumerate(zip(questions, written, strict=True)):
            if self._has_gate and not draft.refusal:
                written[number] = self._check(draft, question)
            if self._is_to_be_written_again(written[number]):
                again[number] = draft.statement
        for choose in (partial(with_linked, dialect=self._dialect), with_few):
            exact = [
                (questions[number], self._exact_grammar(questions[number], draft, choose), draft)
                for number, draft in again.items()
            ]
            for number, one in zip(list(again), self._generate(exact, "exact"), strict=True):
                is_checked = self._has_gate and not one.refusal
                written[number] = self._check(one, questions[number]) if is_checked else one
                if not one.refusal.startswith("GRAMMAR_TOO_LARGE"):
                    del again[number]
        return written

    def _is_to_be_written_again(self, draft: Written) -> bool:
        """Whether a draft, already judged, is not the last word: without the gate none is."""
        is_answer = self._has_gate and not draft.refusal
        return not is_answer and draft.refusal.split(":")[0] in ("", "BUDGET", "VERIFY_FAILED")

    def _generate(
        self, orders: Sequence[tuple[Question, Grammar, str]], stage: str
    ) -> list[Written]:
        requests = []
        for number, (question, grammar, draft) in enumerate(orders):
            prompt = build_prompt(render(question.case.schema, self._rendering), question.text)
            requests.append(
                Generate(
                    id=number,
                    schema=prompt.schema,
                    question=prompt.question,
                    grammar_key=grammar.key,
                    grammar=grammar.text,
                    max_tokens=self._max_tokens,
                    temperature=self._temperature,
                    seed=question.seed,
                    keep_prompt=stage == "draft",
                    draft=draft,
                )
            )
        answers = self._engine.generate(requests)
        return [
            _written(stage, answer, draft)
            for answer, (_, _, draft) in zip(answers, orders, strict=True)
        ]

    def _draft_grammar(self, question: Question) -> Grammar:
        schema = question.case.schema
        if schema.fingerprint not in self._drafts:
            self._drafts[schema.fingerprint] = draft_grammar(schema, self._dialect, self._policy)
        return self._drafts[schema.fingerprint]

    def _exact_grammar(
        self,
        question: Question,
        draft: str,
        choose: Callable[[Skeleton, Sequence[FromSet]], Skeleton],
    ) -> Grammar:
        """Return the grammar of what the draft reads from, and of what else is chosen."""
        schema = question.case.schema
        read = skeleton_of(draft, schema, self._dialect)
        skeleton = choose(read, choose_from_sets(schema, question.text))
        return exact_grammar(schema, skeleton, self._dialect, self._policy)

    def _check(self, one: Written, question: Question) -> Written:
        """Refuse what the daemon's last check would refuse."""
        schema = question.case.schema
        verdict = check_statement(one.statement, schema, self._dialect, self._policy)
        if Checked(one.statement, verdict, None, self._policy).keeps_promise:
            return one
        messages = "; ".join(problem.message for problem in verdict.problems)
        return replace(one, refusal=f"VERIFY_FAILED: {messages or verdict.kind}")


def _written(stage: str, answer: Finished | Failed, draft: str) -> Written:
    if isinstance(answer, Failed):
        return Written(stage, f"{answer.reason}: {answer.message}", "", 0, draft)
    output = answer.outputs[0]
    refusal = "" if output.finish == "stop" else "BUDGET"
    return Written(stage, refusal, output.text, output.n_tokens, draft)
