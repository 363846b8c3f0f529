"""The functions that a statement may call, by dialect; whatever is not here is refused.

All of them compute from their arguments, the clock or chance. None reads a file, loads code, waits,
changes anything, or makes a value of any size out of a number.
"""

from __future__ import annotations

from typing import Final

_STANDARD: Final = """
    ABS CEIL CEILING COALESCE CONCAT EXP FLOOR LENGTH LN LOWER LTRIM MOD NULLIF POWER REPLACE ROUND
    RTRIM SIGN SQRT SUBSTR SUBSTRING TRIM UPPER
    AVG COUNT MAX MIN SUM
    ROW_NUMBER RANK DENSE_RANK PERCENT_RANK CUME_DIST NTILE LAG LEAD FIRST_VALUE LAST_VALUE
    NTH_VALUE
"""
_SQLITE_ONLY: Final = """
    CHAR CONCAT_WS FORMAT GLOB HEX IFNULL IIF INSTR LIKE OCTET_LENGTH POW PRINTF QUOTE RANDOM TRUNC
    TYPEOF UNICODE
    ACOS ASIN ATAN ATAN2 COS DEGREES LOG LOG10 LOG2 PI RADIANS SIN TAN
    GROUP_CONCAT STRING_AGG TOTAL
    DATE TIME DATETIME JULIANDAY UNIXEPOCH STRFTIME TIMEDIFF
"""

FUNCTIONS: Final = {
    "sqlite": frozenset((_STANDARD + _SQLITE_ONLY).split()),
    "ansi": frozenset(_STANDARD.split()),
}

# How sqlglot names these functions in its tree; those that it does not know are Anonymous there.
FUNCTION_NODES: Final = frozenset(
    """
    Abs Acos Anonymous Asin Atan Atan2 Avg Ceil Chr Coalesce Concat ConcatWs Cos Count CumeDist Date
    Degrees DenseRank Exp FirstValue Floor Format Glob Greatest GroupConcat Hex If Lag LastValue
    Lead Least Length Like Ln Log Lower Max Min Mod NthValue Ntile Nullif PercentRank Pi Pow Radians
    Rand Rank Replace Round RowNumber Sign Sin Sqrt StrPosition Substring Sum Tan TimeToStr Trim
    Trunc TsOrDsToTimestamp Typeof Unicode Upper
    """.split()
)
