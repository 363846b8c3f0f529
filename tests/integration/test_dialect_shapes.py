"""What the facts say a dialect has beyond expressions, and has not, against its engine.

A fact that is true is a statement that prepares. One that is false is a statement that does not,
but where the facts keep to what two engines share (MySQL and MariaDB, any engine of the standard).
"""

from __future__ import annotations

import pytest
from byte_matcher import TOKENIZER
from dialect_expressions import OF_THE_GRAMMAR, Expressions
from llguidance import LLMatcher
from servers.engine import RealEngine
from sqlstrictd import dialects
from sqlstrictd.dialects.facts import VALUE_CLASSES, Dialect

NAMES = sorted(dialects.DIALECTS)
ENGINES = {
    "sqlite": "sqlite_engine",
    "postgres": "postgres_engine",
    "duckdb": "duckdb_engine",
    "mysql": "mariadb_engine",
    "ansi": "postgres_engine",
}
DDL = """
CREATE TABLE t (id INTEGER PRIMARY KEY, name VARCHAR(20), active BOOLEAN);
CREATE TABLE u (id INTEGER PRIMARY KEY, label VARCHAR(20));
"""
JOINS = {
    "JOIN": "SELECT t.name FROM t JOIN u ON t.id = u.id",
    "LEFT JOIN": "SELECT t.name FROM t LEFT JOIN u ON t.id = u.id",
    "RIGHT JOIN": "SELECT t.name FROM t RIGHT JOIN u ON t.id = u.id",
    "FULL JOIN": "SELECT t.name FROM t FULL JOIN u ON t.id = u.id",
    "CROSS JOIN": "SELECT t.name FROM t CROSS JOIN u",
    "NATURAL JOIN": "SELECT id, name, label FROM t NATURAL JOIN u",
    "USING": "SELECT id, name, label FROM t JOIN u USING (id)",
}
SET_OPERATORS = ("UNION", "UNION ALL", "INTERSECT", "INTERSECT ALL", "EXCEPT", "EXCEPT ALL")
FLAGS = {
    "groups_by_primary_key": "SELECT t.id, t.name, COUNT(*) FROM t JOIN u USING (id) GROUP BY t.id",
    "has_filter": "SELECT COUNT(*) FILTER (WHERE name = 'a') FROM t",
    "has_nulls_order": "SELECT name FROM t ORDER BY name NULLS LAST, id DESC NULLS FIRST",
    "has_values_statement": "VALUES (1, 'a'), (2, 'b')",
    "has_parenthesised_members": "(SELECT id FROM t) UNION (SELECT id FROM u)",
    "has_limit_in_subquery": "SELECT name FROM t WHERE id IN (SELECT id FROM u LIMIT 1)",
    "has_boolean_columns": "SELECT name FROM t WHERE active AND NOT active",
    "has_recursive_cte": "WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n"
    " WHERE i < 9) SELECT i FROM n",
    "has_colon_cast": "SELECT name::INTEGER FROM t",
}
# Where the engine at hand takes what the facts leave out, and why they do.
SPARED = {
    ("mysql", "has_values_statement"): "MySQL writes VALUES ROW(1), ROW(2)",
    ("sqlite", "groups_by_primary_key"): "it takes any column beside any group",
    ("ansi", "groups_by_primary_key"): "few engines do",
    ("ansi", "has_filter"): "few engines do",
    ("ansi", "has_colon_cast"): "it is PostgreSQL's own",
    ("ansi", "INTERSECT ALL"): "few engines do",
    ("ansi", "EXCEPT ALL"): "few engines do",
}


@pytest.fixture(params=NAMES)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return dialects.get(request.param)


@pytest.fixture
def engine(request: pytest.FixtureRequest, dialect: Dialect) -> RealEngine:
    found: RealEngine = request.getfixturevalue(ENGINES[dialect.name])
    found.load(DDL)
    return found


def expect(dialect: Dialect, engine: RealEngine, name: str, is_there: bool, query: str) -> None:
    complaint = engine.prepare(query)
    if (dialect.name, name) in SPARED:
        assert not is_there and not complaint, (name, complaint)
    else:
        assert is_there is not bool(complaint), (name, is_there, complaint)


def test_joins(dialect: Dialect, engine: RealEngine) -> None:
    assert dialect.joins <= set(JOINS)
    for join, query in JOINS.items():
        expect(dialect, engine, join, join in dialect.joins, query)


