"""Questions on totals of the children for each parent: how many orders has each customer?

Called by `questions.py`. Every function draws one question and its statement on a scene, or None
where no key fits.
"""

from __future__ import annotations

from sqlstrict_train.ask_join import draw_pair, parent_slots
from sqlstrict_train.scene import GROUPS, NUMBERS, Drawn, Scene
from sqlstrict_train.schemas import ColumnSpec, TableSpec
from sqlstrict_train.statements import holds, join, spell
from sqlstrict_train.texts import read_sections
from sqlstrict_train.wording import AGGREGATES, noun, numeral

_SAY = read_sections("join")


def per_parent(scene: Scene) -> Drawn:
    """A count or an aggregate of the children for each parent, or each value of its column."""
    pair = draw_pair(scene)
    by = _by(scene, pair[1]) if pair else None
    if not pair or not by:
        return None
    child, parent = pair
    random = scene.random
    below = scene.conditions(child, (7, 3))
    slots = parent_slots(scene, parent, []) | {"np": noun(child, below), "pc": by.phrase}
    origin = f"{join(scene, parent, child)}{holds(below, child)}"
    tail = f"{origin} GROUP BY {spell(by, parent)};"
    numbers = [c for c in child.of_kind(*NUMBERS) if all(c != d.column for d in below)]
    ending = "" if by is parent.label else "_by"
    if numbers and random.random() < 0.5:
        number = random.choice(numbers)
        function, word = scene.aggregate("AVG", "SUM", "SUM", "SUM", "MIN", "MAX")
        text = scene.say(_SAY[f"group_aggregate{ending}"], agg=word, c=number.phrase, **slots)
        return text, f"SELECT {spell(by, parent)}, {function}({spell(number, child)}) {tail}"
    text = scene.say(_SAY[f"group_count{ending}"], **slots)
    return text, f"SELECT {spell(by, parent)}, COUNT(*) {tail}"


def most(scene: Scene) -> Drawn:
    """The parent, or the few, with the most children or the highest aggregate of them."""
    pair = draw_pair(scene)
    if not pair or pair[1].label.kind != "label":
        return None
    child, parent = pair
    random = scene.random
    below = scene.conditions(child, (8, 2))
    n = random.choice((1, 1, 2, 3, 5))
    slots = parent_slots(scene, parent, []) | {"np": noun(child, below), "n": numeral(random, n)}
    label = spell(parent.label, parent)
    origin = f"{join(scene, parent, child)}{holds(below, child)}"
    head = f"SELECT {label} {origin} GROUP BY {label} ORDER BY"
    numbers = [c for c in child.of_kind(*NUMBERS) if all(c != d.column for d in below)]
    ending = "" if n == 1 else "_n"
    if numbers and random.random() < 0.5:
        number = random.choice(numbers)
        function, word = scene.aggregate("SUM", "SUM", "AVG")
        text = scene.say(_SAY[f"most_sum{ending}"], agg=word, c=number.phrase, **slots)
        return text, f"{head} {function}({spell(number, child)}) DESC LIMIT {n};"
    if n == 1 and random.random() < 0.25:
        return scene.say(_SAY["least"], **slots), f"{head} COUNT(*) LIMIT 1;"
    return scene.say(_SAY[f"most{ending}"], **slots), f"{head} COUNT(*) DESC LIMIT {n};"


def having(scene: Scene) -> Drawn:
    """The parents whose children, counted or added up, pass a bound."""
    pair = draw_pair(scene)
    if not pair or pair[1].label.kind != "label":
        return None
    child, parent = pair
    random = scene.random
    below = scene.conditions(child, (8, 2))
    slots = parent_slots(scene, parent, []) | {"np": noun(child, below)}
    label = spell(parent.label, parent)
    origin = f"{join(scene, parent, child)}{holds(below, child)}"
    head = f"SELECT {label} {origin} GROUP BY {label} HAVING"
    numbers = child.of_kind(*NUMBERS)
    if numbers and random.random() < 0.3:
        number, function = random.choice(numbers), random.choice(("SUM", "AVG"))
        n = scene.bound(child, number, 2 if function == "SUM" else 1)
        word = random.choice(AGGREGATES[function])
        text = scene.say(_SAY["having_sum"], agg=word, c=number.phrase, n=n, **slots)
        return text, f"{head} {function}({spell(number, child)}) > {n};"
    count = random.choice((1, 1, 2, 2, 3, 3, 4))
    slots["n"] = numeral(random, count)
    if count == 1 and random.random() < 0.7:
        slots["np"] = noun(child, below, is_one=True)
    if random.random() < 0.6:
        return scene.say(_SAY["having"], **slots), f"{head} COUNT(*) > {count};"
    return scene.say(_SAY["having_least"], **slots), f"{head} COUNT(*) >= {count};"


def _by(scene: Scene, parent: TableSpec) -> ColumnSpec | None:
    columns = parent.of_kind(*GROUPS)
    if parent.label.kind == "label" and (not columns or scene.random.random() < 0.7):
        return parent.label
    return scene.random.choice(columns) if columns else None
