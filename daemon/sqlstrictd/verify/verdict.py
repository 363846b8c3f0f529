"""What the checks say of a statement. Made by `check.py`; the front turns it into messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckName = Literal["syntax", "kind", "scope", "prepare"]
StatementKind = Literal["select", "other", "unknown"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a statement; line and column in characters from 1, 0 where unknown."""

    check: CheckName
    message: str
    line: int = 0
    column: int = 0
    nearest: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of all checks. Without problems, every check has passed.

    `kind` is "unknown" where the statement could not be parsed. `in_scope` says that it is one
    query that only reads, with every name in scope; only then is it prepared. `tables` and
    `columns` (as table.column) are those that it reads, as the schema spells them, sorted.
    `engine` names what prepared it, and is empty where nothing tried.
    """

    kind: StatementKind
    is_single: bool
    in_scope: bool
    prepares: bool
    problems: tuple[Problem, ...] = ()
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    engine: str = ""
