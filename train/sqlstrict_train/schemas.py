"""Draw a schema: tables with what people call them, columns with what they hold, keys between them.

Called by `questions.py`; `rows.py` fills the tables. Half of the schemas come from the domains of
`texts/domains.txt`, the others from nouns thrown together, so that a name has to be copied and
cannot be guessed; `entities.py` chooses. A schema has one spelling style. No SQL beyond names is
written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

from sqlstrict_train.entities import KINDS, Entity, open_entities, parse_entity, renamed, subset_of
from sqlstrict_train.texts import read_sections, table_of
from sqlstrict_train.words import plural

SQL_TYPES = {
    "key": "INTEGER",
    "link": "INTEGER",
    "label": "TEXT",
    "text": "TEXT",
    "category": "TEXT",
    "place": "TEXT",
    "country": "TEXT",
    "count": "INTEGER",
    "amount": "REAL",
    "date": "DATE",
    "year": "INTEGER",
}
STYLES = ("snake",) * 14 + ("camel",) * 2 + ("pascal", "flat", "upper", "pascal_snake")

_TEXTS = read_sections("domains")
_SYNONYMS = table_of(_TEXTS["synonyms"])


@dataclass(frozen=True)
class ColumnSpec:
    """A column, what people call it, and what it holds (a key of `SQL_TYPES`).

    `base` is its meaning in plain words, whatever it is spelled or called here.
    """

    name: str
    phrase: str
    kind: str
    values: tuple[str, ...] = ()
    low: int = 0
    high: int = 0
    is_nullable: bool = False
    base: str = ""


@dataclass(frozen=True)
class Link:
    """A foreign key: the column here and the index of the table that it refers to."""

    column: str
    parent: int


@dataclass
class TableSpec:
    """A table, what people call one of its rows, and its columns; the first column is the key."""

    name: str
    singular: str
    kind: str
    columns: list[ColumnSpec]
    links: list[Link] = field(default_factory=list)

    @property
    def plural(self) -> str:
        """What people call several rows."""
        return plural(self.singular)

    @property
    def key(self) -> ColumnSpec:
        """The primary key."""
        return self.columns[0]

    @property
    def label(self) -> ColumnSpec:
        """The column that names a row to a person; the key where there is none."""
        return next((c for c in self.columns if c.kind == "label"), self.columns[0])

    def of_kind(self, *kinds: str) -> list[ColumnSpec]:
        """The columns of these kinds, in order."""
        return [c for c in self.columns if c.kind in kinds]


@dataclass
class SchemaSpec:
    """A drawn schema: its domain ("open" where nouns were thrown together) and its tables."""

    domain: str
    tables: list[TableSpec]

    @property
    def schema(self) -> Schema:
        """The same schema as the daemon knows it."""
        return Schema("sqlite", tuple(self._table(table) for table in self.tables))

    def _table(self, spec: TableSpec) -> Table:
        keys = tuple(
            ForeignKey(
                (link.column,), self.tables[link.parent].name, (self.tables[link.parent].key.name,)
            )
            for link in spec.links
        )
        columns = tuple(Column(c.name, SQL_TYPES[c.kind]) for c in spec.columns)
        return Table(spec.name, columns, (spec.key.name,), keys)


def draw_schema(random: Random, split: str) -> SchemaSpec:
    """Draw a schema of the split "train" or "eval"; no domain is in both."""
    if split == "train" and random.random() < 0.45:
        domain, entities = "open", open_entities(random)
    else:
        line = random.choice(_TEXTS["training" if split == "train" else "evaluation"])
        domain, _, rest = line.partition(":")
        entities = subset_of(random, [parse_entity(part) for part in rest.split(";")])
        if split == "train":
            entities = renamed(random, entities)
    style = random.choice(STYLES)
    is_plural = random.random() < 0.65
    key_style = random.choice(("id", "id", "own_id"))
    tables: list[TableSpec] = []
    for entity in entities:
        tables.append(
            _draw_table(random, entity, tables, style, is_plural, key_style, domain == "open")
        )
    return SchemaSpec(domain, tables)


def _draw_table(
    random: Random,
    entity: Entity,
    earlier: list[TableSpec],
    style: str,
    is_plural: bool,
    key_style: str,
    is_open: bool,
) -> TableSpec:
    table_name = _spell(plural(entity.name) if is_plural else entity.name, style)
    key_phrase = "id" if key_style == "id" else f"{entity.name} id"
    columns = [ColumnSpec(_spell(key_phrase, style), "id", "key")]
    links: list[Link] = []
    link_columns = []
    for index, parent in enumerate(earlier):
        if parent.singular in entity.parents:
            phrase = f"{parent.singular} id"
            link_columns.append(ColumnSpec(_spell(phrase, style), phrase, "link"))
            links.append(Link(link_columns[-1].name, index))
    body: list[ColumnSpec] = []
    has_label = (
        random.random()
        < {"person": 0.97, "thing": 0.9, "place": 0.97, "work": 0.97, "event": 0.12}[entity.kind]
    )
    if has_label:
        words = {"work": ("title", "title", "name")}.get(entity.kind, ("name",))
        phrase = random.choice(words)
        spelled = f"{entity.name} {phrase}" if random.random() < 0.12 else phrase
        if entity.kind == "person" and random.random() < 0.1:
            phrase = spelled = "full name"
        body.append(ColumnSpec(_spell(spelled, style), phrase, "label"))
    pool = KINDS[entity.kind]
    pool_count = random.randint(1, 4) if is_open else random.randint(2, 5)
    drawn = [*entity.columns, *random.sample(pool, pool_count)]
    for text in drawn:
        column = _column(random, text, style, entity.name)
        if all(
            column.name.lower() != c.name.lower() and column.phrase != c.phrase
            for c in [*columns, *link_columns, *body]
        ):
            body.append(column)
    if random.random() < 0.3:
        random.shuffle(body)
    if random.random() < 0.6:
        columns += link_columns + body
    else:
        columns += body + link_columns
    return TableSpec(table_name, entity.name, entity.kind, columns, links)


def _column(random: Random, text: str, style: str, entity: str) -> ColumnSpec:
    name, kind, *rest = text.rstrip("?").split(":")
    words = name.replace("_", " ")
    spelled = f"{entity} {words}" if random.random() < 0.05 and " " not in words else words
    values: tuple[str, ...] = ()
    low = high = 0
    if kind == "category":
        values = tuple(rest[0].split("|"))
        if random.random() < 0.15:
            values = tuple(value.title() for value in values)
    elif rest:
        low, high = (int(part) for part in rest[0].split("-"))
    is_nullable = text.endswith("?") or kind == "text" or random.random() < 0.12
    phrase = words if spelled == words or random.random() < 0.7 else spelled
    if words in _SYNONYMS and random.random() < 0.3:
        phrase = random.choice(_SYNONYMS[words])
    return ColumnSpec(_spell(spelled, style), phrase, kind, values, low, high, is_nullable, words)


def _spell(phrase: str, style: str) -> str:
    words = phrase.split(" ")
    if style == "camel":
        return words[0] + "".join(word.title() for word in words[1:])
    if style == "pascal":
        return "".join(word.title() for word in words)
    if style == "pascal_snake":
        return "_".join(word.title() for word in words)
    if style == "flat":
        return "".join(words)
    return "_".join(words).upper() if style == "upper" else "_".join(words)
