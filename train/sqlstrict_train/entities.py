"""Choose what a schema is about: entities of a known domain, or nouns thrown together.

`schemas.py` makes a table of each. Nothing is spelled here: names are plain words, with columns as
`texts/domains.txt` writes them (`name:kind:values`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random

from sqlstrict_train.texts import read_sections
from sqlstrict_train.words import (
    ADJECTIVES,
    CLASSIFIERS,
    MEASURES,
    MORE_NOUNS,
    NOUNS,
    invented_word,
    plural,
)

# The columns that tables of each kind may have.
KINDS = {
    name.removeprefix("kind "): lines
    for name, lines in read_sections("domains").items()
    if name.startswith("kind ")
}


@dataclass(frozen=True)
class Entity:
    """A table that a schema may have: its noun, its kind, its parents and its own columns."""

    name: str
    kind: str
    parents: tuple[str, ...]
    columns: tuple[str, ...]


def parse_entity(text: str) -> Entity:
    """Read an entity as `texts/domains.txt` writes one."""
    head, *columns = text.strip().split(" +")
    name, kind, parents = re.fullmatch(r"([a-z ]+)/(\w+)(?:>(.*))?", head).groups()  # type: ignore[union-attr]
    return Entity(name, kind, tuple((parents or "").split(",")) if parents else (), tuple(columns))


def subset_of(random: Random, entities: list[Entity]) -> list[Entity]:
    """Keep some of the entities, in order, each parent with its child: 1 to all of them."""
    if random.random() < 0.12:
        return [random.choice(entities)]
    kept = {random.choice(entities).name for _ in range(random.randint(2, 5))}
    for entity in reversed(entities):
        if entity.name in kept:
            kept.update(entity.parents)
    return [entity for entity in entities if entity.name in kept]


def renamed(random: Random, entities: list[Entity]) -> list[Entity]:
    """Call some of the entities by any noun, so that their names have to be read."""
    names = {e.name: _open_noun(random) if random.random() < 0.3 else e.name for e in entities}
    if len({plural(name) for name in names.values()}) < len(names):
        return entities
    return [
        replace(e, name=names[e.name], parents=tuple(names.get(p, p) for p in e.parents))
        for e in entities
    ]


def open_entities(random: Random) -> list[Entity]:
    """Throw nouns together: 1 to 6 entities, the later ones often refer to earlier ones."""
    entities: list[Entity] = []
    for _ in range(random.choice((1, 2, 2, 3, 3, 4, 5, 6))):
        name = _open_noun(random)
        if any(name in (e.name, plural(e.name)) for e in entities):
            continue
        count = min(len(entities), random.choice((0, 1, 1, 1, 2)))
        parents = tuple(e.name for e in random.sample(entities, count))
        kind = random.choice(tuple(KINDS))
        columns = tuple(_open_column(random) for _ in range(random.randint(1, 4)))
        entities.append(Entity(name, kind, parents, columns))
    return entities


def _open_noun(random: Random) -> str:
    shape = random.random()
    if shape < 0.3:
        return invented_word(random)
    if shape < 0.8:
        return random.choice(NOUNS if random.random() < 0.4 else MORE_NOUNS)
    first = random.choice(NOUNS if random.random() < 0.6 else ADJECTIVES)
    return f"{first} {random.choice(NOUNS)}"


def _open_column(random: Random) -> str:
    is_known = random.random() < 0.7
    first = random.choice((*NOUNS, *MORE_NOUNS, *ADJECTIVES)) if is_known else invented_word(random)
    shape = random.random()
    if shape < 0.55:
        kind = random.choice(("count", "amount"))
        low = random.randint(0, 50)
        name = (
            random.choice(MEASURES)
            if random.random() < 0.4
            else f"{first} {random.choice(MEASURES)}"
        )
        return f"{name}:{kind}:{low}-{low + random.choice((9, 50, 300, 5000))}"
    if shape < 0.85:
        is_known = random.random() < 0.7
        drawn = [
            random.choice(ADJECTIVES) if is_known else invented_word(random)
            for _ in range(random.randint(3, 6))
        ]
        values = "|".join(dict.fromkeys(drawn))
        return f"{first} {random.choice(CLASSIFIERS)}:category:{values}"
    if shape < 0.93:
        return f"{first} {random.choice(('date', 'day'))}:date"
    return f"{first} {random.choice(('note', 'text', 'code'))}:text"
