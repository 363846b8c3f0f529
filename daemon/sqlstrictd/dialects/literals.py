"""Terminals that several dialects share: dates that exist, small numbers, safe patterns.

The dialects' own files name them. An engine reads such arguments when it prepares or runs a
statement and stops at a wrong one, so nothing but right ones can be written.
"""

from __future__ import annotations

from typing import Final

# Every day from 1000 to 2999 that exists, so that no engine stops at a February 30.
_LEAP: Final = "([12][0-9](0[48]|[2468][048]|[13579][26])|(12|16|20|24|28)00)-02-29"
_DAY: Final = (
    r"([12][0-9]{3}-((0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])"
    rf"|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)|{_LEAP})"
)
_CLOCK: Final = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?"

DATES: Final = {
    "DATE_STRING": f"/'{_DAY}'/",
    "TIMESTAMP_STRING": f"/'{_DAY}( {_CLOCK})?'/",
    "MOMENT_STRING": f"/'{_DAY} {_CLOCK}'/",
}

NUMBERS: Final = {
    # Decimal places, lengths and positions in a text, and how many rows or groups. None is so
    # large that a value of it costs memory.
    "PLACES": "/[0-9]/",
    "WIDTH": "/[1-9][0-9]?/",
    "SHARE": r"/0\.[0-9]{1,3}/",  # a quantile
}

OTHERS: Final = {
    "UUID_STRING": "/'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'/",
    "CLOCK_STRING": f"/'{_CLOCK}'/",
}

# An object of a few plain values, as people look for one in a JSON column.
_FIELD: Final = (
    r"\"[A-Za-z_][A-Za-z0-9_]{0,27}\": ?(\"[A-Za-z0-9 _.@-]{0,24}\"|-?[1-9][0-9]{0,5}|0|true|false)"
)
JSON_LITERAL: Final = rf"/'\{{{_FIELD}(, ?{_FIELD}){{0,2}}\}}'/"

PADDING: Final = {"PAD": "/'[ 0*#._x-]'/"}  # to fill a text up with; an empty one is an error

# A regular expression that every engine's own syntax takes: no groups, no unclosed brackets.
_ATOM: Final = r"([A-Za-z0-9 _@%,:\-]|\.|\[\^?([A-Za-z_ ]|0-9|a-z|A-Z){1,6}\])"
_REPEATED: Final = rf"({_ATOM}[*+?]?)"

REGEX: Final = rf"/'\^?{_REPEATED}{{1,24}}(\|{_REPEATED}{{1,24}}){{0,3}}\$?'/"
