"""Schema to the grammar of drafts: any statement of the dialect with names of the schema alone.

One scope for everything: any column of any table may stand anywhere, aliases are the model's own,
classes count as one. Behind the usual names of a query in FROM any column may be named. What a
draft says is judged afterwards (`verify/`); where it fails, what it read from is what the exact
grammar is built for. So a draft bends the model only where it would write what is no SQL of an
allowed kind, or a name that the schema does not have.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from sqlstrictd.constraint.assembly import Assembly, alias_terminal
from sqlstrictd.constraint.constants import add_constants
from sqlstrictd.constraint.grammar import Grammar
from sqlstrictd.constraint.manner import Manner
from sqlstrictd.constraint.scopes import ColumnRules, ScopeColumn, table_columns
from sqlstrictd.constraint.sources import ALWAYS, JOINS
from sqlstrictd.constraint.terminals import any_of, literal
from sqlstrictd.constraint.writes import Writes, needs_of_writes, needs_queries
from sqlstrictd.dialects import get
from sqlstrictd.dialects.facts import STATEMENT_WORDS
from sqlstrictd.policy import Policy
from sqlstrictd.schema.names import fold, quote_name
from sqlstrictd.schema.types import Schema, Table

_MAX_SOURCES = 6
_VECTORS = tuple("v" * count for count in range(1, 6))
_MEMBERS = tuple(f"member_{vector}" for vector in _VECTORS)
_MAX_CTES = 5
# Up to here a qualifier that is a table's name is followed by that table's own columns alone.
_MAX_OWN_QUALIFIERS = 400
# What people call a query in FROM. Behind any other name stand columns of the schema alone: were
# all names taken for such, columns that do not exist could be written behind each.
_DERIVED = """t q x sq sub subq tmp temp agg inner_query subquery derived derived_table counts
totals grouped ranked ordered stats""".split()
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
# Words that would be read as part of FROM where an alias without AS may stand.
_AFTER_SOURCE = """AND AS CROSS EXCEPT FETCH FOR FULL GROUP HAVING INNER INTERSECT JOIN LEFT LIMIT
NATURAL OFFSET ON OR ORDER RIGHT SET UNION USING WHERE WINDOW""".split()


def draft_grammar(
    schema: Schema, dialect: str, policy: Policy, tables: Collection[str] | None = None
) -> Grammar:
    """Write the grammar of drafts that name these tables; all of the schema's by default.

    Raises:
        UnsupportedDialect: there are no facts of the dialect.
        ValueError: none of the tables is in the schema.
    """
    wanted = None if tables is None else {fold(name) for name in tables}
    found = [one for one in schema.tables if wanted is None or fold(one.name) in wanted]
    if not found:
        raise ValueError("a draft needs at least one table of the schema")
    facts = get(dialect)
    assembly = Assembly(Manner.loose(facts), _VECTORS)
    terminals = assembly.terminals
    columns = ColumnRules(assembly.manner, terminals)
    words = {*facts.reserved_words, *facts.alias_words, *_AFTER_SOURCE, *STATEMENT_WORDS}
    terminals.define("ALIAS", alias_terminal(words))
    terminals.define(
        "SPACED", "/ [A-Za-z_][A-Za-z0-9_]{0,27}/ & ~/ (?i:" + "|".join(sorted(words)) + ")/"
    )
    own = _column_rules(found, columns, assembly)
    own["outname"] = ["ALIAS"]
    own["window"] = ["ALIAS"]
    own["outplace"] = ['"1"', '"2"', '"3"']
    inside = dict(own)
    # Set operations are there with the statement's own query alone.
    held = "(query_1_@ | compound)" if needs_queries(policy) else "query_1_@"
    own["from"] = _from(assembly, "TABLE", "d", held)
    # Below WITH there are tables and columns that the statement itself names.
    inside["from"] = _from(assembly, "(TABLE | ALIAS)", "w", held)
    for rule in ("c_v", "b_v"):
        inside[rule] = [*own[rule], "ALIAS", "QUALIFIER ALIAS"]
    derived = _derived_names(found)
    if derived:
        terminals.define("DERIVED", any_of(f"{name}." for name in derived))
        for rule in ("c_v", "b_v"):
            own[rule] = [*own[rule], "DERIVED ALIAS"]
    terminals.define("TABLE", any_of(quote_name(one.name, dialect) for one in found))
    writing = () if policy.only_reads else needs_of_writes(assembly)
    assembly.add_scope("d", own, further=writing)
    assembly.add_scope(
        "w", inside, is_main=False, inside=("w",), further=("query_0", "query_1", *_MEMBERS)
    )
    assembly.settle()
    statements: list[str] = []
    if needs_queries(policy):
        queries = assembly.queries()
        add_constants(assembly, queries)
        queries.append(_with(assembly))
        assembly.add("query", *queries)
    if "select" in policy.kinds:
        statements.append("query")
    if not policy.only_reads:
        statements += Writes(assembly, schema, policy).draft(found, "d")
    return Grammar.of(assembly.text(statements))


def _column_rules(
    tables: list[Table], columns: ColumnRules, assembly: Assembly
) -> dict[str, list[str]]:
    facts = assembly.manner.dialect
    found: dict[str, list[str]] = {}
    everything = [column for table in tables for column in table_columns(table, facts)]
    open_names = {fold(column.name) for column in everything if not column.values}
    # A bare name has a closed list of values only if it has one in every table.
    bare: dict[str, ScopeColumn] = {}
    for column in everything:
        is_open = fold(column.name) in open_names
        bare.setdefault(column.name, column.without_values() if is_open else column)
    columns.add(found, "", list(bare.values()))
    columns.add(found, "QUALIFIER", list(bare.values()))
    qualifiers = []
    if len(tables) <= _MAX_OWN_QUALIFIERS:
        for table in tables:
            prefix = quote_name(table.name, facts.name) + "."
            columns.add(found, literal(prefix), list(table_columns(table, facts)))
            qualifiers.append(_escape(prefix))
    names = any_of(dict.fromkeys(quote_name(name, facts.name) for name in bare))
    assembly.terminals.define("COLUMN", names)
    alias = r"/[A-Za-z_][A-Za-z0-9_]{0,27}\./"
    but = f" & ~/(?i:{'|'.join(qualifiers)})/" if qualifiers else ""
    assembly.terminals.define("QUALIFIER", alias + but)
    found["star"] = ['QUALIFIER "*"', 'TABLEDOT "*"']
    found["allstar"] = ['"*"']  # in a draft, over whatever tables
    tables_dot = any_of(quote_name(one.name, facts.name) + "." for one in tables)
    assembly.terminals.define("TABLEDOT", tables_dot)
    found["evenstar"] = ["star_@"]
    return found


def _derived_names(tables: list[Table]) -> list[str]:
    """The names that people give to a query in FROM, but those that may mean one of these tables.

    What begins as short as an initial (`t` of teams) is a table's, and is followed by the schema's
    columns alone.
    """
    letters = {word[0].lower() for table in tables for word in _WORDS.findall(table.name)}
    names = {fold(table.name) for table in tables}
    return [
        one
        for one in _DERIVED
        if fold(one) not in names and (len(one) > 4 or one[0] not in letters)
    ]


def _escape(text: str) -> str:
    return "".join(f"\\{c}" if c in r".*+?()[]{}|^$/\\&~-#" or c == '"' else c for c in text)


def _from(assembly: Assembly, table: str, scope: str, held: str) -> list[str]:
    """Write a FROM clause over any tables, and queries in parentheses, held there."""
    facts = assembly.manner.dialect
    words = [word for word in JOINS if word in facts.joins or word in ALWAYS]
    assembly.terminals.define("JOINED", any_of(f" {word} " for word in words))
    assembly.terminals.define("CROSSED", any_of([", ", " CROSS JOIN "]))
    alias = '(" AS " ALIAS | SPACED)'
    inner = held.replace("@", scope)
    assembly.add(f"source_of_{scope}", f"{table} {alias}?", f'"(" {inner} ")" {alias}')
    source = f"source_of_{scope}"
    on = f'" ON " cond_{scope} (AO cond_{scope}){{0,3}}'
    further = [f"JOINED {source} {on}", f"CROSSED {source}"]
    if "USING" in facts.joins:
        further.append(f'JOINED {source} " USING (" COLUMN (", " COLUMN){{0,2}} ")"')
    if "NATURAL JOIN" in facts.joins:
        further.append(f'" NATURAL JOIN " {source}')
    if facts.has_bare_join:
        further.append(f"JOINED {source}")
    assembly.add(f"joined_{scope}", *further)
    return [f"{source} joined_{scope}{{0,{_MAX_SOURCES - 1}}}"]


def _with(assembly: Assembly) -> str:
    """Write WITH: its first query reads tables of the schema, later ones those before them too."""
    columns = '(("(" | " (") ALIAS (", " ALIAS){0,5} ")")?'
    first = f'ALIAS {columns} " AS (" (query_1_d | compound) ")"'
    later = f'ALIAS {columns} " AS (" (query_1_d | query_1_w | compound) ")"'
    more = f'(", " {later}){{0,{_MAX_CTES - 1}}}'
    texts = [f'"WITH " {first} {more} " " query_0_w']
    if assembly.manner.dialect.has_recursive_cte:
        for vector in _VECTORS:
            constants = ' ", " '.join(['(NUM | SHORT) (" AS " ALIAS)?'] * len(vector))
            base = f'(member_{vector}_d | "SELECT " {constants})'
            assembly.add("recursive", f"{base} SETOP member_{vector}_w")
        texts.append(
            f'"WITH RECURSIVE " ALIAS {columns} " AS (" recursive ")" {more} " " query_0_w'
        )
    return " | ".join(texts)
