"""Large schemas put together from a folder of small ones, as `linking.py` measures on them.

Every table is called after its schema first (`concert_singer` and `stadium` become
`concert_singer_stadium`), and so are the keys. Beyond what the folder has, distractors are
generated: tables of other domains of business, and near-duplicates of the real ones such as
staging copies, archives and yearly cuts. The same seed gives the same schema.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Column, ForeignKey, Schema, Table

# Departments of a company, the things each keeps tables of, and what such a thing has.
_DOMAINS = {
    "hr": "employee position payroll leave_request training_course job_opening applicant benefit",
    "crm": "account contact lead opportunity campaign activity case quote contract territory",
    "fin": "journal ledger_entry invoice payment bank_account budget cost_center tax_code expense",
    "wms": "warehouse bin_location stock_movement pick_list shipment carrier pallet receipt",
    "web": "page_view session visitor referrer click_event experiment variant landing_page",
    "mfg": "work_order bill_of_material machine downtime shift quality_check routing operation",
    "edu": "student course enrollment teacher classroom exam grade semester scholarship library",
    "med": "patient visit diagnosis prescription doctor ward lab_result allergy vaccine insurance",
    "fleet": "vehicle driver trip fuel_purchase maintenance inspection route toll accident",
    "prop": "building unit lease tenant rent_payment inspection repair meter_reading agent",
    "sport": "team player match season stadium referee transfer injury ticket league coach",
    "media": "article author video playlist track album subscriber comment channel show artist",
    "gov": "citizen permit district election candidate vote office court_case fine license",
    "travel": "flight airport airline booking hotel room guest itinerary passenger seat fare",
    "it": "server incident deployment service change_request asset license_key alert ticket user",
    "food": "restaurant menu dish ingredient recipe reservation table_order supplier chef review",
}
_COLUMNS = """name title description status type category code created_at updated_at created_by
start_date end_date amount quantity price total currency country city state address zip_code phone
email first_name last_name age gender rank score rating level year month duration size weight
height capacity location url language notes priority due_date owner manager department region
version source is_active count percentage balance limit_amount discount tax tier color model brand
serial_number birth_date nationality position salary""".split()
_TYPES = {"at": "TIMESTAMP", "date": "DATE", "amount": "NUMERIC(12, 2)", "price": "NUMERIC(12, 2)"}
_COPIES = (
    "{}_archive {}_history {}_backup {}_2019 {}_2020 {}_old {}_tmp {}_v2 {}_audit {}_log "
    "stg_{} raw_{} tmp_{} dim_{} bak_{} ext_{}"
).split()


@dataclass(frozen=True)
class LargeSchema:
    """A schema put together, and under which name each table of each part stands in it."""

    schema: Schema
    names: Mapping[tuple[str, str], str]  # (name of the part, folded name of the table) -> name


def put_together(parts: Mapping[str, Schema], n_tables: int, seed: int) -> LargeSchema:
    """Put schemas together, in the order of the mapping, and add distractors up to `n_tables`.

    Parts are taken whole while they fit, so the folder alone may end below `n_tables`.
    """
    tables: list[Table] = []
    names: dict[tuple[str, str], str] = {}
    for part, schema in parts.items():
        if len(tables) + len(schema.tables) > n_tables:
            continue
        for table in schema.tables:
            tables.append(_prefixed(table, part))
            names[part, fold(table.name)] = tables[-1].name
    order = random.Random(seed)
    tables += distractors(tables, n_tables - len(tables), order)
    order.shuffle(tables)
    return LargeSchema(Schema("sqlite", tuple(tables)), names)


def distractors(real: list[Table], n_tables: int, order: random.Random) -> list[Table]:
    """Generate tables that no question asks for: half of other domains, half near-duplicates."""
    taken = {fold(table.name) for table in real}
    found: list[Table] = []

    def add(table: Table) -> None:
        if fold(table.name) not in taken:
            taken.add(fold(table.name))
            found.append(table)

    things = [(domain, thing) for domain, names in _DOMAINS.items() for thing in names.split()]
    made = 0
    while len(found) < n_tables:
        if made % 2 == 0 or not real:
            domain, thing = order.choice(things)
            others = _DOMAINS[domain].split()
            add(_invented(domain, thing, order.choice(others), made, order))
        else:
            table = order.choice(real)
            kept = [column for column in table.columns if order.random() < 0.85] or [
                table.columns[0]
            ]
            name = order.choice(_COPIES).format(table.name)
            add(Table(name, (*kept, Column("loaded_at", "TIMESTAMP"))))
        made += 1
    return found


def _invented(domain: str, thing: str, other: str, made: int, order: random.Random) -> Table:
    ends = ("", "", "s", "_detail", "_type", "_status", "_note", "_map", "_summary", f"_{other}")
    prefix = order.choice((f"{domain}_", f"{domain}{made % 7}_", ""))
    names = order.sample(_COLUMNS, order.randint(4, 14))
    columns = [Column(f"{thing}_id", "INTEGER")]
    columns += [Column(f"{other}_id", "INTEGER")] if other != thing else []
    columns += [Column(name, _TYPES.get(name.rpartition("_")[2], "TEXT")) for name in names]
    return Table(f"{prefix}{thing}{order.choice(ends)}", tuple(columns), (f"{thing}_id",))


def _prefixed(table: Table, part: str) -> Table:
    keys = tuple(
        ForeignKey(key.columns, f"{part}_{key.referenced_table}", key.referenced_columns)
        for key in table.foreign_keys
    )
    return replace(table, name=f"{part}_{table.name}", foreign_keys=keys)
