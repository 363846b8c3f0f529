"""A grammar's text and what it is known by. Made by `draft.py` and `exact.py`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Grammar:
    """The text of a grammar and its key, the SHA-256 of the text in hexadecimal."""

    key: str
    text: str

    @classmethod
    def of(cls, text: str) -> Grammar:
        """Make a grammar of its text."""
        return cls(hashlib.sha256(text.encode()).hexdigest(), text)
