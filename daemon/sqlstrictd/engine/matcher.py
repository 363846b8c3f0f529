"""Grammar text to the tokens that may come next: the only user of llguidance.

A grammar is compiled once and kept by its key; a request takes a copy. llguidance never raises:
it goes into an error state for good, so every call here is followed by a look at that state, and
an error becomes RequestFailed: where the constraint cannot be kept, there is no answer. A panic of
its Rust code arrives as a BaseException of its own and is treated alike. Messages of llguidance
quote the grammar, hence the schema, and are not passed on.
"""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import numpy as np
from llguidance import LLMatcher, LLParserLimits, LLTokenizer

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.mask import Mask
from sqlstrictd.engine.vocabulary import Vocabulary

# A compiled grammar grows to about 10 MB as statements are written under it, and no further: its
# copies share the states of its lexer.
MAX_GRAMMARS = 32
# A draft grammar of 40 tables with 200 columns each has 0.44 MB, and 5,000 symbols at any size; an
# exact one has 15,000 with 15 FROM clauses. The worst within both limits compiles in 5 s.
MAX_GRAMMAR_BYTES = 2**20
MAX_GRAMMAR_SYMBOLS = 60_000
# Bytes that begin what llguidance is to take for a control token; no UTF-8 text has them.
_SPECIAL_PREFIX = b"\xff"
# Tokens of such text alone are allowed or not as a whole where a string, or a name of the model's
# own choice, may still be that long. A mask there then takes 0.3 ms for 65,536 tokens, not 0.4 to
# 1.0; the masks are the same.
_SLICES = [r"[A-Za-z_][A-Za-z0-9_]{0,9}"] + [
    rf"[a-zA-Z0-9 _.,:%\-]{{1,{length}}}" for length in (10, 20, 40)
]
# What llguidance's messages say where one of its limits was reached, rather than a rule broken.
_LIMIT_WORDS = (
    "too many",
    "too big",
    "too large",
    "too complex",
    "too deeply",
    "limit",
    "fuel",
    "items",
)
# Where a grammar's text is wrong, as "at 12(34): ...".
_POSITION = re.compile(r"^(?:at )?(\d+)\((\d+)\)")
_EXCERPT = re.compile(r"\s*\d+ \| ")

_T = TypeVar("_T")


class Grammars:
    """Compiles grammars for one vocabulary and keeps the last ones; may be used from any thread."""

    def __init__(self, vocabulary: Vocabulary, max_grammars: int = MAX_GRAMMARS) -> None:
        self._vocabulary = vocabulary
        self._max_grammars = max_grammars
        # Large lexemes worked out in advance cost a third of the compile time and save nothing.
        self._limits = LLParserLimits(
            max_items_in_row=4000,
            max_grammar_size=MAX_GRAMMAR_SYMBOLS,
            precompute_large_lexemes=False,
            verbose_errors=False,
        )
        self._compiled: OrderedDict[str, tuple[str, LLMatcher]] = OrderedDict()
        self._lock = threading.Lock()
        self._token_of_byte = {
            text[0]: token
            for token, text in enumerate(vocabulary.token_bytes)
            if len(text) == 1 and token not in vocabulary.control_tokens
        }
        tokens = [
            _SPECIAL_PREFIX + text if token in vocabulary.control_tokens else text
            for token, text in enumerate(vocabulary.token_bytes)
        ]
        # llguidance tokenises forced text with llama.cpp's own function.
        self._tokenizer: LLTokenizer = LLTokenizer.from_llamacpp(  # type: ignore[attr-defined]
            tokens=tokens,
            vocab_ptr=vocabulary.pointer,
            tokenize_fptr=vocabulary.tokenize_pointer,
            eos_token=vocabulary.eos,
            slices=_SLICES,
        )

    def matcher(self, key: str, grammar: str) -> Matcher:
        """Return a matcher at the grammar's start.

        Raises:
            RequestFailed: GRAMMAR_INVALID or GRAMMAR_TOO_LARGE.
        """
        compiled = self._find(key, grammar)
        if compiled is None:
            if len(grammar) > MAX_GRAMMAR_BYTES:
                raise RequestFailed(
                    "GRAMMAR_TOO_LARGE", f"a grammar of more than {MAX_GRAMMAR_BYTES} bytes"
                )
            # Outside the lock: it takes 15 to 300 ms, without the GIL. At worst it is done twice.
            compiled = _guard(
                lambda: LLMatcher(self._tokenizer, grammar, log_level=0, limits=self._limits)
            )
            if compiled.is_error():
                raise _failure(compiled)
            with self._lock:
                self._compiled[key] = (grammar, compiled)
                while len(self._compiled) > self._max_grammars:
                    self._compiled.popitem(last=False)
        return Matcher(_guard(compiled.deep_copy), self._vocabulary)

    def _find(self, key: str, grammar: str) -> LLMatcher | None:
        with self._lock:
            text, compiled = self._compiled.get(key, (None, None))
            # A key that two grammars share must never let one write under the other.
            if text != grammar:
                return None
            self._compiled.move_to_end(key)
            return compiled

    def match_bytes(self, key: str, grammar: str, text: str) -> tuple[bool, int]:
        """Tell whether the grammar can write the text, and how many of its bytes it can.

        Byte by byte, so that the cut into tokens plays no part. The grammar must be complete
        where the text ends.

        Raises:
            RequestFailed: GRAMMAR_INVALID or GRAMMAR_TOO_LARGE.
        """
        matcher = self.matcher(key, grammar)
        data = text.encode()
        tokens = []
        for byte in data:
            token = self._token_of_byte.get(byte)
            if token is None:
                break
            tokens.append(token)
        n_matched = matcher.consume_while_allowed(tokens)
        return n_matched == len(data) and matcher.is_accepting, n_matched


