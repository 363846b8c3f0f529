"""What kinds of statement a request allows: by default queries that only read.

Made by `service/` from a request; read by `constraint/` (what the grammar can write) and `verify/`
(what the last gate lets through), which share nothing else of it than these names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

KINDS: Final = (
    "select",
    "insert",
    "update",
    "delete",
    "create_table",
    "create_view",
    "create_index",
    "alter_table",
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The allowed kinds, out of KINDS; UPDATE and DELETE without WHERE only if `allows_unfiltered`.

    Raises:
        ValueError: no kind is named, or one that is not among KINDS.
    """

    kinds: frozenset[str] = frozenset({"select"})
    allows_unfiltered: bool = False

    def __post_init__(self) -> None:
        unknown = sorted(self.kinds - set(KINDS))
        if unknown:
            raise ValueError(f"no statement kind {unknown[0]!r}; choose from {', '.join(KINDS)}")
        if not self.kinds:
            raise ValueError("a policy names at least one statement kind")

    @property
    def only_reads(self) -> bool:
        """Whether no statement that changes anything is allowed."""
        return self.kinds == {"select"}

    @property
    def key(self) -> str:
        """A short text that is equal for equal policies, for the keys of caches."""
        return ",".join(sorted(self.kinds)) + ("+unfiltered" if self.allows_unfiltered else "")

    def to_plain(self) -> dict[str, Any]:
        """Return the policy as JSON can hold it."""
        return {"kinds": sorted(self.kinds), "allows_unfiltered": self.allows_unfiltered}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Policy:
        """Make a policy of what `to_plain` returned."""
        return cls(frozenset(plain["kinds"]), bool(plain["allows_unfiltered"]))


READ_ONLY: Final = Policy()
