"""Questions on rows that need two or three tables, joined along their keys.

Called by `questions.py`. A child refers to its parent by a key (an order to its customer). Every
function draws one question and its statement on a scene, or None where no key fits.
"""

from __future__ import annotations

from sqlstrict_train.filters import Condition, draw_condition, literal
from sqlstrict_train.scene import NUMBERS, Drawn, Scene
from sqlstrict_train.schemas import ColumnSpec, TableSpec
from sqlstrict_train.statements import holds, join, qualified, spell, where
from sqlstrict_train.texts import read_sections
from sqlstrict_train.wording import all_of, noun

_SAY = read_sections("join")


def draw_pair(scene: Scene) -> tuple[TableSpec, TableSpec] | None:
    """Draw a child and its parent."""
    pairs = scene.linked()
    return scene.random.choice(pairs) if pairs else None


def parent_slots(scene: Scene, parent: TableSpec, drawn: list[Condition]) -> dict[str, str]:
    """What a template may say of a parent that meets at most one condition."""
    slots = {"p": parent.singular, "ps": parent.plural, "pc": parent.label.phrase, "pis": ""}
    slots |= {"pnp": noun(parent, drawn), "pone": noun(parent, drawn, True)}
    if drawn:
        after = drawn[0].after
        is_whose = after.startswith("whose ")
        slots["pis"] = after.removeprefix("whose ") if is_whose else f"is {drawn[0].before}{after}"
    return slots | {"of": scene.random.choice(_SAY["of"])}


def _fitting(templates: tuple[str, ...], above: Condition) -> tuple[str, ...]:
    """Leave out "whose parent is ..." where the condition cannot be said so."""
    if above.before or above.after.startswith("whose"):
        return templates
    return tuple(t for t in templates if "{pis}" not in t)


def _both(
    child: TableSpec, below: list[Condition], parent: TableSpec, above: list[Condition]
) -> str:
    return where(*qualified(below, child), *qualified(above, parent))


def _shown(child: TableSpec) -> list[ColumnSpec]:
    return [c for c in child.columns if c.kind not in ("link", "text")]


def with_parent(scene: Scene) -> Drawn:
    """A column of the child beside one of the parent."""
    if not (pair := draw_pair(scene)):
        return None
    child, parent = pair
    random = scene.random
    own = random.choice(child.of_kind("label", "category", "count", "amount", "date", "key"))
    others = parent.of_kind("label", "category", "place", "amount")[:4]
    other = random.choice(others or [parent.key])
    if parent.label.kind == "label" and random.random() < 0.6:
        other = parent.label
    drawn = [c for c in scene.conditions(child, (5, 4)) if c.column != own]
    np = noun(child, drawn)
    slots = parent_slots(scene, parent, []) | {"pc": other.phrase, "c": own.phrase}
    slots |= {"all": all_of(random, np), "one": noun(child, drawn, True)}
    text = scene.say(_SAY["with_parent"], **slots)
    head = f"SELECT {spell(own, child)}, {spell(other, parent)}"
    return text, f"{head} {join(scene, child, parent)}{holds(drawn, child)};"


def of_parent(scene: Scene) -> Drawn:
    """A column of those children whose parent meets a condition."""
    if not (pair := draw_pair(scene)):
        return None
    child, parent = pair
    random = scene.random
    above = scene.conditions(parent, (0, 1))
    if not above:
        return None
    below = scene.conditions(child, (7, 3))
    own = random.choice([c for c in _shown(child) if all(c != d.column for d in below)])
    if child.label.kind == "label" and random.random() < 0.5:
        own = child.label
    templates = _fitting(_SAY["of_parent"], above[0])
    slots = {"c": own.phrase, "np": noun(child, below)} | parent_slots(scene, parent, above)
    conditions = _both(child, below, parent, above)
    text = scene.say(templates, **slots)
    return text, f"SELECT {spell(own, child)} {join(scene, child, parent)}{conditions};"


def parents(scene: Scene) -> Drawn:
    """The different parents that have children meeting a condition."""
    if not (pair := draw_pair(scene)):
        return None
    child, parent = pair
    below, above = scene.conditions(child, (0, 6, 2)), scene.conditions(parent, (8, 2))
    if not below or parent.label.kind != "label":
        return None
    slots = {"np": noun(child, below), "one": noun(child, below, True)}
    text = scene.say(_SAY["parents"], **slots, **parent_slots(scene, parent, above))
    head = f"SELECT DISTINCT {spell(parent.label, parent)}"
    return text, f"{head} {join(scene, parent, child)}{_both(child, below, parent, above)};"


