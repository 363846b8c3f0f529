"""Conditions: what a person says about rows, and the SQL that it stands for.

Called by the question files. A condition is drawn so that some row of the table meets it and some
row does not, its literals come from the rows. Phrases marked with `~` belong to the evaluation
split alone; every word in them also stands in a phrase of the training split.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from sqlstrict_train.rows import Value
from sqlstrict_train.schemas import ColumnSpec, TableSpec
from sqlstrict_train.texts import read_sections, table_of

_PHRASES = read_sections("filters")
_MORE = table_of(_PHRASES["more"])
_LESS = table_of(_PHRASES["less"])
_VERBS = table_of(_PHRASES["verbs"])
MONTHS = (
    "January February March April May June July August September October November December".split()
)
_ADJECTIVE_LIKE = (
    "status",
    "color",
    "type",
    "priority",
    "category",
    "level",
    "genre",
    "material",
    "size",
    "role",
    "language",
    "format",
)


@dataclass(frozen=True)
class Condition:
    """What stands before the noun ("pending") or after it ("with price above 5"), and the SQL.

    `sql` holds `{c}` where the column's name goes, for the statement decides whether to qualify it.
    """

    before: str
    after: str
    column: ColumnSpec
    sql: str

    def where(self, spelled: str) -> str:
        """The SQL with the column spelled so."""
        return self.sql.replace("{c}", spelled)


def pick(random: Random, phrases: tuple[str, ...], split: str) -> str:
    """Draw one of the split's phrases, without its mark."""
    wanted = [p for p in phrases if p.startswith("~") == (split == "eval")]
    return random.choice(wanted or [p for p in phrases if p[0] != "~"]).lstrip("~")


def literal(value: Value) -> str:
    """Spell a value as SQL."""
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def mention(random: Random, value: Value) -> str:
    """Spell a value as a person does in a question."""
    if not isinstance(value, str):
        return literal(value)
    shape = random.random()
    return f"'{value}'" if shape < 0.3 else f'"{value}"' if shape < 0.45 else value


def draw_condition(
    random: Random, table: TableSpec, rows: list[list[Value]], split: str
) -> Condition | None:
    """Draw a condition on one of the table's columns; None where there is nothing to hold to."""
    column = random.choice(table.columns)
    values = [row[table.columns.index(column)] for row in rows]
    known = [value for value in values if value is not None]
    if column.kind in ("key", "link") or not known:
        return None
    if (
        column.is_nullable
        and len(known) < len(values)
        and random.random() < (0.5 if column.kind == "text" else 0.15)
    ):
        if random.random() < 0.7:
            return _said(random, column, _PHRASES["missing"], "{c} IS NULL", split)
        return _said(random, column, _PHRASES["present"], "{c} IS NOT NULL", split)
    if column.kind in ("count", "amount", "year"):
        return _number(random, column, known, split)
    if column.kind == "date":
        return _date(random, column, [str(value) for value in known], split)
    return _text(random, column, [str(value) for value in known], split)


def _said(
    random: Random, column: ColumnSpec, phrases: tuple[str, ...], sql: str, split: str, **slots: str
) -> Condition:
    phrase = pick(random, phrases, split).format(c=column.phrase, **slots)
    phrase = re.sub(r"\ba (?=[aeiou])", "an ", phrase)
    return Condition("", phrase, column, sql)


def _text(random: Random, column: ColumnSpec, known: list[str], split: str) -> Condition:
    value = random.choice(known)
    said = mention(random, value)
    sql = f"{{c}} = {literal(value)}"
    shape = random.random()
    if column.kind in ("label", "text"):
        if shape < 0.35 or column.kind == "text":
            return _pattern(random, column, value, split)
        return _said(random, column, _PHRASES["named"], sql, split, v=said)
    if shape < 0.12:
        phrases = tuple(
            p
            for p in _PHRASES["not_equal"]
            if ("from" in p) <= (column.kind in ("place", "country"))
        )
        return _said(random, column, phrases, f"{{c}} <> {literal(value)}", split, v=said)
    others = sorted(set(known) - {value})
    if shape < 0.24 and others:
        other = random.choice(others)
        phrases = tuple(
            p for p in _PHRASES["either"] if ("from" in p) <= (column.kind in ("place", "country"))
        )
        sql = f"{{c}} IN ({literal(value)}, {literal(other)})"
        return _said(random, column, phrases, sql, split, v=said, w=mention(random, other))
    if column.kind in ("place", "country"):
        phrases = (
            _PHRASES["place"]
            if random.random() < 0.7
            else tuple(p for p in _PHRASES["equal"] if "{c}" in p)
        )
        return _said(random, column, phrases, sql, split, v=said)
    is_adjective = any(word in column.base for word in _ADJECTIVE_LIKE)
    if is_adjective and random.random() < 0.45:
        return Condition(said, "", column, sql)
    phrases = tuple(p for p in _PHRASES["equal"] if "{c}" in p or is_adjective)
    return _said(random, column, phrases, sql, split, v=said)


