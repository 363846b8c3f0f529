"""The added tokens of tokenizer.json -> their texts and kinds, where llama.cpp cuts them alike.

Called by `vocab`. Added tokens are cut out of a text before it is cut into words: special ones only
where the caller asks for it, the others always.
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from sqlstrict_convert.errors import VocabularyError

LONGEST, MOST_TEXT = 256, 1 << 20  # characters, of one token and of all; LFM2 has 30 and 10,000
_CONTROL_LIKE = re.compile(r"<\|[^|<>]+\|>")


class TokenType(IntEnum):
    """What a token is; the numbers are GGUF's."""

    NORMAL = 1
    CONTROL = 3  # special: never made from text unless the caller asks for it
    USER_DEFINED = 4  # added, but cut out of ordinary text
    UNUSED = 5  # fills the embedding's rows up to vocab_size


def read_added_tokens(tokenizer: Mapping[str, Any]) -> dict[int, tuple[str, TokenType]]:
    """Return text and kind of every added token by its id.

    Raises:
        VocabularyError: llama.cpp would cut text that holds one otherwise.
    """
    added: dict[int, tuple[str, TokenType]] = {}
    for entry in tokenizer.get("added_tokens") or []:
        text = entry["content"]
        if entry.get("single_word") or entry.get("lstrip") or entry.get("rstrip"):
            raise VocabularyError(
                f"tokenizer.json: added token {text!r} takes blanks around it (single_word, "
                "lstrip or rstrip), llama.cpp does not"
            )
        # A <|marker|> is a control token even where a fine-tune forgot to say so: text of a user
        # that happens to hold it must never become one.
        is_control = entry.get("special") or _CONTROL_LIKE.fullmatch(text)
        added[entry["id"]] = (text, TokenType.CONTROL if is_control else TokenType.USER_DEFINED)
    _check_overlaps([text for text, _ in added.values()])
    return added


def _check_overlaps(texts: list[str]) -> None:
    """Refuse added tokens that compete for the same text.

    Where the end of one begins another, tokenizers takes the one that begins first, llama.cpp the
    longer one.
    """
    longest = max(map(len, texts), default=0)
    if longest > LONGEST or sum(map(len, texts)) > MOST_TEXT:
        raise VocabularyError(
            f"tokenizer.json: {len(texts)} added tokens of up to {longest} characters are no "
            "vocabulary"
        )
    beginnings: dict[str, list[str]] = {}
    for text in texts:
        for length in range(1, len(text)):
            beginnings.setdefault(text[:length], []).append(text)
    for text in texts:
        for start in range(1, len(text)):
            for other in beginnings.get(text[start:], ()):
                if other != text and len(other) >= len(text):
                    raise VocabularyError(
                        f"tokenizer.json: the added tokens {text!r} and {other!r} overlap; "
                        "llama.cpp cuts such text otherwise"
                    )
