"""Every fact of every dialect against its engine: what the facts say can be written prepares.

Calls and forms with columns and literals of every class that they take, optional arguments there
and not, terminals drawn from their patterns; and their results are of the class that is said.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest
import sqlglot
from dialect_expressions import Expressions
from dialect_judges import DuckDBJudge, Judge, PostgresJudge
from sqlglot import exp
from sqlstrictd import dialects
from sqlstrictd.dialects.facts import Call, Form

ENGINES = {
    "sqlite": "sqlite_engine",
    "postgres": "postgres_engine",
    "duckdb": "duckdb_engine",
    "mysql": "mariadb_engine",
    "ansi": "postgres_engine",
}
OVER = " OVER (PARTITION BY t.id ORDER BY t.id)"

MOST = 300  # of all pairs of operands


@pytest.fixture(scope="module", params=sorted(dialects.DIALECTS))
def judge(request: pytest.FixtureRequest) -> Iterator[Judge]:
    """The engine of each dialect in turn, with its table loaded."""
    name = request.param
    engine = request.getfixturevalue(ENGINES[name])
    if name == "duckdb":
        duckdb = pytest.importorskip("duckdb")
        with duckdb.connect() as database:
            judge: Judge = DuckDBJudge(engine, database)
            engine.load(judge.ddl)
            yield judge
        return
    judge = (PostgresJudge if name in ("postgres", "ansi") else Judge)(name, engine)
    engine.load(judge.ddl)
    yield judge


def complaints(judge: Judge, drawn: Iterable[tuple[str, str]]) -> list[str]:
    """What the engine and the parser say against texts that should be of these classes."""
    found = []
    n_asked = 0
    for text, result in drawn:
        n_asked += 1
        wrong = judge.complaint(text, result) or unparsed(judge, text)
        if wrong:
            found.append(f"{text}: {wrong}")
    assert n_asked
    return found


def unparsed(judge: Judge, text: str) -> str:
    """What is wrong with the parser's tree of an expression: there is none, or an odd one."""
    try:
        trees = sqlglot.parse(f"SELECT {text} AS z FROM t", read=judge.dialect.parser)
    except (sqlglot.errors.SqlglotError, ValueError) as error:
        return f"not parsed: {error}"
    if len(trees) != 1 or not isinstance(trees[0], exp.Select) or trees[0].find(exp.Command):
        return "not parsed as one query"
    columns = {"id", *(name for names in judge.columns.values() for name in names)}
    strange = {column.name for column in trees[0].find_all(exp.Column)} - columns
    return f"the parser takes {strange} for columns" if strange else ""


def drawn_from(
    expressions: Expressions, facts: Iterable[Call | Form], end: str = ""
) -> Iterator[tuple[str, str]]:
    for fact in facts:
        found = expressions.of_call(fact) if isinstance(fact, Call) else expressions.of_form(fact)
        for text, result in found:
            yield text + end, result


def test_scalar_calls_prepare(judge: Judge) -> None:
    expressions = Expressions(judge.dialect, judge.operands)
    wrong = complaints(judge, drawn_from(expressions, judge.dialect.calls))
    assert not wrong, "\n".join(wrong)


def test_forms_prepare(judge: Judge) -> None:
    expressions = Expressions(judge.dialect, judge.operands)
    wrong = complaints(judge, drawn_from(expressions, judge.dialect.forms))
    assert not wrong, "\n".join(wrong)


def test_aggregates_prepare(judge: Judge) -> None:
    expressions = Expressions(judge.dialect, judge.column_operands)
    facts = (*judge.dialect.aggregates, *judge.dialect.aggregate_forms)
    wrong = complaints(judge, drawn_from(expressions, facts))
    assert not wrong, "\n".join(wrong)


def test_aggregates_prepare_over_windows(judge: Judge) -> None:
    expressions = Expressions(judge.dialect, judge.column_operands)
    facts = [call for call in judge.dialect.aggregates if call.is_window]
    wrong = complaints(judge, drawn_from(expressions, facts, OVER))
    assert not wrong, "\n".join(wrong)


