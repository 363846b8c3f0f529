"""Whether PostgreSQL reads the text of a literal in quotes as a value of a type.

The server reads such literals when it prepares a statement, so `int_col = 'abc'` fails there and
then. Forms that few people write are said not to fit rather than guessed at.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable
from typing import Final

_INTEGERS: Final = {"int2": 15, "int4": 31, "int8": 63, "oid": 32}
_INTEGER: Final = re.compile(r"\s*[+-]?\d+\s*")
_NUMBER: Final = re.compile(r"\s*[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|nan|inf(inity)?)\s*", re.I)
_BOOLEANS: Final = frozenset(
    "t tr tru true f fa fal fals false y ye yes n no on of off 1 0".split()
)
_UUID: Final = re.compile(r"\{?[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}\}?", re.I)
_MONEY: Final = re.compile(r"\s*-?\$?\d{1,3}(,?\d{3})*(\.\d+)?\s*")
_TIME: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(:(?P<second>\d{2})(\.\d{1,9})?)?(\s*(?P<half>[ap]m))?"
)
_ZONE: Final = r"\s*(?P<zone>z|utc|gmt|[+-]\d{1,2}(:?\d{2})?)"
_DATE: Final = r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})"
_COMPACT: Final = r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
# The server's default order of dates with slashes is month, day, year.
_AMERICAN: Final = r"(?P<month>\d{1,2})[-/](?P<day>\d{1,2})[-/](?P<year>\d{4})"
_NAMED: Final = (
    r"((?P<day>\d{1,2})[-\s](?P<name>[a-z]+)[-\s](?P<year>\d{4})"
    r"|(?P<name2>[a-z]+)\s(?P<day2>\d{1,2}),?\s(?P<year2>\d{4}))"
)
_MOMENTS: Final = tuple(
    re.compile(rf"{date}([t\s]\s*{_TIME}({_ZONE})?)?", re.I)
    for date in (_DATE, _COMPACT, _AMERICAN, _NAMED)
)
_CLOCK: Final = re.compile(rf"{_TIME}({_ZONE})?", re.I)
_MONTHS: Final = (
    "january february march april may june july august september october november december".split()
)
_SPECIAL: Final = {
    "date": frozenset("now today tomorrow yesterday epoch infinity -infinity".split()),
    "time": frozenset({"now", "allballs"}),
}
_UNIT: Final = (
    r"(millenniums?|millennia|mil|mils|centur(y|ies)|c|cent|decades?|decs?|years?|yrs?|y|months?"
    r"|mons?|weeks?|w|days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s|milliseconds?|msecs?"
    r"|ms|microseconds?|usecs?|us)"
)
_PART: Final = rf"[+-]?(\d+(\.\d*)?|\.\d+)\s*{_UNIT}"
_INTERVAL: Final = re.compile(
    rf"\s*@?\s*({_PART}(\s*{_PART})*(\s+[+-]?\d+:\d+(:\d+(\.\d+)?)?)?(\s+ago)?"
    rf"|[+-]?\d+:\d\d(:\d\d(\.\d+)?)?|[+-]?\d+(\.\d+)?|[+-]?\d+-\d+"
    rf"|P(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?)\s*",
    re.I,
)
# What may go beyond the server's months or microseconds.
_TOO_LONG: Final = re.compile(r"\d{9}|\d{6}(\.\d*)?\s*(y|dec|c|mill?e|mils?\b)", re.I)
_INET: Final = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(/(\d|[12]\d|3[012]))?")
_BITS: Final = re.compile(r"[bB]?[01]*")
_PATH: Final = re.compile(r"(strict |lax )?\$(\.[A-Za-z_]\w*|\.\"[^\"\\]*\"|\[(\d+|\*)\])*")
_POINT: Final = re.compile(r"\s*\(?\s*-?\d+(\.\d+)?\s*,\s*-?\d+(\.\d+)?\s*\)?\s*")
_CONFIGURATIONS: Final = frozenset(
    "simple arabic armenian basque catalan danish dutch english finnish french german greek hindi "
    "hungarian indonesian irish italian lithuanian nepali norwegian portuguese romanian russian "
    "serbian spanish swedish tamil turkish yiddish".split()
)


def fits(text: str, type_: str) -> bool:
    """Whether the text is a value of the type; types that are not known take no text."""
    if type_.endswith("[]"):
        return _is_array(text, type_[:-2])
    check = _CHECKS.get(type_)
    return check is not None and check(text)


def _is_integer(bits: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        # More digits than any of them has would only cost time to convert.
        if not _INTEGER.fullmatch(text) or len(text) > 40:
            return False
        value = int(text)
        return bool(-(2**bits) <= value < 2**bits)

    return check


def _is_float(text: str) -> bool:
    if not _NUMBER.fullmatch(text) or len(text) > 400:
        return False
    value = abs(float(text))
    return bool(value <= 3e38 or "inf" in text.lower() or "nan" in text.lower())


def _is_moment(text: str) -> bool:
    text = text.strip().lower()
    if text in _SPECIAL["date"]:
        return True
    for form in _MOMENTS:
        found = form.fullmatch(text)
        if found:
            return _is_day(found.groupdict()) and _is_clock(found.groupdict())
    return False


def _is_day(part: dict[str, str | None]) -> bool:
    name = part.get("name") or part.get("name2")
    if name is not None:
        months = [i for i, month in enumerate(_MONTHS, 1) if name in (month, month[:3])]
        if not months:
            return False
        month = months[0]
    else:
        month = int(part["month"] or 0)
    try:
        year = int(part.get("year") or part.get("year2") or 0)
        datetime.date(year, month, int(part.get("day") or part.get("day2") or 0))
    except ValueError:
        return False
    return True


def _is_clock(part: dict[str, str | None]) -> bool:
    hour, minute = int(part.get("hour") or 0), int(part.get("minute") or 0)
    second = int(part.get("second") or 0)
    most = 12 if part.get("half") else 24
    is_day_end = hour == 24 and (minute or second)
    zone = re.sub(r"[^\d]", "", part.get("zone") or "")
    if len(zone) > 0 and int(zone[:2]) > 15:
        return False
    return hour <= most and minute < 60 and second <= 60 and not is_day_end


def _is_time(text: str) -> bool:
    text = text.strip().lower()
    if text in _SPECIAL["time"]:
        return True
    found = _CLOCK.fullmatch(text)
    if found is None:
        return ":" in text and _is_moment(text)
    return _is_clock(found.groupdict())


def _is_interval(text: str) -> bool:
    if _INTERVAL.fullmatch(text) is None or not any(map(str.isdigit, text)):
        return False
    return _TOO_LONG.search(text) is None


def _is_json(text: str) -> bool:
    def refuse(constant: str) -> object:
        raise ValueError(constant)

    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _is_inet(text: str) -> bool:
    found = _INET.fullmatch(text.strip())
    return found is not None and all(int(found.group(i)) < 256 for i in range(1, 5))


def _is_array(text: str, element: str) -> bool:
    """Only one dimension, and no quotes or escapes in it."""
    inside = text.strip()
    if not (inside.startswith("{") and inside.endswith("}")) or re.search(r'[{}"\\]', inside[1:-1]):
        return False
    inside = inside[1:-1].strip()
    items = [item.strip() for item in inside.split(",")] if inside else []
    return all(item.upper() == "NULL" or (item != "" and fits(item, element)) for item in items)


_CHECKS: Final[dict[str, Callable[[str], bool]]] = {
    **{name: _is_integer(bits) for name, bits in _INTEGERS.items()},
    **dict.fromkeys(("float4", "float8"), _is_float),
    "numeric": lambda text: _NUMBER.fullmatch(text) is not None and len(text) < 1000,
    **dict.fromkeys(
        ("text", "varchar", "bpchar", "name", "char", "any", "unknown"), lambda _: True
    ),
    "bool": lambda text: text.strip().lower() in _BOOLEANS,
    **dict.fromkeys(("date", "timestamp", "timestamptz"), _is_moment),
    **dict.fromkeys(("time", "timetz"), _is_time),
    "interval": _is_interval,
    **dict.fromkeys(("json", "jsonb"), _is_json),
    "jsonpath": lambda text: _PATH.fullmatch(text.strip()) is not None,
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
    **dict.fromkeys(("inet", "cidr"), _is_inet),
    "money": lambda text: _MONEY.fullmatch(text) is not None,
    **dict.fromkeys(("bit", "varbit"), lambda text: _BITS.fullmatch(text) is not None),
    "bytea": lambda text: "\\" not in text,
    "point": lambda text: _POINT.fullmatch(text) is not None,
    "tsvector": lambda text: re.fullmatch(r"[\w\s]*", text) is not None,
    "tsquery": lambda text: re.fullmatch(r"\s*\w+(\s*[&|]\s*!?\w+)*\s*", text) is not None,
    "regconfig": lambda text: text.lower() in _CONFIGURATIONS,
}