def total_of(scene: Scene) -> Drawn:
    """A count or an aggregate of the children of a parent, which is named or described."""
    if not (pair := draw_pair(scene)):
        return None
    child, parent = pair
    random = scene.random
    below = scene.conditions(child, (7, 3))
    is_named = parent.label.kind == "label" and random.random() < 0.5
    if is_named:
        if not (named := _named(scene, parent)):
            return None
        above, said = [named[0]], named[1]
    else:
        above, said = scene.conditions(parent, (0, 1)), ""
    if not above:
        return None
    slots = parent_slots(scene, parent, above) | {"np": noun(child, below), "v": said}
    tail = f"{join(scene, child, parent)}{_both(child, below, parent, above)};"
    numbers = [c for c in child.of_kind(*NUMBERS) if all(c != d.column for d in below)]
    if numbers and random.random() < 0.55:
        number = random.choice(numbers)
        function, word = scene.aggregate("AVG", "SUM", "SUM", "MIN", "MAX")
        described = _fitting(_SAY["aggregate_of"], above[0])
        templates = _SAY["aggregate_named"] if is_named else described
        text = scene.say(templates, agg=word, c=number.phrase, **slots)
        return text, f"SELECT {function}({spell(number, child)}) {tail}"
    text = scene.say(_SAY["count_of" if is_named else "count_with"], **slots)
    return text, f"SELECT COUNT(*) {tail}"


def three(scene: Scene) -> Drawn:
    """Three tables: a grandparent over its parent's children, or two parents of one child."""
    random = scene.random
    pairs = scene.linked()
    paths = [(c, p, g) for c, p in pairs for q, g in pairs if q is p and g is not c and g is not p]
    bridges = [(c, p, g) for c, p in pairs for q, g in pairs if q is c and g is not p]
    shape = random.random()
    if bridges and shape < 0.4:
        return _across(scene, *random.choice(bridges))
    if not paths:
        return None
    child, parent, grand = random.choice(paths)
    by = grand.label
    if by.kind != "label":
        return None
    if shape < 0.6:
        above = _one_condition(scene, grand)
        own = random.choice(_shown(child))
        if not above:
            return None
        slots = {"c": own.phrase, "np": child.plural, "gnp": noun(grand, above)}
        text = scene.say(_SAY["grand_list"], of=random.choice(_SAY["of"]), **slots)
        tail = f"{join(scene, child, parent, grand)}{holds(above, grand)}"
        return text, f"SELECT {spell(own, child)} {tail};"
    slots = {"g": grand.singular, "gc": by.phrase, "np": child.plural}
    tail = f"{join(scene, grand, parent, child)} GROUP BY {spell(by, grand)};"
    numbers = child.of_kind(*NUMBERS)
    if numbers and random.random() < 0.6:
        number = random.choice(numbers)
        function, word = scene.aggregate("SUM", "SUM", "AVG", "MAX")
        text = scene.say(_SAY["grand_sum"], agg=word, c=number.phrase, **slots)
        return text, f"SELECT {spell(by, grand)}, {function}({spell(number, child)}) {tail}"
    return scene.say(_SAY["grand_count"], **slots), f"SELECT {spell(by, grand)}, COUNT(*) {tail}"


def _across(scene: Scene, child: TableSpec, parent: TableSpec, other: TableSpec) -> Drawn:
    """One parent's names, by a condition on the other parent of the same child."""
    if parent.label.kind != "label":
        return None
    head = f"SELECT DISTINCT {spell(parent.label, parent)} {join(scene, parent, child, other)}"
    if other.label.kind == "label" and scene.random.random() < 0.4:
        if not (named := _named(scene, other)):
            return None
        condition, said = named
        slots = {"c": parent.label.phrase, "ones": parent.plural, "g": other.singular, "v": said}
        return scene.say(_SAY["grand_named"], **slots), f"{head}{holds([condition], other)};"
    above = _one_condition(scene, other)
    if not above:
        return None
    slots = {"c": parent.label.phrase, "ones": parent.plural, "np": child.plural}
    text = scene.say(_SAY["grand_pair"], gnp=noun(other, above), **slots)
    return text, f"{head}{holds(above, other)};"


def _named(scene: Scene, table: TableSpec) -> tuple[Condition, str] | None:
    """Draw a row by its name: the condition, and how a person says the name."""
    at = table.columns.index(table.label)
    value = scene.random.choice([row[at] for row in scene.rows(table)])
    if value is None:
        return None
    said = f"'{value}'" if scene.random.random() < 0.3 else str(value)
    return Condition("", "", table.label, f"{{c}} = {literal(value)}"), said


def _one_condition(scene: Scene, table: TableSpec) -> list[Condition]:
    tries = [draw_condition(scene.random, table, scene.rows(table), scene.split) for _ in range(3)]
    return [condition for condition in tries if condition][:1]