class Matcher:
    """One statement's place in its grammar."""

    def __init__(self, matcher: LLMatcher, vocabulary: Vocabulary) -> None:
        self._matcher = matcher
        self._n_words = (vocabulary.size + 31) // 32

    def copy(self) -> Matcher:
        """Return a second matcher at the same place."""
        other = object.__new__(Matcher)
        other._matcher = _guard(self._matcher.deep_copy)
        other._n_words = self._n_words
        return other

    @property
    def is_accepting(self) -> bool:
        """Whether what was consumed is a whole text of the grammar."""
        return bool(_guard(self._matcher.is_accepting)) and not self._matcher.is_error()

    @property
    def is_whole(self) -> bool:
        """Whether the text is whole and nothing may follow it.

        Raises:
            RequestFailed: MASK_EMPTY where nothing may follow though the text is not whole.
        """
        self._check()
        if not _guard(self._matcher.is_stopped):
            return False
        if not self.is_accepting:
            raise RequestFailed("MASK_EMPTY", "the grammar came to a dead end")
        return True

    def mask(self) -> Mask:
        """Return the tokens that may come next."""
        bits = np.zeros(self._n_words, dtype=np.uint32)
        _guard(lambda: self._matcher.unsafe_compute_mask_ptr(bits.ctypes.data, bits.nbytes))
        self._check()
        mask = Mask(bits)
        if not mask.n_allowed:
            raise RequestFailed("MASK_EMPTY", "the grammar allows no token")
        return mask

    def consume(self, token: int) -> None:
        """Go past a token that the mask allowed."""
        if not _guard(lambda: self._matcher.consume_token(token)):
            raise _failure(self._matcher)

    def consume_forced(self) -> list[int]:
        """Go past the tokens that the grammar forces from here, and return them.

        They are what the tokenizer makes of the forced text; a last token that could still be
        merged with what follows is held back.
        """
        tokens: list[int] = _guard(self._matcher.compute_ff_tokens)
        self._check()
        if tokens and not _guard(lambda: self._matcher.consume_tokens(tokens)):
            raise _failure(self._matcher)
        return tokens

    def consume_while_allowed(self, tokens: list[int]) -> int:
        """Go past as many of the tokens as the grammar allows; return how many that were."""
        return int(_guard(lambda: self._matcher.try_consume_tokens(tokens)))

    def look_ahead(self, guess: list[int]) -> tuple[list[int], dict[int, Mask]]:
        """Tell what a statement would write from here if it wrote as guessed, as far as it could.

        That is the guess's tokens where there is a choice, and those that are forced; where they
        are not the guess's, they end it. Also the mask of each choice, by the number of tokens
        before it. The tokens need not be the canonical ones of their text. It moves nothing.
        """
        scout = self.copy()
        written: list[int] = []
        masks: dict[int, Mask] = {}
        try:
            while True:
                forced = scout.consume_forced()
                is_agreed = guess[len(written) : len(written) + len(forced)] == forced
                written += forced
                if scout.is_whole:
                    break
                masks[len(written)] = scout.mask()
                next_tokens = guess[len(written) : len(written) + 1]
                if not (is_agreed and next_tokens and scout.consume_while_allowed(next_tokens)):
                    break
                written += next_tokens
                if scout.is_whole:
                    break
        except RequestFailed:
            pass  # a dead end of the guess's; a statement that comes to it too fails by itself
        return written, masks

    def _check(self) -> None:
        if self._matcher.is_error():
            raise _failure(self._matcher)


def _guard(call: Callable[[], _T]) -> _T:
    """Call into llguidance; a panic of its Rust code, a BaseException, fails the request alone."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:
        raise RequestFailed(
            "GRAMMAR_INVALID", f"the matcher failed: {type(error).__name__}"
        ) from None


def _failure(matcher: LLMatcher) -> RequestFailed:
    message = matcher.get_error().lower()
    if "noextensionbias" in message:  # its name for a mask without tokens
        return RequestFailed("MASK_EMPTY", "the grammar came to a dead end")
    # Of a text that is wrong it shows some lines, in which "items" is a table of somebody's.
    said = " ".join(line for line in message.splitlines() if not _EXCERPT.match(line))
    if any(words in said for words in _LIMIT_WORDS):
        return RequestFailed("GRAMMAR_TOO_LARGE", "the grammar exceeds a limit of the matcher")
    position = _POSITION.search(message)
    place = f" at line {position[1]}, column {position[2]}" if position else ""
    return RequestFailed("GRAMMAR_INVALID", f"the matcher does not accept the grammar{place}")
