"""Types that a schema names itself: PostgreSQL's and DuckDB's enums, domains, and aliases.

`named_statements.py` fills this while the text is read; `draft.py` resolves each column once all of
the text is known, since a type may be altered after a table has used it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Final

from sqlstrictd.schema.names import fold
from sqlstrictd.schema.types import Column
from sqlstrictd.schema.values import ClosedList, can_be_shown

_BRACKETS: Final = re.compile(r"((?:\[\d*\])*)\Z")
# A domain may be of a domain; more than this is a circle.
_MOST_STEPS: Final = 10


@dataclass(frozen=True, slots=True)
class Domain:
    """Another name for a declared type, with the values that are left of it, if they are listed."""

    type: str
    values: tuple[str, ...] = ()
    has_number_values: bool = False


@dataclass(slots=True)
class NamedTypes:
    """Enums and domains by folded name, without their namespaces."""

    enums: dict[str, list[str]] = field(default_factory=dict)
    domains: dict[str, Domain] = field(default_factory=dict)

    def add_domain(self, name: str, declared: str, lists: list[ClosedList]) -> None:
        """Add a domain; the lists are those of its CHECKs, in which it is called VALUE."""
        found = [closed for closed in lists if closed.column == "value"]
        self.domains[fold(name)] = (
            Domain(declared, found[0].values, found[0].is_numbers) if found else Domain(declared)
        )

    def resolve(self, column: Column) -> Column:
        """Give a column of a named type the type's values; a domain's name becomes its type.

        An enum keeps its name as the column's type, for no other type compares with it.
        """
        values, has_numbers = column.values, column.has_number_values
        brackets = _BRACKETS.search(column.type)
        suffix = brackets[0] if brackets else ""
        declared = column.type.removesuffix(suffix)
        for _ in range(_MOST_STEPS):
            domain = self.domains.get(fold(declared))
            if domain is None:
                break
            declared = domain.type
            if domain.values and not values and not suffix:
                values, has_numbers = domain.values, domain.has_number_values
        members = self.enums.get(fold(declared))
        if members and not values and not suffix and can_be_shown(members):
            values = tuple(members)
        return replace(column, type=declared + suffix, values=values, has_number_values=has_numbers)
