"""THE MAIN LINE: a question and a schema become one statement that keeps the promise, or a refusal.

`service/translation.py` calls it. Read `Translator.translate` first: one step per row. It knows
neither gRPC nor llama.cpp, and it opens nothing: schemas come from the catalog, tokens from the
engine, verdicts from the workers.

The model writes twice at most. Its draft is free but for the names, which are the schema's; mostly
it passes the checks and is the answer. Where it does not, what it reads from is the skeleton of an
exact grammar, in which every name is in scope where it stands, and the model writes again. A draft
that did not pass is seen by nobody but as the draft that a stream was asked to show.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import replace

from sqlstrictd import __version__, dialects
from sqlstrictd.attempt import Attempt, Passed, Rules, distinct, judge
from sqlstrictd.catalog import Catalog
from sqlstrictd.constraint import Skeleton
from sqlstrictd.counters import Counters
from sqlstrictd.engine import wire
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.errors import GrammarTooLarge, PromptTooLong, WorkerFailed
from sqlstrictd.grammars import Grammars, NothingToWrite, with_few, with_linked
from sqlstrictd.model.loaded import LoadedModel
from sqlstrictd.prompt import build_prompt
from sqlstrictd.question import (
    Answer,
    Certificate,
    Confidence,
    Question,
    RefusalReason,
    Sql,
    Usage,
)
from sqlstrictd.refusals import TOO_LARGE, write_refusal
from sqlstrictd.schema.link import choose_from_sets, choose_part, unmatched_words
from sqlstrictd.schema.types import Schema
from sqlstrictd.worker.tasks import Checked, Workers

log = logging.getLogger(__name__)

# Called with the engine's progress and the number of the attempt, from 1.
OnProgress = Callable[[wire.Progress, int], None]

# The schema's share of the prompt is cut by these where the engine's own count of tokens says that
# it is too long after all.
PROMPT_CUTS = (1, 2, 4)


class Translator:
    """Answers questions."""

    def __init__(
        self,
        catalog: Catalog,
        grammars: Grammars,
        engine: EngineRoom,
        workers: Workers,
        counters: Counters,
        log_content: bool = False,
    ) -> None:
        self._catalog = catalog
        self._grammars = grammars
        self._engine = engine
        self._workers = workers
        self._counters = counters
        self._log_content = log_content

    async def translate(
        self, question: Question, deadline: float, on_progress: OnProgress = lambda *_: None
    ) -> Answer:
        """Answer a question before the deadline, in the event loop's time.

        Raises what is wrong with the request or the house, as `errors.py` lists it.
        """
        began = time.monotonic_ns()
        usage = Usage()
        schema = await self._catalog.find(question.schema)
        dialect = dialects.get(question.dialect or schema.dialect)
        rules = Rules.of(schema, dialect, question.policy)
        if rules is None:
            return await self._refuse(RefusalReason.POLICY, question, schema, dialect.name, usage)

        # However often it writes, one model writes all of the answer.
        async with self._engine.enter(deadline) as model:
            try:
                order, draft = await self._draft(
                    model, question, rules, deadline, usage, on_progress
                )
            except NothingToWrite:
                return await self._refuse(
                    RefusalReason.UNSUPPORTED, question, schema, dialect.name, usage
                )
            attempt, passed = draft, draft.passed
            if not draft.stands:
                attempt = await self._write_again(
                    model, question, rules, order, draft, deadline, usage, on_progress
                )
                passed = distinct((*attempt.passed, *draft.passed))
        usage.total_us = (time.monotonic_ns() - began) // 1000

        if not passed:
            reason = _why_nothing_passed(attempt)
            message = TOO_LARGE if attempt.is_too_large else ""
            return await self._refuse(
                reason, question, schema, dialect.name, usage, message=message
            )
        unmatched = await asyncio.to_thread(unmatched_words, schema, question.text)
        sql = self._sql(passed[: question.n], rules, model.identity, 1.0 - unmatched.share)
        if sql.confidence.score < question.min_confidence:
            return await self._refuse(
                RefusalReason.LOW_CONFIDENCE,
                question,
                schema,
                dialect.name,
                usage,
                sql.confidence.score,
            )
        self._counters.add("answers")
        return Answer(sql, usage)

    async def _draft(
        self,
        model: LoadedModel,
        question: Question,
        rules: Rules,
        deadline: float,
        usage: Usage,
        on_progress: OnProgress,
    ) -> tuple[wire.Generate, Attempt]:
        """Have the model write with the part of the schema that the question needs.

        Raises NothingToWrite.
        """
        reading = await model.reading()
        for cut in PROMPT_CUTS:
            part = await asyncio.to_thread(
                choose_part,
                rules.schema,
                question.text,
                reading.max_characters // cut,
                rendering=reading.rendering,
            )
            grammar = await self._grammars.draft(rules, None if part.is_whole else part.tables)
            prompt = build_prompt(await model.render(part), question.text)
            order = wire.Generate(
                id=0,
                schema=prompt.schema,
                question=prompt.question,
                grammar_key=grammar.key,
                grammar=grammar.text,
                max_tokens=question.max_tokens,
                temperature=question.temperature,
                seed=question.seed,
                n=question.n,
                wants_text=question.wants_draft,
                keep_prompt=True,
                keep_schema=part.is_whole,
            )
            try:
                outputs = await model.generate(
                    order, deadline, usage, lambda progress: on_progress(progress, 1)
                )
                break
            except PromptTooLong:
                if cut == PROMPT_CUTS[-1] or len(part.schema.tables) == 1:
                    raise
        try:
            return order, await judge(self._workers, outputs, rules, usage)
        except WorkerFailed:
            # A draft may be such that the checker does not get through with it in its time; that is
            # counted as a worker's failure, and for the draft it is no more than not passing.
            return order, Attempt(outputs)

    async def _write_again(
        self,
        model: LoadedModel,
        question: Question,
        rules: Rules,
        order: wire.Generate,
        draft: Attempt,
        deadline: float,
        usage: Usage,
        on_progress: OnProgress,
    ) -> Attempt:
        """Have the model write again, reading from what its draft reads from, or from what a
        linker chooses for the question; now every name is in scope where it stands."""
        self._counters.add("drafts_written_again")
        text = draft.outputs[0].text
        if self._log_content:
            problems = [problem.message for one in draft.failed for problem in one.verdict.problems]
            log.info("a draft is written again: %r, since %s", text, problems or "it is not whole")
        from_sets = await asyncio.to_thread(choose_from_sets, rules.schema, question.text)
        try:
            found = await self._workers.skeleton_of(text, rules.schema, rules.dialect)
        except WorkerFailed:
            found = None  # As for the draft's check.
        found = found or Skeleton(())
        # Where the matcher finds the first too large, the second is tried.
        for skeleton in (with_linked(found, from_sets, rules.dialect), with_few(found, from_sets)):
            try:
                grammar = await self._grammars.exact(rules, skeleton)
            except NothingToWrite:
                return Attempt(())
            order = replace(
                order, grammar_key=grammar.key, grammar=grammar.text, draft=text, keep_prompt=False
            )
            try:
                outputs = await model.generate(
                    order, deadline, usage, lambda progress: on_progress(progress, 2)
                )
                break
            except GrammarTooLarge:
                log.warning("GRAMMAR_TOO_LARGE grammar=%s", grammar.key[:16])
        else:
            return Attempt((), is_too_large=True)
        attempt = await judge(self._workers, outputs, rules, usage)
        for check in attempt.failed:
            if not check.breaks_policy:
                self._note_verify_failure(check, rules, grammar.key)
        return attempt

    def _note_verify_failure(self, check: Checked, rules: Rules, grammar_key: str) -> None:
        """Keep what finds the bug again without its content: hashes, and which checks failed."""
        self._counters.add("verify_failures")
        digest = hashlib.sha256(check.statement.encode()).hexdigest()
        failed = ",".join(sorted({problem.check for problem in check.verdict.problems}))
        note = (
            f"VERIFY_FAILED statement={digest[:16]} schema={rules.schema.fingerprint[:16]}"
            f" dialect={rules.dialect} grammar={grammar_key[:16]} checks={failed}"
        )
        self._counters.note_error(note)
        log.error("%s", note)
        if self._log_content:
            log.error("VERIFY_FAILED statement=%s is %r", digest[:16], check.statement)

    def _sql(
        self, passed: tuple[Passed, ...], rules: Rules, identity: str, matched_words: float
    ) -> Sql:
        best, *others = passed
        verdict = best.check.verdict
        certificate = Certificate(
            schema_fingerprint=rules.schema.fingerprint,
            dialect=rules.dialect,
            model=identity,
            version=__version__,
            checks=verdict.checks,
            engine=verdict.engine,
        )
        return Sql(
            text=best.check.statement,
            kind=verdict.kind,
            tables=verdict.tables,
            columns=verdict.columns,
            certificate=certificate,
            confidence=_confidence(best.output, matched_words),
            alternatives=tuple(
                (other.check.statement, _confidence(other.output, matched_words))
                for other in others
            ),
        )

    async def _refuse(
        self,
        reason: RefusalReason,
        question: Question,
        schema: Schema,
        dialect: str,
        usage: Usage,
        score: float = 0.0,
        message: str = "",
    ) -> Answer:
        self._counters.add(f"refusals_{reason.value.lower()}")
        refusal = await write_refusal(reason, question, schema, dialect, score, message)
        return Answer(refusal, usage)


def _why_nothing_passed(attempt: Attempt) -> RefusalReason:
    if attempt.is_too_large:
        return RefusalReason.UNSUPPORTED
    if not attempt.outputs:
        return RefusalReason.NO_CANDIDATE
    if attempt.failed and all(check.breaks_policy for check in attempt.failed):
        return RefusalReason.POLICY
    return RefusalReason.VERIFY_FAILED if attempt.has_whole else RefusalReason.BUDGET


def _confidence(output: wire.Output, matched_words: float) -> Confidence:
    return Confidence(
        mean_log_probability=output.mean_log_probability,
        min_log_probability=output.min_log_probability,
        matched_words=matched_words,
    )
