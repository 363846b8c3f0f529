"""What a refusal says is SQL: no name of the parser's nodes, arguments or functions is shown."""

from __future__ import annotations

import json
import re
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlstrictd.policy import KINDS, Policy
from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.verify import check_statement
from type_marks import DIALECTS, read_marked, read_schema

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
SHOP = parse_schema((FIXTURES / "schemas" / "shop.sql").read_text("utf-8"))
EVERYTHING = Policy(frozenset(KINDS), True)
# Words of SQL, or of English, that are names of nodes too.
WORDS = set(
    """
    A ALL AND ANY AS BETWEEN BY CASE CAST COLLATE COLUMN COMMENT CREATE CUBE DELETE DISTINCT ESCAPE
    EXCEPT EXISTS FETCH FILTER FROM GROUP HAVING IF IN INDEX INSERT INTERSECT INTERVAL INTO IS JOIN
    KEY LATERAL LIKE LIMIT LOCK NOT NULL OFFSET OR ORDER PIVOT QUALIFY RETURNING ROLLUP ROW SELECT
    SET TABLE UNION UPDATE VALUES VIEW WHERE WINDOW WITH ARRAY CHECK COUNT DROP ALTER ADD PRIMARY
    COALESCE DATE_ADD DATE_SUB DESCRIBE TRIM EXTRACT GROUPING GREATEST LEAST
    UNIQUE DEFAULT CURRENT_USER SESSION_USER ILIKE
    """.split()
)


def _node_names() -> set[str]:
    """The classes' names in capitals, and the functions' names of the parser."""
    classes = {
        name.upper()
        for name, found in vars(exp).items()
        if isinstance(found, type) and issubclass(found, sqlglot.exp.Expression)
    }
    functions = {name.upper() for name in sqlglot.exp.FUNCTION_BY_NAME}
    return {name for name in classes | functions if len(name) > 2} - WORDS


def _shown(message: str) -> set[str]:
    """The words of a message in capitals."""
    return set(re.findall(r"\b[A-Z][A-Z_0-9]{2,}\b", message))


def test_messages_show_no_name_that_the_statement_does_not_hold() -> None:
    rows = (FIXTURES / "forbidden" / "statements.jsonl").read_text("utf-8").splitlines()
    asked = [(row["sql"], row["dialect"], SHOP) for row in map(json.loads, rows)]
    for dialect in DIALECTS:
        schema = read_schema(dialect)
        asked += [(sql, dialect, schema) for mark, sql in read_marked(dialect) if mark == "-"]
    names = _node_names()
    assert {"EXPLODE", "DPIPE", "ANONYMOUS"} <= names
    wrong, n_refused = [], 0
    for sql, dialect, schema in asked:
        for problem in check_statement(sql, schema, dialect, EVERYTHING).problems:
            n_refused += 1
            if problem.check == "prepare" or "U+" in problem.message:
                continue  # an engine's own words, and the names of characters
            words = set(re.findall(r"\w+", sql.upper()))
            inner = (_shown(problem.message) & names) - words
            if inner or "~~" in problem.message:
                wrong.append((sorted(inner), sql, problem.message))
    assert n_refused > 2500
    assert wrong == []