def test_window_functions_prepare(judge: Judge) -> None:
    expressions = Expressions(judge.dialect, judge.operands, first=judge.column_operands)
    wrong = complaints(judge, drawn_from(expressions, judge.dialect.windows, OVER))
    assert not wrong, "\n".join(wrong)


def test_casts_prepare(judge: Judge) -> None:
    """Every type that a cast may name, from a column of every class that it may be made of."""
    dialect = judge.dialect
    columns = judge.columns
    drawn = [
        (text, letter)
        for letter, types in dialect.cast_types.items()
        for source in dialect.cast_sources.get(letter, "".join(set(columns) - set(dialect.apart)))
        for column in columns[source]
        for type_ in types
        for text in (f"CAST({column} AS {type_})", f"{column}::{type_}")
        if text.startswith("CAST") or dialect.has_colon_cast
    ]
    wrong = complaints(judge, drawn)
    assert not wrong, "\n".join(wrong)


def test_literals_prepare(judge: Judge) -> None:
    expressions = Expressions(judge.dialect, {})
    drawn = [
        (text, letter)
        for letter, body in judge.dialect.literals.items()
        for text in expressions.of_rule(body)
    ]
    wrong = complaints(judge, drawn)
    assert not wrong, "\n".join(wrong)


def test_dates_in_strings_can_be_compared(judge: Judge) -> None:
    """A string that looks like a date stands beside a column of dates without a word before it."""
    expressions = Expressions(judge.dialect, {})
    drawn = [
        (f"({column} >= {text})", "B")
        for letter, terminal in (("D", "DATE_STRING"), ("S", "TIMESTAMP_STRING"))
        for column in judge.columns[letter]
        for text in expressions.of_rule(terminal)
    ]
    wrong = complaints(judge, drawn)
    assert not wrong, "\n".join(wrong)


def test_operators_prepare(judge: Judge) -> None:
    dialect = judge.dialect
    operands = judge.operands
    patterns = list(Expressions(dialect, {}).of_rule("REGEX")) if dialect.regex_operators else []
    drawn = [
        (f"({left} {operator} {right})", "B")
        for sides, rights in (
            (dialect.matching_operators, [*operands["T"], "'a%_b'"]),
            (dialect.regex_operators, patterns),
        )
        for letter, operators in sides.items()
        for operator in operators
        for left in operands[letter]
        for right in rights
    ]
    drawn += [
        (f"({left} {operator} {right})", letter)
        for letter, operators in dialect.operators.items()
        for operator in operators
        for left in operands[letter]
        for right in operands[letter]
    ]
    drawn += [
        (f"({left} / {right})", dialect.division_result)
        for left in judge.columns["X"]
        for right in operands["X"]
    ]
    if dialect.has_text_concatenation:
        drawn += [(f"({a} || {b})", "T") for a in operands["T"] for b in operands["T"]]
    wrong = complaints(judge, random.Random(1).sample(drawn, min(len(drawn), MOST)))
    assert not wrong, "\n".join(wrong)


def test_intervals_prepare(judge: Judge) -> None:
    dialect = judge.dialect
    if not dialect.interval:
        assert dialect.name in ("sqlite", "ansi") and not dialect.interval_result
        return
    drawn = [
        (f"({operand} {sign} {text})", result)
        for letter, result in dialect.interval_result.items()
        for operand in judge.operands[letter]
        for sign in "+-"
        for text in Expressions(dialect, {}).of_rule(dialect.interval)
    ]
    wrong = complaints(judge, random.Random(1).sample(drawn, min(len(drawn), MOST)))
    assert not wrong, "\n".join(wrong)


def test_json_access_prepares(judge: Judge) -> None:
    dialect = judge.dialect
    if not dialect.json_access:
        assert dialect.name in ("mysql", "ansi")
        return
    expressions = Expressions(dialect, {})
    drawn = [
        (f"({column}{step}{text})", letter)
        for column in judge.columns["J"]
        for letter, body in dialect.json_access.items()
        for text in expressions.of_rule(body)
        for step in ("", *list(expressions.of_rule(dialect.json_access["J"]))[:3])
    ]
    wrong = complaints(judge, random.Random(1).sample(drawn, min(len(drawn), MOST)))
    assert not wrong, "\n".join(wrong)
