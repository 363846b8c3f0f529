"""Questions whose statement holds another: subqueries and set operations.

Called by `questions.py`. Every function draws one question and its statement on a scene, or None
where the schema has nothing for it.
"""

from __future__ import annotations

from sqlstrictd.schema.names import quote_name

from sqlstrict_train.scene import GROUPS, NUMBERS, Drawn, Scene
from sqlstrict_train.schemas import TableSpec
from sqlstrict_train.statements import bare, holds, link_name, spell, where
from sqlstrict_train.texts import read_sections
from sqlstrict_train.wording import listed, noun
from sqlstrict_train.words import plural

_SAY = read_sections("nested")


def above_average(scene: Scene) -> Drawn:
    """The rows above or below the average of a number."""
    random, table = scene.random, scene.random.choice(scene.spec.tables)
    numbers = table.of_kind(*NUMBERS)
    if not numbers or table.label.kind != "label":
        return None
    number = random.choice(numbers)
    drawn = scene.conditions(table, (7, 3))
    drawn = [c for c in drawn if c.column not in (number, table.label)]
    operator, templates = (">", "above") if random.random() < 0.65 else ("<", "under")
    slots = {"np": noun(table, drawn), "c": number.phrase}
    text = scene.say(_SAY[templates], label=listed(random, [table.label]), **slots)
    name, column = quote_name(table.name), spell(number)
    parts = [*bare(drawn), f"{column} {operator} (SELECT AVG({column}) FROM {name})"]
    return text, f"SELECT {spell(table.label)} FROM {name}{where(*parts)};"


def childless(scene: Scene) -> Drawn:
    """The parents, or how many of them, without a child that meets a condition."""
    if not (pair := _labelled_pair(scene)):
        return None
    child, parent = pair
    parts, slots = _children(scene, child, parent)
    is_count = scene.random.random() < 0.2
    text = scene.say(_SAY["count_childless" if is_count else "childless"], **slots)
    shown = "COUNT(*)" if is_count else spell(parent.label)
    return text, _membership(scene, child, parent, "NOT IN", parts, shown)


def among(scene: Scene) -> Drawn:
    """The parents that appear in the children meeting a condition."""
    if not (pair := _labelled_pair(scene)):
        return None
    child, parent = pair
    parts, slots = _children(scene, child, parent, (4, 6))
    text = scene.say(_SAY["among"], **slots)
    return text, _membership(scene, child, parent, "IN", parts, spell(parent.label))


def exists(scene: Scene) -> Drawn:
    """The parents for which there is, or is not, a child that meets a condition."""
    if not (pair := _labelled_pair(scene)):
        return None
    child, parent = pair
    parts, slots = _children(scene, child, parent, (3, 7))
    is_there = scene.random.random() < 0.6
    text = scene.say(_SAY["exists" if is_there else "missing"], **slots)
    word = "IN" if is_there else "NOT IN"
    return text, _membership(scene, child, parent, word, parts, spell(parent.label))


def sets(scene: Scene) -> Drawn:
    """The values of a column that two sorts of rows share, do not share, or have together."""
    random, table = scene.random, scene.random.choice(scene.spec.tables)
    columns = table.of_kind(*GROUPS)
    if not columns:
        return None
    column = random.choice(columns)
    one, two = scene.conditions(table, (0, 1)), scene.conditions(table, (0, 1))
    if not one or not two or one == two or column in (one[0].column, two[0].column):
        return None
    word, section = random.choice((("INTERSECT", "both"), ("EXCEPT", "except"), ("UNION", "union")))
    slots = {"cs": plural(column.phrase), "a": noun(table, one), "b": noun(table, two)}
    head = f"SELECT {spell(column)} FROM {quote_name(table.name)}"
    text = scene.say(_SAY[section], **slots)
    return text, f"{head}{holds(one)} {word} {head}{holds(two)};"


def of_the_top_parent(scene: Scene) -> Drawn:
    """A column of the children of the parent that comes first by a number."""
    pairs = [(c, p) for c, p in scene.linked() if p.of_kind(*NUMBERS)]
    if not pairs:
        return None
    random = scene.random
    child, parent = random.choice(pairs)
    number = random.choice(parent.of_kind(*NUMBERS))
    own = random.choice([c for c in child.columns if c.kind not in ("link", "text")])
    slots = {"c": own.phrase, "np": child.plural, "p": parent.singular, "m": number.phrase}
    first = f"FROM {quote_name(parent.name)} ORDER BY {spell(number)} DESC LIMIT 1"
    link = quote_name(link_name(child, parent, scene.spec))
    tail = f"WHERE {link} = (SELECT {spell(parent.key)} {first})"
    text = scene.say(_SAY["most_of"], **slots)
    return text, f"SELECT {spell(own)} FROM {quote_name(child.name)} {tail};"


def _labelled_pair(scene: Scene) -> tuple[TableSpec, TableSpec] | None:
    pairs = [(c, p) for c, p in scene.linked() if p.label.kind == "label"]
    return scene.random.choice(pairs) if pairs else None


def _children(
    scene: Scene, child: TableSpec, parent: TableSpec, weights: tuple[int, ...] = (6, 4)
) -> tuple[list[str], dict[str, str]]:
    """Draw conditions on the children: their SQL, and what a template may say."""
    drawn = scene.conditions(child, weights)
    slots = {"np": noun(child, drawn), "one": noun(child, drawn, True)}
    return bare(drawn), slots | {"ps": parent.plural, "pc": parent.label.phrase}


def _membership(
    scene: Scene, child: TableSpec, parent: TableSpec, word: str, parts: list[str], shown: str
) -> str:
    link = quote_name(link_name(child, parent, scene.spec))
    inner = f"SELECT {link} FROM {quote_name(child.name)}{where(*parts)}"
    head = f"SELECT {shown} FROM {quote_name(parent.name)}"
    return f"{head} WHERE {spell(parent.key)} {word} ({inner});"
