"""A place in SQL text that moves token by token: what the readers of `ddl.py` share.

Comments are passed over, and tokens are cut only when asked for, so a reader may jump over text
that is not SQL (the rows after COPY in a dump). Every error names its line and column.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import Final

from sqlstrictd.errors import SchemaError
from sqlstrictd.schema.names import fold
from sqlstrictd.schema.scan import Places, ScanError, Token, check_name, scan
from sqlstrictd.schema.values import Literals

MAX_NAME_LENGTH: Final = 255

# Words that no dialect takes as a bare name.
_RESERVED_EVERYWHERE: Final = frozenset(
    "AND AS CASE CHECK CONSTRAINT CREATE DEFAULT DISTINCT ELSE FOREIGN FROM GROUP HAVING IN NOT "
    "NULL ON OR ORDER PRIMARY REFERENCES SELECT TABLE THEN UNION UNIQUE WHEN WHERE".split()
)
_CLOSER: Final = {"(": ")", "{": "}"}
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "0": "\0", "Z": "\x1a"}


class Cursor:
    """Reads one text from its start to its end.

    `has_backslash`: a backslash escapes in strings. `folds_words`: names without quotes are in
    lower case, as PostgreSQL keeps them. `has_double_quotes`: double quotes make a string where a
    value stands. `end` is the offset after the last token taken.
    """

    def __init__(
        self,
        text: str,
        *,
        has_backslash: bool = False,
        folds_words: bool = False,
        has_double_quotes: bool = False,
    ) -> None:
        self.text = text
        self.end = 0
        self.literals = Literals(self.string_value, has_double_quotes)
        self._folds_words = folds_words
        self._places = Places(text)
        self.has_backslash = has_backslash
        self._ahead: deque[Token] = deque()
        self.jump(0)

    def jump(self, offset: int) -> None:
        """Go on reading at an offset."""
        self._ahead.clear()
        self._scan = scan(self.text, offset, has_backslash=self.has_backslash)

    def peek(self, distance: int = 0) -> Token | None:
        """Return a token ahead without moving; None where the text ends before it."""
        try:
            while len(self._ahead) <= distance:
                token = next(self._scan, None)
                if token is None:
                    return None
                if token.kind != "comment":
                    self._ahead.append(token)
        except ScanError as error:
            raise self.error(error.message, error.offset) from error
        return self._ahead[distance]

    def take(self) -> Token:
        """Return the next token and move past it.

        Raises:
            SchemaError: the text ends here.
        """
        token = self.peek()
        if token is None:
            raise self.error("The text ends in the middle of a statement.", len(self.text))
        return self._advance()

    def _advance(self) -> Token:
        token = self._ahead.popleft()
        self.end = token.end
        return token

    def sees_word(self, *words: str) -> bool:
        """Whether the next tokens are these unquoted keywords, in this order."""
        for distance, word in enumerate(words):
            token = self.peek(distance)
            if token is None or not token.is_word(word):
                return False
        return True

    def sees_symbol(self, symbol: str, distance: int = 0) -> bool:
        """Whether the token at that distance is this symbol."""
        token = self.peek(distance)
        return token is not None and token.is_symbol(symbol)

    def take_words(self, *words: str) -> bool:
        """Move past these keywords if they stand here, and say whether they did."""
        if not self.sees_word(*words):
            return False
        for _ in words:
            self._advance()
        return True

    def take_symbol(self, symbol: str) -> bool:
        """Move past this symbol if it stands here, and say whether it did."""
        if not self.sees_symbol(symbol):
            return False
        self._advance()
        return True

    def expect_symbol(self, symbol: str, where: str) -> Token:
        """Move past this symbol.

        Raises:
            SchemaError: something else stands here; `where` ends the sentence that says so.
        """
        token = self.peek()
        if token is None or not token.is_symbol(symbol):
            raise self.unexpected(f"{symbol} is expected {where}")
        return self._advance()

    def take_name(self, what: str) -> Token:
        """Take a name as `take_any_name` does, but no bare word that SQL reserves everywhere.

        Raises:
            SchemaError: no name stands here, or one that cannot be used.
        """
        token = self.peek()
        if token is not None and token.is_word(*_RESERVED_EVERYWHERE):
            word = show(token.text)
            raise self.error(
                f"{word} stands where the name of {what} is expected; as a name it needs double "
                "quotes.",
                token.start,
            )
        return self.take_any_name(what)

    def take_any_name(self, what: str) -> Token:
        """Take a name, bare or in quotes; `what` says whose, as "a column".

        SQLite takes a string where only a name can stand, so old dumps have names in single quotes.

        Raises:
            SchemaError: no name stands here, or one that cannot be used.
        """
        token = self.peek()
        if token is None or not is_name(token):
            raise self.unexpected(f"the name of {what} is expected")
        try:
            check_name(token)
        except ScanError as error:
            raise self.error(error.message, error.offset) from error
        if len(token.value) > MAX_NAME_LENGTH:
            message = f"A name has {len(token.value)} characters; at most {MAX_NAME_LENGTH} may be."
            raise self.error(message, token.start)
        self._advance()
        if self._folds_words and token.kind == "word":
            return replace(token, value=fold(token.value))
        return token

    def string_value(self, token: Token) -> str:
        """Return what a string stands for, its escapes read as this text has them."""
        if token.text[:1] in "eE" or (self.has_backslash and token.text[:1] != "$"):
            return _ESCAPE.sub(lambda match: _ESCAPED.get(match[1], match[1]), token.value)
        return token.value

    def skip_group(self) -> list[Token]:
        """Move past a group in parentheses, and return the tokens between them.

        Raises:
            SchemaError: no group begins here, or it is not closed.
        """
        opening = self.expect_symbol("(", "here")
        expected = [")"]
        inner: list[Token] = []
        while True:
            token = self.peek()
            if token is None:
                raise self.error(f"The {opening.text} here is not closed.", opening.start)
            self._advance()
            if token.kind == "symbol" and token.text in _CLOSER:
                expected.append(_CLOSER[token.text])
            elif token.kind == "symbol" and token.text == expected[-1]:
                expected.pop()
                if not expected:
                    return inner
            inner.append(token)

    def error(self, message: str, offset: int) -> SchemaError:
        """Make an error that names its line and column."""
        line, column = self._places.find(offset)
        return SchemaError(f"Line {line}, column {column}: {message}", line=line, column=column)

    def unexpected(self, expected: str) -> SchemaError:
        """Make an error that says what should stand here, and what does."""
        token = self.peek()
        if token is None:
            return self.error(f"The text ends where {expected}.", len(self.text))
        return self.error(f"{show(token.text)} stands where {expected}.", token.start)

    def line(self, offset: int) -> int:
        """Return the line of an offset, from 1."""
        return self._places.find(offset)[0]


def is_name(token: Token) -> bool:
    """Whether a token can be a name: bare, or in quotes of any kind."""
    return token.kind in ("word", "quoted") or (token.kind == "string" and token.text[0] == "'")


def show(text: str) -> str:
    """Quote a piece of the user's text for a message: short, and without invisible characters."""
    short = text if len(text) <= 40 else text[:37] + "..."
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in short)
