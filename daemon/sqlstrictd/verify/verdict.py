"""What the checks say of a statement. Made by `check.py`; the front turns it into messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CheckName = Literal["syntax", "kind", "policy", "scope", "types", "prepare"]
StatementKind = Literal[
    "select",
    "insert",
    "update",
    "delete",
    "create_table",
    "create_view",
    "create_index",
    "alter_table",
    "other",
    "unknown",
]


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

    `kind` is one of `policy.KINDS`, "other" for any other statement, or "unknown" where it could
    not be parsed. `in_scope` says that it is one statement of a kind that the policy allows, with
    every name in scope; only then are types looked at and an engine asked. `prepares` says that all
    checks of the dialect passed; `engine` names the database that prepared it, and is empty where
    none is embedded for the dialect or none was asked. `checks` names the checks that it passed, in
    order; "types" only where what each argument is given is held to its type. `tables` and
    `columns` (as table.column) are those that it reads or writes, as the schema spells them,
    sorted.
    """

    kind: StatementKind
    is_single: bool
    in_scope: bool
    prepares: bool
    problems: tuple[Problem, ...] = ()
    tables: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    engine: str = ""
    checks: tuple[CheckName, ...] = ()
