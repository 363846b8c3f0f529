"""Requests to the engine that several of its tests share: a small schema, a small grammar."""

from __future__ import annotations

from collections.abc import Callable
from concurrent import futures
from typing import Any

from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.wire import Failed, Finished, Generate, Message
from sqlstrictd.prompt import build_prompt

MakeEngine = Callable[..., Engine]

SCHEMA = "CREATE TABLE orders (id INTEGER, price REAL, status TEXT, customer_id INTEGER);"

# Finite, so that a model of random weights ends its statements within a budget of 64 tokens.
GRAMMAR = """
start: "SELECT " item ("" | ", " item) " FROM orders" where order ";"
item: column | ("COUNT" | "SUM" | "AVG") "(" column ")"
where: "" | " WHERE " column " = " (/[0-9]{1,3}/ | "'" /[a-z]{1,8}/ "'")
order: "" | " ORDER BY " column ("" | " DESC") ("" | " LIMIT " /[0-9]{1,2}/)
column: "id" | "price" | "status" | "customer_id"
"""


def generate(request_id: int, question: str = "How many?", **fields: Any) -> Generate:
    """A request for one statement; `fields` replace those of wire.Generate, or `ddl`."""
    prompt = build_prompt(fields.pop("ddl", SCHEMA), question)
    defaults: dict[str, Any] = {"grammar_key": "small", "grammar": GRAMMAR, "max_tokens": 64}
    return Generate(request_id, prompt.schema, prompt.question, **{**defaults, **fields})


def text_of(answer: object) -> str:
    """The best statement of an answer that must be a whole one."""
    assert isinstance(answer, Finished), answer
    assert answer.outputs[0].finish == "stop", answer
    return answer.outputs[0].text


def run(engine: Engine, until: Callable[[list[Message]], bool]) -> list[Message]:
    """Step until the condition holds for all messages so far; return them. None may fail."""
    messages: list[Message] = []
    while not until(messages):
        assert not engine.scheduler.is_idle, messages  # else it would wait for ever
        engine.wait()
        messages += engine.scheduler.step()
        assert not any(isinstance(message, Failed) for message in messages), messages
    return messages


def wait_until_prepared(engine: Engine) -> None:
    """Wait for the preparing threads, so that the next step may start all that was submitted.

    Else a request that is prepared first is started first, and others go on in the meantime.
    """
    waiting = [job.preparation for job in engine.scheduler._waiting]
    assert not futures.wait(waiting, timeout=120).not_done


def has(kind: type[Message], request_id: int) -> Callable[[list[Message]], bool]:
    """A condition for `run`: a message of this kind has come for the request."""
    return lambda messages: any(isinstance(one, kind) and one.id == request_id for one in messages)


def is_clean(engine: Engine) -> bool:
    """Whether nothing is left behind but the resident schemas."""
    scheduler = engine.scheduler
    n_free = scheduler._pool.n_free
    return scheduler.is_idle and n_free == engine.context.n_sequences - len(scheduler._prefixes)
