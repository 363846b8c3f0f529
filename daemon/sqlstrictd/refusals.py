"""Why there is no SQL, in words that help: the reason, what to do, and names that come near.

`translate.py` calls it where it has nothing to return.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import MappingProxyType

from sqlstrictd import dialects
from sqlstrictd.question import Question, Refusal, RefusalReason
from sqlstrictd.schema.link import nearest_names, unmatched_words
from sqlstrictd.schema.types import Schema

MESSAGES: Mapping[RefusalReason, str] = MappingProxyType(
    {
        RefusalReason.BUDGET: (
            "the statement was not whole after {max_tokens} tokens; ask with a larger max_tokens,"
            " or ask for less at once"
        ),
        RefusalReason.VERIFY_FAILED: (
            "the statement that was written failed the last check, so it is not returned; this is"
            " a bug of sqlstrict, please report it"
        ),
        RefusalReason.NO_CANDIDATE: (
            "no tables of the schema could be chosen for the question{unmatched}; name some of them"
            " in it"
        ),
        RefusalReason.POLICY: (
            "no statement of a kind that the request allows ({kinds}) is written in {dialect};"
            " allow another kind"
        ),
        RefusalReason.UNSUPPORTED: (
            "no statement of a kind that the request allows ({kinds}) can be written in {dialect}"
            " for this schema; allow another kind, or give the tables that the question is about"
        ),
        RefusalReason.LOW_CONFIDENCE: (
            "the statement is less sure ({score:.2f}) than the request demands"
            " ({min_confidence:.2f}){unmatched}; name tables and columns in the question, or ask"
            " with a lower min_confidence"
        ),
    }
)

# POLICY has a second meaning, where the dialect does have a kind that is allowed.
ALL_ROWS = (
    "the statement that was written would change every row of a table, which the request does not"
    " allow; say in the question which rows, or allow UPDATE and DELETE without WHERE"
)
# In place of the message of UNSUPPORTED, where no grammar was within the matcher's limits.
TOO_LARGE = (
    "the statement that was drafted did not pass the last check, and the tables that it reads from"
    " are too many or too wide for an exact grammar; ask for less at once, or give a schema with"
    " fewer columns"
)

MAX_WORDS = 6  # of a question, that a message names


async def write_refusal(
    reason: RefusalReason,
    question: Question,
    schema: Schema,
    dialect: str,
    score: float = 0.0,
    message: str = "",
) -> Refusal:
    """Write the refusal of a question; `score` is how sure the model was, where it wrote.

    `message` stands in place of the reason's own.
    """
    # Seconds for a large schema: not on the event loop.
    nearest = await asyncio.to_thread(nearest_names, schema, question.text)
    words = (await asyncio.to_thread(unmatched_words, schema, question.text)).words
    unmatched = ", ".join(repr(word) for word in words[:MAX_WORDS])
    is_of_allowed_kind = bool(question.policy.kinds & dialects.get(dialect).kinds)
    changes_all = reason is RefusalReason.POLICY and is_of_allowed_kind
    template = message or (ALL_ROWS if changes_all else MESSAGES[reason])
    text = template.format(
        max_tokens=question.max_tokens,
        min_confidence=question.min_confidence,
        kinds=", ".join(sorted(question.policy.kinds)),
        dialect=dialect,
        score=score,
        unmatched=f", and nothing in the schema resembles {unmatched}" if unmatched else "",
    )
    return Refusal(reason, text, tuple(nearest))
