"""The caps of the contract, and the checks that a request keeps them.

Called by `service/` before anything else looks at a request. The numbers are those that
`proto/sqlstrict/v1/sqlstrict.proto` promises; what they cap is measured in bytes of UTF-8.
"""

from __future__ import annotations

import math
import re
import unicodedata

from sqlstrictd.errors import InvalidRequest, QuestionTooLong, SchemaTooLarge

MAX_QUESTION_BYTES = 4 * 2**10
MAX_DDL_BYTES = 2**20
MAX_STATEMENT_BYTES = 16 * 2**10
MAX_MESSAGE_BYTES = 2 * 2**20
MAX_REPLY_BYTES = 16 * 2**20  # The tables of a schema of 1 MiB are more than its text.
MAX_ALTERNATIVES = 8
MIN_TOKENS, MAX_TOKENS, DEFAULT_TOKENS = 8, 512, 256
MAX_TEMPERATURE = 2.0

_SCHEMA_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
_DDL_BLANKS = frozenset("\t\n\r\f")


def check_question(question: str, field: str) -> None:
    """Raise unless the question has 1 byte to 4 KiB, not all blank, and no control character."""
    size = len(question.encode())
    if size > MAX_QUESTION_BYTES:
        raise QuestionTooLong(
            f"the question has {size} bytes; at most {MAX_QUESTION_BYTES} are read", field
        )
    if not question.strip():
        raise InvalidRequest("the question is empty; ask something", field)
    _refuse_control_characters(question, "the question", field, allowed=frozenset())


def check_beginning(beginning: str, field: str) -> None:
    """Raise unless this may be the beginning of a question, or is empty."""
    if beginning.strip():
        check_question(beginning, field)


def check_ddl(ddl: str, field: str) -> None:
    """Raise unless the schema text has 1 byte to 1 MiB and no control character but blanks."""
    size = len(ddl.encode())
    if size > MAX_DDL_BYTES:
        raise SchemaTooLarge(
            f"the schema has {size} bytes; at most {MAX_DDL_BYTES} are read. Leave out the tables"
            " that no question is about",
            field,
        )
    if not ddl.strip():
        raise InvalidRequest("the schema is empty; give CREATE TABLE statements", field)
    _refuse_control_characters(ddl, "the schema", field, allowed=_DDL_BLANKS)


def check_statement_text(statement: str, field: str) -> None:
    """Raise unless the statement has 1 byte to 16 KiB and no zero byte."""
    size = len(statement.encode())
    if size > MAX_STATEMENT_BYTES:
        raise InvalidRequest(
            f"the statement has {size} bytes; at most {MAX_STATEMENT_BYTES} are checked", field
        )
    if not statement.strip():
        raise InvalidRequest("the statement is empty", field)
    if "\0" in statement:
        raise InvalidRequest("the statement holds a zero byte", field)


def check_schema_name(name: str, field: str) -> None:
    """Raise unless the name has 1 to 64 letters, digits, '.', '_', '-', first a letter or digit."""
    if not _SCHEMA_NAME.fullmatch(name):
        raise InvalidRequest(
            "a schema's name has 1 to 64 letters, digits, '.', '_' and '-', and begins with a"
            " letter or digit",
            field,
        )


def check_fingerprint(fingerprint: str, field: str) -> None:
    """Raise unless this is a fingerprint: 64 hexadecimal digits, lower case."""
    if not _FINGERPRINT.fullmatch(fingerprint):
        raise InvalidRequest("a fingerprint has 64 hexadecimal digits (0-9, a-f)", field)


def check_token_budget(max_tokens: int, field: str) -> int:
    """Return the token budget, 0 being the default. Raises where it is out of bounds."""
    if max_tokens == 0:
        return DEFAULT_TOKENS
    if not MIN_TOKENS <= max_tokens <= MAX_TOKENS:
        raise InvalidRequest(
            f"max_tokens is {max_tokens}; give {MIN_TOKENS} to {MAX_TOKENS}, or 0 for"
            f" {DEFAULT_TOKENS}",
            field,
        )
    return max_tokens


def check_alternatives(n: int, field: str) -> int:
    """Return how many statements to write, 0 being 1. Raises where it is out of bounds."""
    if n > MAX_ALTERNATIVES:
        raise InvalidRequest(f"n is {n}; at most {MAX_ALTERNATIVES} statements are written", field)
    return n or 1


def check_temperature(temperature: float, field: str) -> float:
    """Return the temperature. Raises unless it is a number from 0 to 2."""
    if not (math.isfinite(temperature) and 0 <= temperature <= MAX_TEMPERATURE):
        raise InvalidRequest(f"temperature must be a number from 0 to {MAX_TEMPERATURE:g}", field)
    return temperature


def check_min_confidence(min_confidence: float, field: str) -> float:
    """Return the lowest confidence that is enough. Raises unless it is a number from 0 to 1."""
    if not 0 <= min_confidence <= 1:
        raise InvalidRequest("min_confidence must be a number from 0 to 1", field)
    return min_confidence


def _refuse_control_characters(text: str, what: str, field: str, allowed: frozenset[str]) -> None:
    for position, character in enumerate(text):
        if character not in allowed and unicodedata.category(character) == "Cc":
            raise InvalidRequest(
                f"{what} holds the control character U+{ord(character):04X} at character"
                f" {position + 1}; leave it out",
                field,
            )
