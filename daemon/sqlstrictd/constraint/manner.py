"""How a grammar writes expressions: which dialect it is, and how far it is held to its types.

A draft is held to the syntax alone, an exact grammar to all that the dialect demands. Every file of
rules asks it which value classes there are.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlstrictd.dialects.facts import Call, Dialect


@dataclass(frozen=True)
class Manner:
    """How a grammar writes expressions: the dialect, and how far it is held to its types."""

    dialect: Dialect = field(compare=False)
    name: str
    is_typed: bool
    is_strict: bool  # GROUP BY names what is selected
    apart: str = ""  # letters of classes that are not converted even where there are no types

    @classmethod
    def exact(cls, dialect: Dialect) -> Manner:
        """Hold expressions to all that the dialect demands."""
        return cls(
            dialect, dialect.name, dialect.is_typed, dialect.has_strict_group_by, dialect.apart
        )

    @classmethod
    def loose(cls, dialect: Dialect) -> Manner:
        """Hold expressions to the dialect's syntax alone."""
        return cls(dialect, dialect.name, is_typed=False, is_strict=False)

    @property
    def has_json(self) -> bool:
        """Whether JSON has a class of its own."""
        return self.is_typed or "J" in self.apart

    @property
    def classes(self) -> str:
        """The classes that have rules of their own, besides O and U."""
        return "ntdsbj" if self.is_typed else "vj" if self.has_json else "v"

    def of(self, letter: str) -> str:
        """The rule suffix of a class letter."""
        if letter == "J" and self.has_json:
            return "j"
        return letter.lower() if self.is_typed else "v"


def spread(call: Call, classes: str) -> list[str]:
    """Return the classes that K stands for, one call each; one empty entry where there is no K."""
    has_k = "K" in [code.rstrip("?*") for code in call.arguments.split()]
    return list(classes) if has_k else [""]
