"""SQL text cut into tokens, each with its place: what `ddl.py` and `verify/` read first.

It knows the ways of quoting and commenting of the common dialects, and nothing of grammar. What is
no SQL is an error with its place, never skipped. Time is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["word", "quoted", "string", "number", "symbol", "comment"]

_LINE_END: Final = re.compile(r"\r\n|\n|\r")
# Possessive repeats: an opening quote without its end fails at once, and the scan stops there.
_TOKEN: Final = re.compile(
    r"""
      (?P<blank>[ \t\r\n\f]+)
    | (?P<comment>--[^\r\n]*|(?:\A|(?<=[\r\n]))\#[^\r\n]*|/\*(?:[^*]++|\*(?!/))*+\*/)
    | (?P<string>[nNbBxX]?'(?:[^']++|\'\')*+')
    | (?P<escaped>[eE]'(?:[^'\\]++|\'\'|\\.)*+')
    | (?P<quoted>"(?:[^"]++|"")*+"|`(?:[^`]++|``)*+`|\[[^\]]*+\])
    | (?P<number>0[xX][0-9A-Fa-f]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>[A-Za-z_\x80-\U0010FFFF][A-Za-z0-9_$\x80-\U0010FFFF]*)
    | (?P<dollar>\$[A-Za-z_]*\$)
    | (?P<symbol>::|\|\||<>|<=|>=|==|!=|<<|>>|->>|->|/(?!\*)|[!#$%&()*+,\-.:;<=>?@\\\]^{|}~])
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_BACKSLASH_STRING: Final = re.compile(r"[nNbBxX]?'(?:[^'\\]++|''|\\.)*+'", re.DOTALL)
_ARRAY: Final = re.compile(r"\[\d*\]")
_ARRAY_WORD: Final = re.compile(r"(?<!\w)ARRAY\Z", re.IGNORECASE)
# What follows the word ARRAY: a list of values, in which brackets may stand in strings and nest.
_ARRAY_PART: Final = re.compile(
    r"""[^\[\]'"]++|'(?:[^']++|'')*+'|"(?:[^"]++|"")*+"|(?P<mark>[\[\]])"""
)
_OPENING: Final = re.compile(r"[nNbBxXeE]?(?P<quote>')|(?P<other>[\"`\[]|/\*)")
_CLOSERS: Final = {"[": "]", "/*": "*/"}

# Invisible characters that other scripts need inside words: zero-width joiner and non-joiner.
_JOINERS: Final = "\u200c\u200d"


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of SQL text: `text` as written, `value` without quotes, `start` its offset."""

    kind: Kind
    text: str
    value: str
    start: int

    @property
    def end(self) -> int:
        """The offset after the last character."""
        return self.start + len(self.text)

    def is_word(self, *words: str) -> bool:
        """Whether this is one of these keywords (given in upper case), unquoted."""
        return self.kind == "word" and self.value.upper() in words

    def is_symbol(self, symbol: str) -> bool:
        """Whether this is that operator or piece of punctuation."""
        return self.kind == "symbol" and self.text == symbol


class ScanError(Exception):
    """The text cannot be cut into tokens; `offset` says where."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Places:
    """Turns offsets of one text into lines and columns, both in characters from 1."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(end.end() for end in _LINE_END.finditer(text))]

    def find(self, offset: int) -> tuple[int, int]:
        """Return the line and the column of the character at an offset."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


def scan(text: str, start: int = 0, *, has_backslash: bool = False) -> Iterator[Token]:
    """Yield the tokens of a text from an offset on, comments included.

    `has_backslash` reads strings as MySQL does, where a backslash escapes a quote.

    Raises:
        ScanError: something is not closed, or a character cannot stand where it does.
    """
    position = start
    while position < len(text):
        token, position = _match(text, position, has_backslash)
        if token is not None:
            yield token


def _match(text: str, position: int, has_backslash: bool) -> tuple[Token | None, int]:
    if text[position] == "[" and position and _ends_type(text[position - 1]):
        array = _ARRAY.match(text, position)
        if array is not None:
            return Token("symbol", array.group(), "[]", position), array.end()
        if _ARRAY_WORD.search(text, max(0, position - 6), position):
            return _match_array(text, position)
    match = _TOKEN.match(text, position)
    if match is not None and match.lastgroup == "string" and has_backslash:
        match = _BACKSLASH_STRING.match(text, position)
    if match is None:
        raise _explain(text, position)
    piece = match.group()
    group = match.lastgroup
    if group == "blank":
        return None, match.end()
    if group == "dollar":
        return _match_dollar(text, position, piece)
    if group == "quoted":
        token = Token("quoted", piece, _unquote(piece), position)
    elif group == "word":
        token = Token("word", piece, piece, position)
    elif group == "number":
        token = Token("number", piece, piece, position)
    elif group == "symbol":
        token = Token("symbol", piece, piece, position)
    elif group == "comment":
        token = Token("comment", piece, "", position)
    else:
        value = piece[piece.index("'") + 1 : -1].replace("''", "'")
        token = Token("string", piece, value, position)
    return token, match.end()


def _ends_type(character: str) -> bool:
    """Whether a bracket right after this character is an array's, as in INTEGER[]."""
    return character.isalnum() or character in "_)]"


def _match_array(text: str, start: int) -> tuple[Token, int]:
    """PostgreSQL's ARRAY[...] as one token, since commas in it end nothing."""
    depth, position = 0, start
    while (part := _ARRAY_PART.match(text, position)) is not None:
        position = part.end()
        if part.group("mark") is not None:
            depth += 1 if part.group() == "[" else -1
            if depth == 0:
                piece = text[start:position]
                return Token("quoted", piece, piece[1:-1], start), position
    raise ScanError("This array is not closed: ] is missing.", start)


def _match_dollar(text: str, position: int, delimiter: str) -> tuple[Token, int]:
    """PostgreSQL's strings between two equal tags, as in $$text$$."""
    end = text.find(delimiter, position + len(delimiter))
    if end < 0:
        raise ScanError(f"This string is not closed: {delimiter} is missing.", position)
    end += len(delimiter)
    piece = text[position:end]
    value = piece[len(delimiter) : -len(delimiter)]
    return Token("string", piece, value, position), end


def _unquote(piece: str) -> str:
    quote = piece[0]
    inner = piece[1:-1]
    return inner if quote == "[" else inner.replace(quote * 2, quote)


def check_name(token: Token) -> None:
    """Refuse a name that is empty or cannot be shown as it is.

    Control characters, bidi marks and other invisible characters are refused everywhere; blanks of
    other scripts too, for they are read as plain ones.

    Raises:
        ScanError: with the offset of the character.
    """
    name = token.value
    if not name:
        raise ScanError("A name in quotes is empty.", token.start)
    if name.isascii() and name.isprintable():
        return
    for offset, character in enumerate(token.text):
        category = unicodedata.category(character)
        is_hidden = category in ("Cc", "Cf", "Cs", "Zl", "Zp") and character not in _JOINERS
        if is_hidden or (category == "Zs" and character != " "):
            message = f"The character {describe_character(character)} cannot stand in a name."
            raise ScanError(message, token.start + offset)


def describe_character(character: str) -> str:
    """Name a character by its code point, as U+202E (RIGHT-TO-LEFT OVERRIDE)."""
    name = unicodedata.name(character, "")
    return f"U+{ord(character):04X}" + (f" ({name})" if name else "")


def _explain(text: str, position: int) -> ScanError:
    opening = _OPENING.match(text, position)
    if opening is None:
        what = describe_character(text[position])
        return ScanError(f"The character {what} cannot stand here.", position)
    mark = opening.group("quote") or opening.group("other")
    kind = {"'": "string", "/*": "comment"}.get(mark, "name in quotes")
    closer = _CLOSERS.get(mark, mark)
    return ScanError(f"This {kind} is not closed: {closer} is missing.", position)
