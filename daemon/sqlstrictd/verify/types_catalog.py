"""What a typed engine knows of types, casts, operators and functions, read from its catalogue.

PostgreSQL itself wrote the lines of `catalogs/postgres.txt`, by `bench/postgres_catalog.py`:

    type NAME CATEGORY p|-                         p: preferred in its category
    cast SOURCE TARGET i|a|e                       implicit, in assignments, or written out alone
    operator NAME LEFT|- RIGHT RESULT              -: a prefix operator
    function NAME KIND[s] RESULT DEFAULTS v|- ARGUMENTS...

Kinds are f (scalar), a (aggregate), w (window), o and h (aggregates with WITHIN GROUP); an s after
the kind says that rows are returned.
`types_resolve.py` chooses among them; nothing here knows a statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Final, Literal

# A literal in quotes or NULL, which takes the type that its place wants.
UNKNOWN: Final = "unknown"

Context = Literal["implicit", "assignment", "explicit"]
_REACH: Final[dict[str, str]] = {"implicit": "i", "assignment": "ia", "explicit": "iae"}
_POLYMORPHIC: Final = frozenset(
    "any anyelement anyarray anynonarray anyenum anyrange anycompatible anycompatiblearray "
    "anycompatiblenonarray".split()
)


@dataclass(frozen=True, slots=True)
class Signature:
    """One operator or function: the types it takes, and the type that results.

    `kind` is a letter of the catalogue's, "f" for an operator.
    """

    name: str
    arguments: tuple[str, ...]
    result: str
    kind: str = "f"
    is_set: bool = False
    n_defaults: int = 0
    is_variadic: bool = False


@dataclass(frozen=True)
class Catalog:
    """One engine's types, casts, operators and functions."""

    categories: dict[str, str]
    preferred: frozenset[str]
    casts: dict[tuple[str, str], str]
    operators: dict[str, tuple[Signature, ...]]
    functions: dict[str, tuple[Signature, ...]]

    def category(self, type_: str) -> str:
        """Return the letter of a type's category: A for arrays, X for what is not typed yet."""
        if type_.endswith("[]"):
            return "A"
        if type_ == UNKNOWN:
            return "X"
        if type_.startswith("enum "):
            return "E"
        return self.categories.get(type_, "U")

    def can_coerce(self, source: str, target: str, context: Context = "implicit") -> bool:
        """Whether a value of one type may stand where another is wanted."""
        if source in (target, UNKNOWN) or target == "any":
            return True
        if target in _POLYMORPHIC:
            return self._fits(source, target)
        written = self.casts.get((source, target))
        if written is not None and written in _REACH[context]:
            return True
        if source.endswith("[]") and target.endswith("[]"):
            return self.can_coerce(source[:-2], target[:-2], context)
        if context == "implicit":
            return False
        # Text input and output stand for every cast that the catalogue does not list.
        if self.category(target) == "S":
            return True
        return context == "explicit" and self.category(source) == "S"

    def _fits(self, source: str, target: str) -> bool:
        if target in ("anyarray", "anycompatiblearray"):
            return source.endswith("[]")
        if target in ("anynonarray", "anycompatiblenonarray"):
            return not source.endswith("[]")
        if target == "anyenum":
            return source.startswith("enum ")
        if target == "anyrange":
            return source.endswith("range")
        return True

    def is_polymorphic(self, type_: str) -> bool:
        """Whether a declared type stands for several."""
        return type_ in _POLYMORPHIC and type_ != "any"


@lru_cache(maxsize=4)
def read_catalog(name: str) -> Catalog:
    """Read the catalogue of an engine, once."""
    text = files("sqlstrictd.verify").joinpath("catalogs", f"{name}.txt").read_text("utf-8")
    categories: dict[str, str] = {}
    preferred: set[str] = set()
    casts: dict[tuple[str, str], str] = {}
    operators: dict[str, list[Signature]] = {}
    functions: dict[str, list[Signature]] = {}
    for line in text.splitlines():
        what, *words = line.split()
        if what == "type":
            categories[words[0]] = words[1]
            if words[2] == "p":
                preferred.add(words[0])
        elif what == "cast":
            casts[words[0], words[1]] = words[2]
        elif what == "operator":
            symbol, left, right, result = words
            arguments = (right,) if left == "-" else (left, right)
            operators.setdefault(symbol, []).append(Signature(symbol, arguments, result))
        else:
            symbol, kind, result, n_defaults, variadic, *taken = words
            functions.setdefault(symbol, []).append(
                Signature(
                    symbol,
                    tuple(taken),
                    result,
                    kind[0],
                    kind.endswith("s") and len(kind) > 1,
                    int(n_defaults),
                    variadic == "v",
                )
            )
    return Catalog(
        categories,
        frozenset(preferred),
        casts,
        {symbol: tuple(found) for symbol, found in operators.items()},
        {symbol: tuple(found) for symbol, found in functions.items()},
    )
