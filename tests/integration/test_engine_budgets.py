"""At any token budget an answer is a whole statement of its grammar, or says that it is none."""

from __future__ import annotations

import pytest
from engine_requests import MakeEngine, generate, is_clean
from sqlstrictd.constraint import Grammar, draft_grammar, exact_grammar, skeleton_of_sets
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.wire import Finished, Match, Matched, Output
from sqlstrictd.policy import Policy
from sqlstrictd.schema.ddl import parse_schema

SCHEMAS = {
    "one table": "CREATE TABLE t (a INTEGER);",
    "names in quotes": 'CREATE TABLE "der Käufer" ("erste Zahl" REAL, "order" TEXT, c BLOB);',
    "keys": "CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT, city TEXT);"
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, price REAL, placed DATE,"
    " customer_id INTEGER REFERENCES customers(id));",
}
# Every budget while statements are short, then a dense sample.
BUDGETS = [*range(8, 40), *range(40, 128, 8), *range(128, 513, 32)]


def grammar_of(kind: str, ddl: str) -> Grammar:
    schema = parse_schema(ddl)
    if kind == "draft":
        return draft_grammar(schema, "sqlite", Policy())
    sets = skeleton_of_sets([(table.name,) for table in schema.tables])
    return exact_grammar(schema, sets, "sqlite", Policy())


def check(engine: Engine, output: Output, budget: int, grammar: Grammar) -> None:
    assert output.n_tokens <= budget
    writable = engine.answer([Match(1, grammar.key, grammar.text, output.text)])
    n_bytes = len(output.text.encode())
    if output.finish == "stop":
        assert writable == [Matched(1, True, n_bytes)], output.text
        assert output.text.endswith(";")
    else:
        assert (output.finish, output.n_tokens) == ("budget", budget)
        (matched,) = writable
        assert isinstance(matched, Matched)
        assert not matched.is_writable
        assert matched.n_bytes_matched == n_bytes, output.text


@pytest.mark.parametrize("kind", ["draft", "exact"])
@pytest.mark.parametrize("schema", SCHEMAS)
def test_no_statement_is_cut_at_any_budget(make_engine: MakeEngine, schema: str, kind: str) -> None:
    engine = make_engine(slots=8)
    grammar = grammar_of(kind, SCHEMAS[schema])
    fields = {"grammar_key": grammar.key, "grammar": grammar.text, "ddl": SCHEMAS[schema]}
    requests = [
        generate(budget, max_tokens=budget, seed=budget, temperature=1.0, **fields)
        for budget in BUDGETS
    ]
    finishes = set()
    for request, answer in zip(requests, engine.generate(requests), strict=True):
        assert isinstance(answer, Finished), answer
        for output in answer.outputs:
            check(engine, output, request.max_tokens, grammar)
            finishes.add(output.finish)
    assert finishes == {"stop", "budget"}
    assert is_clean(engine)


@pytest.mark.parametrize("n", [2, 5, 16])
def test_no_alternative_is_cut_at_any_budget(make_engine: MakeEngine, n: int) -> None:
    engine = make_engine()
    grammar = grammar_of("draft", SCHEMAS["keys"])
    fields = {"grammar_key": grammar.key, "grammar": grammar.text, "ddl": SCHEMAS["keys"]}
    budgets = (8, 21, 60, 160)
    requests = [generate(m, max_tokens=m, seed=m, n=n, **fields) for m in budgets]
    for request, answer in zip(requests, engine.generate(requests), strict=True):
        assert isinstance(answer, Finished), answer
        for output in answer.outputs:
            check(engine, output, request.max_tokens, grammar)
        is_whole = [output.finish == "stop" for output in answer.outputs]
        assert is_whole == sorted(is_whole, reverse=True)
    assert is_clean(engine)
