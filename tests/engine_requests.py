"""Requests to the engine that several of its tests share: a small schema, a small grammar."""

from __future__ import annotations

from typing import Any

from sqlstrictd.engine.wire import Finished, Generate
from sqlstrictd.prompt import build_prompt

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
