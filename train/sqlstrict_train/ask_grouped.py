"""Questions on the values of a column of one table: which there are, and totals for each.

Called by `questions.py`. Every function draws one question and its statement on a scene, or None
where the schema has nothing for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlstrictd.schema.names import quote_name

from sqlstrict_train.scene import GROUPS, NUMBERS, Drawn, Scene
from sqlstrict_train.schemas import TableSpec
from sqlstrict_train.statements import holds, spell
from sqlstrict_train.texts import read_sections
from sqlstrict_train.wording import AGGREGATES, all_of, noun, numeral
from sqlstrict_train.words import plural

_SAY = read_sections("single")


@dataclass(frozen=True)
class _Group:
    """A table, one of its columns spelled and said, its rows' noun phrase, and their FROM."""

    table: TableSpec
    column: str
    phrase: str
    rows: str
    origin: str


def _draw(scene: Scene) -> _Group | None:
    table = scene.random.choice(scene.spec.tables)
    columns = table.of_kind(*GROUPS)
    if not columns:
        return None
    column = scene.random.choice(columns)
    drawn = [c for c in scene.conditions(table, (6, 4)) if c.column != column]
    origin = f"FROM {quote_name(table.name)}{holds(drawn)}"
    return _Group(table, spell(column), column.phrase, noun(table, drawn), origin)


def distinct(scene: Scene) -> Drawn:
    """The different values of a column."""
    if not (group := _draw(scene)):
        return None
    several = all_of(scene.random, group.rows)
    text = scene.say(_SAY["distinct"], cs=plural(group.phrase), all=several, np=group.rows)
    return text, f"SELECT DISTINCT {group.column} {group.origin};"


def count_distinct(scene: Scene) -> Drawn:
    """How many different values a column has."""
    if not (group := _draw(scene)):
        return None
    several = all_of(scene.random, group.rows)
    text = scene.say(_SAY["count_distinct"], cs=plural(group.phrase), all=several, np=group.rows)
    return text, f"SELECT COUNT(DISTINCT {group.column}) {group.origin};"


def group_count(scene: Scene) -> Drawn:
    """How many rows there are for each value of a column."""
    if not (group := _draw(scene)):
        return None
    several = all_of(scene.random, group.rows)
    text = scene.say(_SAY["group_count"], g=group.phrase, np=group.rows, all=several)
    return text, f"SELECT {group.column}, COUNT(*) {group.origin} GROUP BY {group.column};"


def group_aggregate(scene: Scene) -> Drawn:
    """An aggregate for each value of a column."""
    group = _draw(scene)
    if not group or not group.table.of_kind(*NUMBERS):
        return None
    number = scene.random.choice(group.table.of_kind(*NUMBERS))
    function, word = scene.aggregate("AVG", "AVG", "SUM", "SUM", "MIN", "MAX")
    slots = {"agg": word, "c": number.phrase, "g": group.phrase, "np": group.rows}
    text = scene.say(_SAY["group_aggregate"], all=all_of(scene.random, group.rows), **slots)
    head = f"SELECT {group.column}, {function}({spell(number)})"
    return text, f"{head} {group.origin} GROUP BY {group.column};"


def having(scene: Scene) -> Drawn:
    """The values of a column whose groups pass a bound."""
    if not (group := _draw(scene)):
        return None
    random = scene.random
    head = f"SELECT {group.column} {group.origin} GROUP BY {group.column} HAVING"
    slots = {"gs": plural(group.phrase), "np": group.rows}
    numbers = group.table.of_kind(*NUMBERS)
    if numbers and random.random() < 0.4:
        number, function = random.choice(numbers), random.choice(("AVG", "AVG", "SUM", "MAX"))
        factor = random.choice((2, 4)) if function == "SUM" else 1
        n = scene.bound(group.table, number, factor)
        word = random.choice(AGGREGATES[function])
        text = scene.say(_SAY["having_aggregate"], agg=word, c=number.phrase, n=n, **slots)
        return text, f"{head} {function}({spell(number)}) > {n};"
    count = random.choice((1, 2, 3, 4, 5, 6))
    slots["n"] = numeral(random, count)
    if random.random() < 0.6:
        return scene.say(_SAY["having"], **slots), f"{head} COUNT(*) > {count};"
    return scene.say(_SAY["having_least"], **slots), f"{head} COUNT(*) >= {count};"


def most_common(scene: Scene) -> Drawn:
    """The value with the most, or the fewest, rows."""
    if not (group := _draw(scene)):
        return None
    is_most = scene.random.random() < 0.75
    several = all_of(scene.random, group.rows)
    templates = _SAY["most_common" if is_most else "least_common"]
    text = scene.say(templates, g=group.phrase, np=group.rows, all=several)
    order = f"ORDER BY COUNT(*){' DESC' if is_most else ''} LIMIT 1"
    return text, f"SELECT {group.column} {group.origin} GROUP BY {group.column} {order};"
