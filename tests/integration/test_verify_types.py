"""The type check and the real engines say the same: of marked statements, and of changed ones."""

import random

import pytest
from servers.engine import RealEngine
from sqlstrictd.schema.types import Schema
from sqlstrictd.verify import check_statement
from sqlstrictd.verify.lexical import Reporter
from sqlstrictd.verify.types import check_types
from sqlstrictd.verify.types_catalog import Signature, read_catalog
from statement_mutations import mutate
from type_marks import DIALECTS, read_ddl, read_marked, read_schema

ENGINES = {"postgres": "postgres_engine", "duckdb": "duckdb_engine", "mysql": "mariadb_engine"}
N_CHANGED = 1500
# Types to stand for those that are polymorphic.
STAND_INS = {
    "anyarray": "int4[]",
    "anycompatiblearray": "int4[]",
    "anyrange": "int4range",
    "char": '"char"',
    "record": "record",
}


@pytest.fixture(params=DIALECTS)
def dialect(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def engine(request: pytest.FixtureRequest, dialect: str) -> RealEngine:
    engine: RealEngine = request.getfixturevalue(ENGINES[dialect])
    engine.load(read_ddl(dialect))
    return engine


def test_marks_are_what_the_engine_says(dialect: str, engine: RealEngine) -> None:
    wrong = []
    for mark, sql in read_marked(dialect):
        complaint = engine.prepare(sql)
        if bool(complaint) != (mark == "-"):
            wrong.append((mark, sql, complaint))
    assert wrong == []


def _is_of_types(sql: str, schema: Schema, dialect: str) -> bool:
    """Whether a statement comes as far as the type check."""
    before = {"syntax", "kind", "scope"}
    problems = check_statement(sql, schema, dialect).problems
    return not any(problem.check in before for problem in problems)


def _is_left_to_the_run(dialect: str, complaint: str) -> bool:
    """Whether DuckDB complains of a constant's value, which its optimizer computes in a prepare.

    Whether it does depends on what is around the constant; without the optimizer, as the daemon
    asks it, it comes up when the statement runs. The other engines have no such exception.
    """
    return dialect == "duckdb" and complaint.startswith("Conversion Error: Could not convert")


def test_changed_statements_are_judged_as_the_engine_judges(
    dialect: str, engine: RealEngine
) -> None:
    rng = random.Random(20)
    schema = read_schema(dialect)
    statements = [sql for mark, sql in read_marked(dialect) if mark == "+"]
    statements = [sql for sql in statements if sql.startswith(("SELECT", "WITH"))]
    n_passed = n_refused = 0
    false_passes, false_refusals = [], []
    for _ in range(N_CHANGED):
        sql = mutate(rng.choice(statements), schema, dialect, rng)
        if not _is_of_types(sql, schema, dialect):
            continue
        complaint = engine.prepare(sql)
        problems = check_types(sql, schema, dialect, Reporter(sql))
        n_passed += not complaint
        n_refused += bool(complaint)
        if complaint and not problems:
            false_passes.append((sql, complaint))
        # MySQL 8 wants ORDER BY to sort by what is grouped by or returned, and windows of a grouped
        # query to be made of that; MariaDB does not.
        message = problems[0].message if problems else ""
        is_window = " OVER (" in sql and "several values" in message
        is_of_mysql = dialect == "mysql" and ("ORDER BY" in message or is_window)
        # DuckDB reads literals when it runs a statement, our check before.
        is_literal = dialect == "duckdb" and "is not a valid" in message
        if problems and not complaint and not is_of_mysql and not is_literal:
            false_refusals.append((sql, problems[0].message))
    assert n_passed > 200
    assert n_refused > 100
    unexplained = [found for found in false_passes if not _is_left_to_the_run(dialect, found[1])]
    assert unexplained == []
    # DuckDB's own prepare judges where it is installed; our check is the stricter by a little.
    allowed = 0.03 if dialect == "duckdb" else 0.01
    assert len(false_refusals) <= allowed * N_CHANGED, false_refusals


def _argument(type_: str) -> str:
    if type_ in ("any", "anyelement", "anynonarray", "anycompatible", "anycompatiblenonarray"):
        return "CAST(NULL AS int4)"
    return f"CAST(NULL AS {STAND_INS.get(type_, type_)})"


def _call(signature: Signature) -> str:
    arguments = [_argument(type_) for type_ in signature.arguments]
    if signature.is_variadic and signature.arguments[-1] != "any":
        arguments[-1] = f"VARIADIC {arguments[-1]}"
    over = " OVER ()" if signature.kind == "w" else ""
    star = "*" if signature.name == "count" and not arguments else ""
    return f'pg_catalog."{signature.name}"({star}{", ".join(arguments)}){over}'


def test_catalogue_is_the_servers(postgres_engine: RealEngine) -> None:
    postgres_engine.load("")
    catalog = read_catalog("postgres")
    wrong = []
    n_asked = 0
    for signatures in catalog.functions.values():
        for signature in signatures:
            # Those with WITHIN GROUP, of enums or of rows need more than arguments.
            unusual = {"anyenum", "record"} & set(signature.arguments)
            if signature.kind in "oh" or unusual:
                continue
            n_asked += 1
            complaint = postgres_engine.prepare(f"SELECT {_call(signature)}")
            if complaint:
                wrong.append((signature, complaint))
    for symbol, signatures in catalog.operators.items():
        for signature in signatures:
            if {"anyenum", "record"} & set(signature.arguments):
                continue
            n_asked += 1
            sides = [_argument(type_) for type_ in signature.arguments]
            shown = f"{symbol} {sides[0]}" if len(sides) == 1 else f" {symbol} ".join(sides)
            complaint = postgres_engine.prepare(f"SELECT {shown}")
            if complaint:
                wrong.append((signature, complaint))
    assert n_asked > 900
    assert wrong == []
