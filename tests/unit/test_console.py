"""What commands write: tables that line up, no terminal escapes, JSON that every parser takes."""

from __future__ import annotations

import json

import pytest
from sqlstrict.answers import Confidence, RefusalReason
from sqlstrict.cli.console import Console, as_json, format_table, point, visible, width


def test_a_table_lines_up() -> None:
    rows = [("Ada", 12.5, None), ("王小明", 7, "x")]
    assert format_table(("name", "price", "note"), rows) == [
        "name    price  note",
        "------  -----  ----",
        "Ada      12.5  NULL",
        "王小明      7  x",
    ]


def test_a_table_without_rows() -> None:
    assert format_table(("a", "b"), []) == ["a  b", "-  -"]


def test_long_and_odd_cells_stay_on_their_line() -> None:
    [_, _, line] = format_table(("a", "b"), [("x" * 1000 + "\n", b"\x00\xff")])
    assert width(line.split("  ")[0]) == 60
    assert line.endswith("…  x'00ff'")
    [_, _, line] = format_table(("a",), [("王" * 1000,)])
    assert line == "王" * 29 + "…"
    [_, _, line] = format_table(("a",), [("two\nlines\tand\ttabs",)])
    assert line == "two\\nlines\\tand\\ttabs"


def test_terminal_escapes_are_shown_and_not_obeyed() -> None:
    assert visible("\x1b[2Jhello\r\u202e\u009b1m") == "\\x1b[2Jhello\\r\\u202e\\x9b1m"
    assert visible("né\n\tü 王") == "né\n\tü 王"


def test_json_takes_what_databases_hold() -> None:
    confidence = Confidence(-0.5, -1.0, 0.6, 1.0)
    value = {"a": [1.5, float("inf"), b"\x00", None, "é"], "b": confidence}
    assert json.loads(as_json(value)) == {
        "a": [1.5, "inf", "x'00'", None, "é"],
        "b": {
            "mean_log_probability": -0.5,
            "min_log_probability": -1.0,
            "score": 0.6,
            "matched_words": 1.0,
        },
    }
    assert as_json(RefusalReason.BUDGET) == '"budget"'


@pytest.mark.parametrize(
    ("text", "line", "column", "shown"),
    [
        ("a\nb c d\n", 2, 3, ["    b c d", "      ^"]),
        ("\tprice NUM", 1, 2, ["        price NUM", "        ^"]),
        ("王 x", 1, 3, ["    王 x", "       ^"]),
        ("\x1b x", 1, 3, ["    \\x1b x", "         ^"]),
        ("one", 1, 0, ["    one"]),
        ("a\u2028b\r c\r\n d", 3, 2, ["     d", "     ^"]),
        ("x" * 200 + "y" + "z" * 200, 1, 201, [f"    …{'x' * 50}y{'z' * 49}…", " " * 55 + "^"]),
        ("x" * 120, 1, 2, ["    " + "x" * 100 + "…", "     ^"]),
        ("x" * 120, 1, 120, [f"    …{'x' * 51}", " " * 55 + "^"]),
        ("one", 2, 1, []),
        ("one", 0, 0, []),
    ],
)
def test_a_caret_stands_under_the_place(
    text: str, line: int, column: int, shown: list[str]
) -> None:
    assert point(text, line, column) == shown


def test_errors_are_json_when_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    Console(is_json=True).fail("no", reason="BUSY")
    captured = capsys.readouterr()
    assert json.loads(captured.err) == {"error": {"message": "no", "reason": "BUSY"}}
    assert captured.out == ""