def _pattern(random: Random, column: ColumnSpec, value: str, split: str) -> Condition:
    shape = random.random()
    if shape < 0.45:
        part, phrases, pattern = value[: random.choice((1, 1, 2, 3))], _PHRASES["starts"], "{}%"
    elif shape < 0.6:
        part, phrases, pattern = value[-random.choice((1, 2, 3)) :], _PHRASES["ends"], "%{}"
    else:
        part, phrases, pattern = random.choice(value.split(" ")), _PHRASES["contains"], "%{}%"
    said = f"'{part}'" if random.random() < 0.7 else f'"{part}"' if random.random() < 0.5 else part
    return _said(
        random, column, phrases, f"{{c}} LIKE {literal(pattern.format(part))}", split, v=said
    )


def _number(random: Random, column: ColumnSpec, known: Sequence[Value], split: str) -> Condition:
    numbers = sorted(
        {float(value) for value in known if not isinstance(value, str) and value is not None}
    )
    value = random.choice(numbers[1:-1] or numbers)
    if (
        column.kind == "amount"
        and random.random() < 0.75
        or value > 100
        and column.kind == "count"
        and random.random() < 0.5
    ):
        value = float(round(value, -1 if value > 50 else 0))
    said = literal(value)
    shape = random.random()
    if column.kind == "year" and shape < 0.5:
        return _said(random, column, _PHRASES["year_is"], f"{{c}} = {said}", split, v=said)
    if column.kind == "year":
        if shape < 0.75:
            return _said(random, column, _PHRASES["year_after"], f"{{c}} > {said}", split, v=said)
        return _said(random, column, _PHRASES["year_before"], f"{{c}} < {said}", split, v=said)
    if shape < 0.36:
        phrases = (
            _MORE[column.base]
            if column.base in _MORE and random.random() < 0.5
            else _PHRASES["above"]
        )
        return _said(random, column, phrases, f"{{c}} > {said}", split, v=said)
    if shape < 0.64:
        phrases = (
            _LESS[column.base]
            if column.base in _LESS and random.random() < 0.5
            else _PHRASES["below"]
        )
        return _said(random, column, phrases, f"{{c}} < {said}", split, v=said)
    if shape < 0.74:
        return _said(random, column, _PHRASES["at_least"], f"{{c}} >= {said}", split, v=said)
    if shape < 0.81:
        return _said(random, column, _PHRASES["at_most"], f"{{c}} <= {said}", split, v=said)
    if shape < 0.88 and column.kind == "count":
        return _said(random, column, _PHRASES["equal"][:4], f"{{c}} = {said}", split, v=said)
    low, high = sorted((value, random.choice(numbers)))
    sql = f"{{c}} BETWEEN {literal(low)} AND {literal(high)}"
    return _said(random, column, _PHRASES["between"], sql, split, v=literal(low), w=literal(high))


def _date(random: Random, column: ColumnSpec, known: list[str], split: str) -> Condition:
    value = random.choice(sorted(known)[1:-1] or known)
    verb = random.choice(_VERBS.get(column.base, (f"with {column.phrase}",)))
    shape = random.random()
    if shape < 0.35:
        sql = f"strftime('%Y', {{c}}) = '{value[:4]}'"
        return _said(random, column, _PHRASES["in_year"], sql, split, v=value[:4], verb=verb)
    if shape < 0.5:
        month = f"{MONTHS[int(value[5:7]) - 1]} {value[:4]}"
        sql = f"strftime('%Y-%m', {{c}}) = '{value[:7]}'"
        return _said(random, column, _PHRASES["in_month"], sql, split, v=month, verb=verb)
    if shape < 0.6:
        later = random.choice(known)
        low, high = sorted((value, later))
        return _said(
            random,
            column,
            _PHRASES["between"],
            f"{{c}} BETWEEN '{low}' AND '{high}'",
            split,
            v=low,
            w=high,
        )
    phrases, operator = (
        (_PHRASES["after"], ">") if random.random() < 0.6 else (_PHRASES["before"], "<")
    )
    if (
        random.random() < 0.3
    ):  # "after 2021" is after that year's end, "before 2021" before its start
        bound = f"{value[:4]}-12-31" if operator == ">" else f"{value[:4]}-01-01"
        return _said(
            random, column, phrases, f"{{c}} {operator} '{bound}'", split, v=value[:4], verb=verb
        )
    return _said(random, column, phrases, f"{{c}} {operator} '{value}'", split, v=value, verb=verb)
