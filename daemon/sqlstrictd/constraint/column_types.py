"""The types that a new column may have, in each dialect, with what their defaults look like.

Types that hold the same are one form: a rule body for the type's words, the literals of a default
that fits every type of the form, and whether a column of it may be a key. The lexer takes the
longest lexeme, so words that may follow a type stand apart from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

# A text's length, and the most letters a default for it may have.
_LENGTHS: Final = (
    (r"[1-9]", 1, True),
    (r"1[0-9]|2[0-3]", 10, True),
    (r"2[4-9]|[3-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5]", 24, True),
    (r"25[6-9]|2[6-9][0-9]|[3-9][0-9]{2}", 24, False),
)
_PRECISIONS: Final = (
    (r"[34], ?[0-2]", r"/-?[0-9]/"),
    (r"[5-9], ?[0-2]|[12][0-9], ?[0-6]", r"/-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?/"),
)
_WHOLE: Final = {2: "/-?(0|[1-9][0-9]?)/", 4: "/-?(0|[1-9][0-9]{0,3})/", 8: "WHOLE"}


@dataclass(frozen=True)
class TypeForm:
    """Types of one shape. `default` is empty where no literal can be one.

    `letter` is the value class, or C for integers that the engine counts up.
    """

    letter: str
    body: str
    default: str = ""
    is_key: bool = True
    text: int = 0  # the default is a string of at most so many letters
    suffix: str = ""  # further words, as a rule body


@dataclass(frozen=True)
class _Words:
    """A dialect's types, by the way their defaults are written."""

    whole: dict[int, tuple[str, ...]]
    decimal: tuple[str, ...]
    real: tuple[str, ...]
    sized: tuple[str, ...]  # text with a length
    text: tuple[str, ...]
    boolean: tuple[str, ...] = ("BOOLEAN",)
    moment: tuple[str, ...] = ("TIMESTAMP",)
    json: tuple[str, ...] = ()
    other: tuple[str, ...] = ()
    other_keys: tuple[str, ...] = ()
    counting: tuple[str, ...] = ()  # filled by the engine
    is_plain_sized: bool = True  # a length may be left out


_TYPES: Final = {
    "sqlite": _Words(
        {8: ("INTEGER", "INT", "BIGINT"), 4: ("SMALLINT",), 2: ("TINYINT",)},
        ("DECIMAL", "NUMERIC"), ("REAL", "FLOAT", "DOUBLE"), ("VARCHAR", "CHAR"), ("TEXT",),
        moment=("DATETIME", "TIMESTAMP"), json=("JSON",), other=("BLOB",), other_keys=("TIME",),
    ),
    "postgres": _Words(
        {8: ("INTEGER", "INT", "BIGINT"), 4: ("SMALLINT",)},
        ("NUMERIC", "DECIMAL"), ("REAL", "DOUBLE PRECISION", "FLOAT"), ("VARCHAR", "CHAR"),
        ("TEXT",), ("BOOLEAN", "BOOL"), ("TIMESTAMP", "TIMESTAMPTZ"), ("JSONB",), ("JSON",),
        ("TIME", "UUID", "BYTEA"), ("SERIAL", "BIGSERIAL"),
    ),
    "duckdb": _Words(
        {8: ("INTEGER", "INT", "BIGINT"), 4: ("SMALLINT",), 2: ("TINYINT",)},
        ("DECIMAL", "NUMERIC"), ("DOUBLE", "REAL", "FLOAT"), ("VARCHAR", "CHAR"), ("TEXT",),
        ("BOOLEAN", "BOOL"), ("TIMESTAMP", "TIMESTAMPTZ", "DATETIME"), ("JSON",), ("BLOB",),
        ("TIME", "UUID"),
    ),
    "mysql": _Words(
        {8: ("INT", "INTEGER", "BIGINT"), 4: ("SMALLINT", "MEDIUMINT"), 2: ("TINYINT",)},
        ("DECIMAL", "NUMERIC"), ("DOUBLE", "FLOAT", "REAL"), ("VARCHAR", "CHAR"),
        ("TEXT", "LONGTEXT", "MEDIUMTEXT"), ("BOOLEAN", "BOOL"), ("DATETIME", "TIMESTAMP"),
        ("JSON",), ("BLOB",), ("TIME",), is_plain_sized=False,
    ),
    "ansi": _Words(
        {8: ("INTEGER", "INT", "BIGINT"), 4: ("SMALLINT",)},
        ("DECIMAL", "NUMERIC"), ("REAL", "DOUBLE PRECISION", "FLOAT"), ("VARCHAR", "CHAR"), (),
        other_keys=("TIME",), is_plain_sized=False,
    ),
}  # fmt: skip


def type_forms(dialect: str) -> tuple[TypeForm, ...]:
    """Return the forms of a dialect's types; their bodies are regular expressions."""
    words = _TYPES[dialect]
    found = [TypeForm("X", _any(names), _WHOLE[size]) for size, names in words.whole.items()]
    if dialect == "mysql":
        for size, names in words.whole.items():
            text = _WHOLE[min(size, 4)].replace("-?", "")
            found.append(TypeForm("X", _any(names), text, suffix='" UNSIGNED"'))
    decimal = _any(words.decimal)
    found += [TypeForm("X", rf"{decimal}\(({sizes})\)", text) for sizes, text in _PRECISIONS]
    found.append(TypeForm("X", decimal, _WHOLE[4]))
    found.append(TypeForm("N", _any(words.real), "/-?(0|[1-9][0-9]{0,5})(\\.[0-9]{1,4})?/"))
    for sizes, most, is_key in _LENGTHS:
        sized = _any(words.sized) if is_key else words.sized[0]
        found.append(TypeForm("T", rf"{sized}\(({sizes})\)", "", is_key, most))
    if words.is_plain_sized:
        found.append(TypeForm("T", "VARCHAR", "", True, 24))
    if words.text:
        is_short = dialect == "mysql"  # which has neither keys nor defaults of long texts
        found.append(TypeForm("T", _any(words.text), "", not is_short, 0 if is_short else 24))
    today, now = "CURRENT_DATE", "CURRENT_TIMESTAMP"
    found.append(TypeForm("D", "DATE", _moment("DATE_STRING", "" if dialect == "mysql" else today)))
    found.append(TypeForm("S", _any(words.moment), _moment("TIMESTAMP_STRING", now)))
    if dialect in ("postgres", "duckdb", "ansi"):
        suffix = '" WITH TIME ZONE"'
        found.append(TypeForm("S", "TIMESTAMP", found[-1].default, suffix=suffix))
    found.append(TypeForm("B", _any(words.boolean), "BOOL"))
    for names, is_key in ((words.json, False), (words.other, False), (words.other_keys, True)):
        if names:
            found.append(TypeForm("O", _any(names), "", is_key))
    if words.counting:
        found.append(TypeForm("C", _any(words.counting), ""))
    return tuple(found)


def _moment(text: str, now: str) -> str:
    return f'{text} | "{now}"' if now else text


def _any(names: tuple[str, ...]) -> str:
    return f"({'|'.join(names)})" if len(names) > 1 else names[0]
