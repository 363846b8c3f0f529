"""Questions on the rows of one table: lists, counts, aggregates, firsts.

Called by `questions.py`. Every function draws one question and its statement on a scene, or None
where the schema has nothing for it.
"""

from __future__ import annotations

from sqlstrictd.schema.names import quote_name

from sqlstrict_train.filters import Condition
from sqlstrict_train.scene import NUMBERS, Drawn, Scene
from sqlstrict_train.schemas import TableSpec
from sqlstrict_train.statements import holds, spell
from sqlstrict_train.texts import read_sections
from sqlstrict_train.wording import AGGREGATES, COMPUTE, MOST, all_of, listed, noun, numeral

_SAY = read_sections("single")
_SHOWN = ("label", "category", "place", "country", "count", "amount", "date", "year", "text", "key")
_DOWN = (" descending", " in descending order", " from highest to lowest", " desc")
_UP = ("", " ascending", " in ascending order", " from lowest to highest")
_MOST = {"count": ("highest", "largest", "most", "greatest", "maximum")}
_MOST_OTHER = ("highest", "largest", "highest", "greatest", "maximum")
_FIRST = {True: ("highest", "largest", "greatest"), False: ("lowest", "smallest")}
_LEAST = ("lowest", "smallest", "least", "minimum")


def everything(scene: Scene) -> Drawn:
    """All columns of a table's rows."""
    table = scene.random.choice(scene.spec.tables)
    drawn = scene.conditions(table, (2, 5, 3))
    np = noun(table, drawn)
    text = scene.say(_SAY["everything"], all=all_of(scene.random, np), np=np)
    return text, f"SELECT * {_rows(table, drawn)};"


def columns(scene: Scene) -> Drawn:
    """Some columns of a table's rows, at times in order."""
    random, table = scene.random, scene.random.choice(scene.spec.tables)
    shown = random.sample(table.of_kind(*_SHOWN), 1)
    rest = [c for c in table.columns if c.kind != "link" and c not in shown]
    shown += random.sample(rest, min(len(rest), random.choice((0, 1, 1, 2))))
    if table.label.kind == "label" and table.label not in shown and random.random() < 0.5:
        shown[0] = table.label
    drawn = [c for c in scene.conditions(table, (2, 5, 3)) if c.column not in shown]
    np, one = noun(table, drawn), noun(table, drawn, is_one=True)
    slots = {"np": np, "one": one, "all": all_of(random, np), "cols": listed(random, shown)}
    head = f"SELECT {', '.join(map(spell, shown))} {_rows(table, drawn)}"
    sortable = table.of_kind("count", "amount", "date", "year", "label")
    if random.random() < 0.3 and sortable:
        by = random.choice(sortable)
        is_down = random.random() < 0.5
        way = random.choice(_DOWN if is_down else _UP)
        slots |= {"c": by.phrase, "way": way, "way2": "descending" if is_down else "ascending"}
        order = f"ORDER BY {spell(by)}{' DESC' if is_down else ''}"
        section = "ordered"
        if by.base in MOST and random.random() < 0.5:
            section = "ordered_word"
            slots["most"], slots["least"] = MOST[by.base][:: 1 if is_down else -1]
        elif by.kind in NUMBERS and random.random() < 0.35:
            section = "ordered_first"
            slots["first"] = random.choice(_FIRST[is_down])
        return scene.say(_SAY[section], **slots), f"{head} {order};"
    return scene.say(_SAY["columns"], **slots), f"{head};"


def which(scene: Scene) -> Drawn:
    """The names of the rows that meet a condition."""
    random, table = scene.random, scene.random.choice(scene.spec.tables)
    drawn = scene.conditions(table, (0, 6, 3))
    if table.label.kind != "label" or not drawn or any(c.column == table.label for c in drawn):
        return None
    np = noun(table, drawn)
    is_bare = bool(drawn[0].before) and not any(c.after for c in drawn)
    templates = tuple(t for t in _SAY["which"] if "{rest}" not in t or is_bare)
    text = scene.say(
        templates,
        np=np,
        one=noun(table, drawn, True),
        plural=table.plural,
        rest=drawn[0].before,
        label=table.label.phrase,
        all=all_of(random, np),
    )
    return text, f"SELECT {spell(table.label)} {_rows(table, drawn)};"


