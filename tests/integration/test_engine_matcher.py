"""llguidance through our wrapper: masks, forced tokens, and failures that stay with one request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_requests import GRAMMAR
from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.llama import Model
from sqlstrictd.engine.matcher import MAX_GRAMMAR_BYTES, Grammars, Matcher
from sqlstrictd.engine.vocabulary import Vocabulary

STATEMENTS = (
    "SELECT id FROM orders;",
    "SELECT COUNT(price), status FROM orders WHERE status = 'open';",
    "SELECT AVG(price) FROM orders WHERE id = 12 ORDER BY customer_id DESC LIMIT 5;",
)


@pytest.fixture(scope="module")
def vocabulary(tiny_gguf: Path) -> Iterator[Vocabulary]:
    model = Model(tiny_gguf)
    yield model.vocabulary
    model.close()


@pytest.fixture(scope="module")
def grammars(vocabulary: Vocabulary) -> Grammars:
    return Grammars(vocabulary)


def allowed(matcher: Matcher, vocabulary: Vocabulary) -> set[int]:
    bits = np.unpackbits(matcher.mask().bits.view(np.uint8), bitorder="little")
    return {int(token) for token in np.flatnonzero(bits[: vocabulary.size])}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_mask_allows_just_the_tokens_that_begin_a_rest(
    grammars: Grammars, vocabulary: Vocabulary, statement: str
) -> None:
    """Held against the matcher's own bytes: a token is allowed if its bytes can be matched.

    Where the next bytes are forced, only the token that the tokenizer would take is allowed.
    """
    matcher = grammars.matcher("small", GRAMMAR)
    written = b""
    for token in vocabulary.tokenize(statement, parse_special=False):
        is_allowed = allowed(matcher, vocabulary)
        for other in range(0, vocabulary.size, 7):
            if other in vocabulary.control_tokens:
                assert other not in is_allowed
                continue
            try:
                text = (written + vocabulary.token_bytes[other]).decode()
            except UnicodeDecodeError:  # a part of a character; the grammar is all ASCII
                assert other not in is_allowed
                continue
            _, n_matched = grammars.match_bytes("small", GRAMMAR, text)
            can_match = n_matched == len(text.encode())
            assert (other in is_allowed) == can_match or (can_match and len(is_allowed) == 1), text
        matcher.consume(token)
        written += vocabulary.token_bytes[token]
    assert matcher.is_whole


def test_a_statement_is_whole_without_an_end_of_text(
    grammars: Grammars, vocabulary: Vocabulary
) -> None:
    matcher = grammars.matcher("small", GRAMMAR)
    *tokens, last = vocabulary.tokenize(STATEMENTS[0], parse_special=False)
    for token in tokens:
        matcher.consume(token)
        assert not matcher.is_whole
    matcher.consume(last)
    assert matcher.is_whole
    assert allowed(matcher, vocabulary) <= {vocabulary.eos}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_forced_tokens_are_the_canonical_ones(
    grammars: Grammars, vocabulary: Vocabulary, statement: str
) -> None:
    matcher = grammars.matcher("small", GRAMMAR)
    canonical = vocabulary.tokenize(statement, parse_special=False)
    written: list[int] = []
    n_forced = 0
    while len(written) < len(canonical):
        forced = matcher.consume_forced()
        n_forced += len(forced)
        written += forced
        assert written == canonical[: len(written)]
        if len(written) < len(canonical):
            matcher.consume(canonical[len(written)])
            written.append(canonical[len(written)])
    assert n_forced > 5
    assert matcher.is_whole


def test_a_token_that_is_not_allowed_is_a_typed_failure(
    grammars: Grammars, vocabulary: Vocabulary
) -> None:
    matcher = grammars.matcher("small", GRAMMAR)
    (token,) = vocabulary.tokenize("DROP", parse_special=False)[:1]
    with pytest.raises(RequestFailed) as caught:
        matcher.consume(token)
    assert caught.value.reason == "GRAMMAR_INVALID"
    with pytest.raises(RequestFailed):
        matcher.mask()


def test_copies_go_their_own_ways(grammars: Grammars, vocabulary: Vocabulary) -> None:
    first = grammars.matcher("small", GRAMMAR)
    second = first.copy()
    for token in vocabulary.tokenize(STATEMENTS[0], parse_special=False):
        first.consume(token)
    assert first.is_whole
    assert not second.is_whole
    for token in vocabulary.tokenize(STATEMENTS[1], parse_special=False):
        second.consume(token)
    assert second.is_whole


@pytest.mark.parametrize(
    "grammar",
    [
        "",
        "start: missing",
        # What it shows of the text must not be taken for what it says of it.
        'start: missing\nlimit: "too many items"',
        'start: "a" ((',
        "start: /[a-/",
        'start: "\ud800"',
        '{"not": "a grammar"}',
    ],
)
def test_a_grammar_that_is_none_is_refused(grammars: Grammars, grammar: str) -> None:
    with pytest.raises(RequestFailed) as caught:
        grammars.matcher("bad", grammar)
    assert caught.value.reason == "GRAMMAR_INVALID"
    assert "missing" not in caught.value.message


def test_a_bad_grammar_is_placed(grammars: Grammars) -> None:
    with pytest.raises(RequestFailed) as caught:
        grammars.matcher("bad", 'start: a\na: "x" ((')
    assert "line 2" in caught.value.message


def test_the_limits_of_the_matcher_have_a_reason_of_their_own(grammars: Grammars) -> None:
    for grammar in (
        "start: " + "(" * 20_000 + '"a"' + ")" * 20_000,
        "start: " + "|".join(f'"{n}"' for n in range(MAX_GRAMMAR_BYTES // 8)),
    ):
        with pytest.raises(RequestFailed) as caught:
            matcher = grammars.matcher(grammar[:40], grammar)
            matcher.mask()
        assert caught.value.reason == "GRAMMAR_TOO_LARGE"


def test_a_dead_end_is_a_typed_failure(grammars: Grammars, vocabulary: Vocabulary) -> None:
    """A rule whose condition can never be met leaves nothing to write, and no whole text."""
    grammar = 'start: a::0x0\na::_: "x" b::_\nb::_: "y" %if bit_set(3)'
    matcher = grammars.matcher("dead", grammar)
    (token,) = vocabulary.tokenize("x", parse_special=False)
    with pytest.raises(RequestFailed) as caught:
        matcher.consume(token)
        assert not matcher.is_whole
        matcher.mask()
    assert caught.value.reason == "MASK_EMPTY"


class RustPanic(BaseException):
    """As pyo3's PanicException: no Exception, so that few catch it."""


