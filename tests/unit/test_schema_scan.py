"""Tokens and their places."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlstrictd.schema.scan import Places, ScanError, check_name, scan


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.kind, token.value) for token in scan(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a B_1 É名", [("word", "a"), ("word", "B_1"), ("word", "É名")]),
        ('"a""b" `c``d` [e f]', [("quoted", 'a"b'), ("quoted", "c`d"), ("quoted", "e f")]),
        ("'it''s' N'x' e'a\\'b'", [("string", "it's"), ("string", "x"), ("string", "a\\'b")]),
        ("$$a;b$$ $t$ $$ $t$", [("string", "a;b"), ("string", " $$ ")]),
        ("1 1.5 .5 1e3 0xFF", [("number", n) for n in ("1", "1.5", ".5", "1e3", "0xFF")]),
        ("INT[] y[3] (1)[]", [("word", "INT"), ("symbol", "[]"), ("word", "y"), ("symbol", "[]"),
                              ("symbol", "("), ("number", "1"), ("symbol", ")"), ("symbol", "[]")]),
        ("a--b\n/* c */d\n# e", [("word", "a"), ("comment", ""), ("comment", ""), ("word", "d"),
                                 ("comment", "")]),
        ("a<>b||c::d", [("word", "a"), ("symbol", "<>"), ("word", "b"), ("symbol", "||"),
                        ("word", "c"), ("symbol", "::"), ("word", "d")]),
    ],
)  # fmt: skip
def test_tokens(text: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(text) == expected


def test_a_backslash_escapes_a_quote_only_where_it_is_asked_to() -> None:
    text = r"'it\'s'"
    assert [token.text for token in scan(text, has_backslash=True)] == [text]
    with pytest.raises(ScanError):
        list(scan(text))


@pytest.mark.parametrize(
    ("text", "offset", "part"),
    [
        ("a 'b", 2, "string is not closed"),
        ("a e'b", 3, "string is not closed"),
        ('a "b""', 2, "name in quotes is not closed"),
        ("a [b", 2, "] is missing"),
        ("a $x$ b", 2, "$x$ is missing"),
        ("a /* b", 2, "*/ is missing"),
        ("a\x00", 1, "U+0000"),
    ],
)
def test_what_is_not_closed_is_an_error_where_it_begins(text: str, offset: int, part: str) -> None:
    with pytest.raises(ScanError) as caught:
        list(scan(text))
    assert caught.value.offset == offset
    assert part in caught.value.message


def test_names_with_joiners_pass_and_with_bidi_marks_do_not() -> None:
    check_name(next(scan('"\u0645\u06cc\u200c\u062e"')))
    with pytest.raises(ScanError) as caught:
        check_name(next(scan('"a\u2066b"')))
    assert caught.value.offset == 2


def test_places_count_every_kind_of_line_end() -> None:
    places = Places("ab\ncd\r\nef\rg")
    assert [places.find(offset) for offset in (0, 2, 3, 7, 10, 11)] == [
        (1, 1),
        (1, 3),
        (2, 1),
        (3, 1),
        (4, 1),
        (4, 2),
    ]


@settings(deadline=None)
@given(st.text(alphabet="ab'\"`[]$/*-\n\\ e(1.", max_size=60))
def test_tokens_lie_in_order_and_lose_nothing_but_blanks(text: str) -> None:
    position = 0
    try:
        for token in scan(text):
            assert not text[position : token.start].strip()
            assert text[token.start : token.end] == token.text
            position = token.end
    except ScanError as error:
        assert position <= error.offset < len(text)
    else:
        assert not text[position:].strip()
