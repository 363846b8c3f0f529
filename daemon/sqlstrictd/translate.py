"""THE MAIN LINE: a question and a schema become one statement that keeps the promise, or a refusal.

`service/translation.py` calls it. Read `Translator.translate` first: one step per row. It knows
neither gRPC nor llama.cpp, and it opens nothing: schemas come from the catalog, tokens from the
engine, verdicts from the workers.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable

from sqlstrictd import __version__
from sqlstrictd.catalog import Catalog
from sqlstrictd.counters import Counters
from sqlstrictd.engine import wire
from sqlstrictd.engine_room import EngineRoom
from sqlstrictd.grammars import Grammars
from sqlstrictd.policy import Policy
from sqlstrictd.prompt import build_prompt
from sqlstrictd.question import (
    Answer,
    Certificate,
    Confidence,
    Question,
    Refusal,
    RefusalReason,
    Sql,
    Usage,
)
from sqlstrictd.schema.link import choose_from_sets, nearest_names
from sqlstrictd.schema.types import Schema
from sqlstrictd.worker.tasks import Checked, Workers

log = logging.getLogger(__name__)

OnProgress = Callable[[wire.Progress], None]

MESSAGES = {
    RefusalReason.BUDGET: (
        "the statement was not whole after {max_tokens} tokens; ask with a larger max_tokens, or"
        " ask for less at once"
    ),
    RefusalReason.VERIFY_FAILED: (
        "the statement that was written failed the last check, so it is not returned; this is a"
        " bug of sqlstrict, please report it"
    ),
    RefusalReason.NO_CANDIDATE: "no tables of the schema could be chosen for the question",
    RefusalReason.POLICY: (
        "no statement of a kind that the request allows ({kinds}) is written in {dialect}; allow"
        " another kind"
    ),
    RefusalReason.LOW_CONFIDENCE: (
        "the model was less sure of its statement ({score:.2f}) than the request demands"
        " ({min_confidence:.2f}); name tables and columns in the question, or ask with a lower"
        " min_confidence"
    ),
}


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
        self, question: Question, deadline: float, on_progress: OnProgress = lambda _: None
    ) -> Answer:
        """Answer a question before the deadline, in the event loop's time.

        Raises what is wrong with the request or the house, as `errors.py` lists it.
        """
        began = time.monotonic_ns()
        usage = Usage()
        schema = await self._catalog.find(question.schema)
        dialect = question.dialect or schema.dialect
        if "select" not in question.policy.kinds:
            kinds = ", ".join(sorted(question.policy.kinds))
            return await self._refuse(
                RefusalReason.POLICY, question, schema, usage, kinds=kinds, dialect=dialect
            )
        prompt = build_prompt(await self._engine.render(schema), question.text)
        from_sets = await asyncio.to_thread(choose_from_sets, schema, question.text)
        if not from_sets:
            return await self._refuse(RefusalReason.NO_CANDIDATE, question, schema, usage)
        grammar = await self._grammars.get(schema, from_sets, dialect)
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
        )
        outputs = await self._engine.generate(order, deadline, usage, on_progress)
        usage.attempts = 1
        verified = await self._verify(outputs, schema, dialect, question.policy, grammar.key, usage)
        usage.total_us = (time.monotonic_ns() - began) // 1000

        if not verified:
            has_whole = any(output.finish == "stop" for output in outputs)
            reason = RefusalReason.VERIFY_FAILED if has_whole else RefusalReason.BUDGET
            return await self._refuse(reason, question, schema, usage)
        score = _confidence(verified[0][0]).score
        if score < question.min_confidence:
            return await self._refuse(
                RefusalReason.LOW_CONFIDENCE, question, schema, usage, score=score
            )
        return self._answer(verified, schema, dialect, usage)

    async def _verify(
        self,
        outputs: tuple[wire.Output, ...],
        schema: Schema,
        dialect: str,
        policy: Policy,
        grammar_key: str,
        usage: Usage,
    ) -> list[tuple[wire.Output, Checked]]:
        """Keep the outputs that pass the last check, distinct as syntax trees, best first."""
        whole = [output for output in outputs if output.finish == "stop"]
        if not whole:
            return []
        began = time.monotonic_ns()
        texts = [output.text for output in whole]
        checked = await self._workers.check(texts, schema, dialect, policy)
        usage.verify_us = (time.monotonic_ns() - began) // 1000
        kept: dict[str, tuple[wire.Output, Checked]] = {}
        for output, check in zip(whole, checked, strict=True):
            if check.keeps_promise:
                kept.setdefault(check.canonical or check.statement, (output, check))
            else:
                self._note_verify_failure(check, schema, grammar_key)
        return list(kept.values())

    def _note_verify_failure(self, check: Checked, schema: Schema, grammar_key: str) -> None:
        """Keep what finds the bug again without its content: hashes, and which checks failed."""
        self._counters.add("verify_failures")
        digest = hashlib.sha256(check.statement.encode()).hexdigest()
        failed = ",".join(sorted({problem.check for problem in check.verdict.problems}))
        note = (
            f"VERIFY_FAILED statement={digest[:16]} schema={schema.fingerprint[:16]}"
            f" grammar={grammar_key[:16]} checks={failed}"
        )
        self._counters.note_error(note)
        log.error("%s", note)
        if self._log_content:
            log.error("VERIFY_FAILED statement=%s is %r", digest[:16], check.statement)

    def _answer(
        self,
        verified: list[tuple[wire.Output, Checked]],
        schema: Schema,
        dialect: str,
        usage: Usage,
    ) -> Answer:
        (best, check), *others = verified
        certificate = Certificate(
            schema_fingerprint=schema.fingerprint,
            dialect=dialect,
            model=self._engine.model_identity,
            version=__version__,
            checks=check.verdict.checks,
            engine=check.verdict.engine,
        )
        self._counters.add("answers")
        sql = Sql(
            text=check.statement,
            kind=check.verdict.kind,
            tables=tuple(sorted(check.verdict.tables)),
            columns=tuple(sorted(check.verdict.columns)),
            certificate=certificate,
            confidence=_confidence(best),
            alternatives=tuple((other.text, _confidence(other)) for other, _ in others),
        )
        return Answer(sql, usage)

    async def _refuse(
        self,
        reason: RefusalReason,
        question: Question,
        schema: Schema,
        usage: Usage,
        **facts: str | float,
    ) -> Answer:
        self._counters.add(f"refusals_{reason.value.lower()}")
        # Seconds for a large schema: not on the event loop.
        nearest = await asyncio.to_thread(nearest_names, schema, question.text)
        message = MESSAGES[reason].format(
            max_tokens=question.max_tokens, min_confidence=question.min_confidence, **facts
        )
        return Answer(Refusal(reason, message, tuple(nearest)), usage)


def _confidence(output: wire.Output) -> Confidence:
    return Confidence(
        mean_log_probability=output.mean_log_probability,
        min_log_probability=output.min_log_probability,
        mean_masked_probability=output.mean_masked_probability,
    )
