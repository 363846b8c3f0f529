"""The type check says of every marked statement what its mark says; no server is asked."""

import re

import pytest
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.types import check_types
from sqlstrictd.verify.types_catalog import read_catalog
from sqlstrictd.verify.types_literals import fits
from sqlstrictd.verify.types_postgres import read_type
from sqlstrictd.verify.types_resolve import choose_function, choose_operator, common_type
from type_marks import DIALECTS, read_marked, read_schema

MOODS = """
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE TABLE day (number INTEGER PRIMARY KEY, felt mood, place GEOMETRY);
"""


@pytest.mark.parametrize("dialect", DIALECTS)
def test_verdicts_are_the_marks(dialect: str) -> None:
    schema = read_schema(dialect)
    marked = read_marked(dialect)
    assert len(marked) > 60
    wrong = []
    for mark, sql in marked:
        problems = check_types(sql, schema, dialect, Reporter(sql))
        if bool(problems) == (mark == "+"):
            wrong.append((mark, sql, problems))
    assert wrong == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_problem_says_what_and_where(dialect: str) -> None:
    schema = read_schema(dialect)
    n_placed = n_refused = 0
    for mark, sql in read_marked(dialect):
        for problem in check_types(sql, schema, dialect, Reporter(sql)) if mark != "+" else ():
            n_refused += 1
            n_placed += problem.line == 1 and problem.column > 0
            assert problem.check == "types"
            assert re.fullmatch(r"[^\s].*\.", problem.message), problem.message
            assert "Expr" not in problem.message and "None" not in problem.message
    # Nodes without a name in or around them, such as LIMIT 'a', have no place.
    assert n_placed > 0.9 * n_refused


def test_problem_stands_where_the_mistake_is() -> None:
    sql = "SELECT id FROM customer\nWHERE active AND name = 1"
    [problem] = check_types(sql, read_schema("postgres"), "postgres", Reporter(sql))
    assert (problem.line, problem.column) == (2, 18)
    assert problem.message == "There is no operator = for text and int4; write a CAST to one type."


@pytest.mark.parametrize(
    ("sql", "passes"),
    [
        ("SELECT felt FROM day WHERE felt = 'sad' ORDER BY felt", True),
        ("SELECT felt FROM day WHERE felt = 'glad'", False),
        ("SELECT felt FROM day WHERE felt IN ('sad', 'glad')", False),
        ("SELECT felt FROM day WHERE felt = number", False),
        ("SELECT felt, COUNT(*) FROM day GROUP BY felt HAVING MAX(felt) > 'sad'", True),
        ("SELECT UPPER(felt) FROM day", False),
        ("SELECT felt::text || 'x' FROM day", True),
        ("SELECT COALESCE(felt, 'fine') FROM day", True),
        ("SELECT COALESCE(felt, 'none') FROM day", False),
        ("SELECT place, COUNT(place) FROM day GROUP BY number", True),
        ("SELECT place FROM day WHERE place IS NOT NULL", True),
        ("SELECT place FROM day WHERE place = 'x'", False),
        ("SELECT place FROM day ORDER BY place", False),
    ],
)
def test_types_that_the_schema_names(sql: str, passes: bool) -> None:
    schema = parse_schema(MOODS, "postgres")
    assert (not check_types(sql, schema, "postgres", Reporter(sql))) == passes


@pytest.mark.parametrize(
    ("text", "type_", "is_valid"),
    [
        ("12", "int4", True),
        (" -12 ", "int4", True),
        ("1e3", "int4", False),
        ("2147483648", "int4", False),
        ("9" * 5000, "int8", False),
        ("1e400", "float8", False),
        ("infinity", "float8", True),
        ("2024-02-29", "date", True),
        ("2023-02-29", "date", False),
        ("2024-02-29 24:00", "timestamp", True),
        ("2024-02-29 24:01", "timestamp", False),
        ("13:00 pm", "time", False),
        ("1 year 2 months ago", "interval", True),
        ("P1Y2DT3H", "interval", True),
        ("P", "interval", False),
        ('{"a": NaN}', "jsonb", False),
        ("[" * 5000, "jsonb", False),
        ("{1,NULL,3}", "int4[]", True),
        ("{1,,3}", "int4[]", False),
        ("10.0.0.256", "inet", False),
        ("anything", "geometry", False),
    ],
)
def test_literals_are_read_as_the_server_reads_them(text: str, type_: str, is_valid: bool) -> None:
    assert fits(text, type_) == is_valid


@pytest.mark.parametrize(
    ("written", "type_"),
    [
        ("timestamp (3) with time zone", "timestamptz"),
        ("DOUBLE PRECISION", "float8"),
        ("float(24)", "float4"),
        ("character varying(20)[]", "varchar[]"),
        ("INTEGER ARRAY[4]", "int4[]"),
        ("INTERVAL DAY TO SECOND", "interval"),
        ("DOUBLE", ""),
        ("TINYINT", ""),
    ],
)
def test_types_as_written(written: str, type_: str) -> None:
    assert read_type(written) == type_


def test_overloads_are_chosen_by_the_manuals_rules() -> None:
    catalog = read_catalog("postgres")
    division = choose_operator(catalog, "/", ("int4", "numeric"))
    assert division is not None and division.result == "numeric"
    # The manual's own examples, chapter 10.
    joined = choose_operator(catalog, "||", ("unknown", "unknown"))
    assert joined is not None and joined.arguments == ("text", "text")
    magnitude = choose_operator(catalog, "@", ("unknown",))
    assert magnitude is not None and magnitude.result == "float8"
    assert choose_operator(catalog, "~", ("unknown",)) is None
    rounded = choose_function(catalog, catalog.functions["round"], ("int4", "int4"))
    assert rounded is not None and rounded.arguments == ("numeric", "int4")
    assert choose_function(catalog, catalog.functions["round"], ("float8", "int4")) is None
    assert common_type(catalog, ("unknown", "int4", "numeric")) == "numeric"
    assert common_type(catalog, ("int4", "text")) is None