class PanickingMatcher:
    """Stands for llguidance's matcher where its Rust code panics at every call."""

    def is_error(self) -> bool:
        return False

    def __getattr__(self, name: str) -> Callable[..., object]:
        def panic(*_: object) -> object:
            raise RustPanic("secret: called Option::unwrap() on a None value")

        return panic


def test_a_panic_is_a_typed_failure(grammars: Grammars, vocabulary: Vocabulary) -> None:
    matcher = Matcher(PanickingMatcher(), vocabulary)  # type: ignore[arg-type]
    calls = (matcher.mask, matcher.consume_forced, matcher.copy, lambda: matcher.is_whole)
    for call in (*calls, lambda: matcher.consume(1), lambda: matcher.consume_while_allowed([1])):
        with pytest.raises(RequestFailed) as caught:
            call()
        assert caught.value.reason == "GRAMMAR_INVALID"
        assert "secret" not in caught.value.message


def test_a_key_shared_by_two_grammars_does_not_mix_them(
    grammars: Grammars, vocabulary: Vocabulary
) -> None:
    assert grammars.match_bytes("same", 'start: "a"', "a") == (True, 1)
    assert grammars.match_bytes("same", 'start: "b"', "a") == (False, 0)
    assert grammars.match_bytes("same", 'start: "b"', "b") == (True, 1)


def test_only_so_many_grammars_are_kept(vocabulary: Vocabulary) -> None:
    grammars = Grammars(vocabulary, max_grammars=3)
    for number in range(10):
        grammars.matcher(str(number), f'start: "{number}"')
    assert list(grammars._compiled) == ["7", "8", "9"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT id FROM orders;", (True, 22)),
        ("SELECT id FROM orders", (False, 21)),
        ("SELECT id FROM orders; ", (False, 22)),
        ("SELECT id FROM orders; DROP TABLE orders;", (False, 22)),
        ("SELECT total FROM orders;", (False, 7)),
        ("select id from orders;", (False, 0)),
        ("SELECT id FROM orders WHERE status = 'ü';", (False, 38)),
        ("", (False, 0)),
    ],
)
def test_a_text_is_matched_byte_by_byte(
    grammars: Grammars, text: str, expected: tuple[bool, int]
) -> None:
    assert grammars.match_bytes("small", GRAMMAR, text) == expected


def test_control_tokens_are_never_allowed_even_where_any_text_is(
    grammars: Grammars, vocabulary: Vocabulary
) -> None:
    matcher = grammars.matcher("any", r"start: /(.|\n)*/")
    assert vocabulary.control_tokens & allowed(matcher, vocabulary) <= {vocabulary.eos}


def test_masks_within_strings_are_those_of_a_plain_tokenizer(
    grammars: Grammars, vocabulary: Vocabulary
) -> None:
    """Tokens that are judged in groups there must be judged as each alone."""
    grammar = "start: \"SELECT \" STRING \";\"\nSTRING: /'([^'\\x00-\\x1f]|''){0,24}'/"
    matcher = grammars.matcher("strings", grammar)
    written = ""
    for token in vocabulary.tokenize("SELECT 'a few words, 12.5 %';", parse_special=False):
        is_allowed = allowed(matcher, vocabulary)
        for other in range(vocabulary.size):
            try:
                text = written + vocabulary.token_bytes[other].decode()
            except UnicodeDecodeError:
                continue
            if other in vocabulary.control_tokens or len(is_allowed) == 1:
                continue
            _, n_matched = grammars.match_bytes("strings", grammar, text)
            assert (other in is_allowed) == (n_matched == len(text.encode())), text
        matcher.consume(token)
        written += vocabulary.token_bytes[token].decode()
    assert matcher.is_whole