def count(scene: Scene) -> Drawn:
    """How many rows there are."""
    table = scene.random.choice(scene.spec.tables)
    drawn = scene.conditions(table, (2, 6, 3))
    np = noun(table, drawn)
    is_bare = bool(drawn) and bool(drawn[0].before) and not any(c.after for c in drawn)
    templates = tuple(t for t in _SAY["count"] if "{rest}" not in t or is_bare)
    slots = {"np": np, "plural": table.plural, "rest": drawn[0].before if is_bare else ""}
    text = scene.say(templates, all=all_of(scene.random, np), **slots)
    return text, f"SELECT COUNT(*) {_rows(table, drawn)};"


def aggregate(scene: Scene) -> Drawn:
    """One or two aggregates of a number."""
    random, table = scene.random, scene.random.choice(scene.spec.tables)
    numbers = table.of_kind(*NUMBERS)
    if not numbers:
        return None
    column = random.choice(numbers)
    drawn = [c for c in scene.conditions(table, (3, 6, 2)) if c.column != column]
    np = noun(table, drawn)
    tail = f"{_rows(table, drawn)};"
    slots = {"c": column.phrase, "np": np, "all": all_of(random, np)}
    if random.random() < 0.15:
        one, two = random.sample(("MIN", "MAX", "AVG"), 2)
        slots |= {"agg": random.choice(AGGREGATES[one]), "agg2": random.choice(AGGREGATES[two])}
        head = f"SELECT {one}({spell(column)}), {two}({spell(column)})"
        return scene.say(_SAY["two_aggregates"], **slots), f"{head} {tail}"
    function = random.choice(("AVG", "AVG", "SUM", "SUM", "MIN", "MAX"))
    # "Find the average X of all Y" is an evaluation wording: training says it with other verbs.
    slots["show"] = "" if scene.split == "eval" else random.choice(COMPUTE)
    slots["agg"] = random.choice(AGGREGATES[function])
    return scene.say(_SAY["aggregate"], **slots), f"SELECT {function}({spell(column)}) {tail}"


def top(scene: Scene) -> Drawn:
    """The first one, or the first few, by a number or a date."""
    random, table = scene.random, scene.random.choice(scene.spec.tables)
    sortable = table.of_kind("count", "amount", "date", "year")
    sortable = [c for c in sortable if c.kind in NUMBERS or c.base in MOST]
    if not sortable or table.label.kind != "label":
        return None
    by = random.choice(sortable)
    is_most = random.random() < 0.65
    drawn = [c for c in scene.conditions(table, (6, 3)) if c.column not in (by, table.label)]
    n = random.choice((1, 1, 1, 2, 3, 4, 5, 10))
    slots = {"np": noun(table, drawn), "one": noun(table, drawn, True), "c": by.phrase}
    slots |= {"label": table.label.phrase}
    slots["n"] = numeral(random, n)
    if by.base in MOST and (random.random() < 0.5 or by.kind not in NUMBERS):
        slots["most"] = MOST[by.base][0 if is_most else 1]
        templates = _SAY["top_word"] if n == 1 else _SAY["top_n_word"]
    else:
        slots["agg"] = random.choice(_MOST.get(by.kind, _MOST_OTHER) if is_most else _LEAST)
        templates = _SAY["top"] if n == 1 else _SAY["top_n"]
    order = f"ORDER BY {spell(by)}{' DESC' if is_most else ''} LIMIT {n}"
    text = scene.say(templates, **slots)
    return text, f"SELECT {spell(table.label)} {_rows(table, drawn)} {order};"


def _rows(table: TableSpec, drawn: list[Condition]) -> str:
    return f"FROM {quote_name(table.name)}{holds(drawn)}"