def test_set_operators(dialect: Dialect, engine: RealEngine) -> None:
    assert set(dialect.set_operators) <= set(SET_OPERATORS)
    for operator in SET_OPERATORS:
        query = f"SELECT id, name FROM t {operator} SELECT id, label FROM u"
        expect(dialect, engine, operator, operator in dialect.set_operators, query)


def test_clauses(dialect: Dialect, engine: RealEngine) -> None:
    for flag, query in FLAGS.items():
        expect(dialect, engine, flag, getattr(dialect, flag), query)


def test_groups_are_strict_or_not(dialect: Dialect, engine: RealEngine) -> None:
    complaint = engine.prepare("SELECT name, COUNT(*) FROM t GROUP BY active")
    assert bool(complaint) is dialect.has_strict_group_by, complaint


def test_aggregates_of_texts(dialect: Dialect, engine: RealEngine) -> None:
    call = {"sqlite": "GROUP_CONCAT", "mysql": "GROUP_CONCAT"}.get(dialect.name, "STRING_AGG")
    wrong = engine.prepare(f"SELECT {call}(DISTINCT name, ',') FROM t")
    if dialect.name not in ("mysql", "ansi"):  # its second argument is more text; it has none
        assert dialect.has_distinct_with_separator is not bool(wrong), wrong
        wrong = engine.prepare(f"SELECT {call}(name, ',' ORDER BY id DESC) FROM t")
        assert dialect.has_ordered_aggregates is not bool(wrong), wrong


def test_names_fold_as_said(dialect: Dialect, engine: RealEngine) -> None:
    """Where bare names become lower case, a quoted one with a capital is another name."""
    quote = dialect.name_quote
    engine.load(f"CREATE TABLE {quote}Mixed{quote} (id INTEGER);")
    complaint = engine.prepare("SELECT id FROM Mixed")
    if dialect.name != "ansi":  # engines differ, and the facts take what most of them do
        assert bool(complaint) is (dialect.folds_unquoted == "lower"), complaint


def test_backslashes_are_as_said(dialect: Dialect, engine: RealEngine) -> None:
    """Where a backslash escapes, a string that ends with one does not end."""
    complaint = engine.prepare("SELECT name FROM t WHERE name = 'a\\'")
    assert bool(complaint) is dialect.has_backslash_escapes, complaint


def test_the_matcher_takes_every_terminal_and_form(dialect: Dialect) -> None:
    """All bodies are Lark that llguidance compiles, and name only terminals that are there."""
    bodies = [form.text for form in (*dialect.forms, *dialect.aggregate_forms)]
    bodies += [*dialect.literals.values(), *dialect.json_access.values()]
    bodies += [dialect.interval] if dialect.interval else []
    for call in (*dialect.calls, *dialect.aggregates, *dialect.windows):
        assert call.names and (call.result in VALUE_CLASSES or call.result == "K")
        bodies += [code.rstrip("?*") for code in call.arguments.split() if len(code) > 2]
    for letter in VALUE_CLASSES:
        bodies = [body.replace(f"{{{letter}}}", f"operand_{letter.lower()}") for body in bodies]
    terminals = {**OF_THE_GRAMMAR, **dialect.terminals}
    lines = [f"body{number}: {body}" for number, body in enumerate(dict.fromkeys(bodies))]
    lines.append("start: " + " | ".join(line.split(":")[0] for line in lines))
    lines += [f'operand_{letter.lower()}: "{letter}"' for letter in VALUE_CLASSES]
    lines += [f"{name}: {body}" for name, body in terminals.items()]
    matcher = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark("\n".join(lines)), log_level=0)
    assert not matcher.is_error(), matcher.get_error()


def test_the_matcher_reads_patterns_as_the_engines_were_asked(dialect: Dialect) -> None:
    """What was drawn from the terminals' patterns is what a model may write, and days exist."""
    for name in dialect.terminals:
        grammar = f"start: {name}\n" + "\n".join(
            f"{other}: {body}" for other, body in dialect.terminals.items()
        )
        compiled = LLMatcher(TOKENIZER, LLMatcher.grammar_from_lark(grammar), log_level=0)
        assert not compiled.is_error(), (name, compiled.get_error())
        for text in Expressions(dialect, {}).of_rule(name):
            matcher = compiled.deep_copy()
            data = list(text.encode())
            assert matcher.try_consume_tokens(data) == len(data), (name, text)
            assert matcher.is_accepting(), (name, text)
