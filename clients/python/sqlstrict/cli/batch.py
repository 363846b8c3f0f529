"""`sqlstrict ask --batch`: a file of questions -> a line of output for each, in their order.

As text a line is the SQL, and empty where there is none, so that lines stay beside their
questions; why is said on stderr. As JSON each line is the whole answer.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sqlstrict.cli.console import Console, read_stdin
from sqlstrict.cli.exits import Exit
from sqlstrict.errors import SourceError

if TYPE_CHECKING:
    from sqlstrict.answers import BatchResult
    from sqlstrict.calls import QuestionOptions
    from sqlstrict.client import Client


def read_questions(place: str) -> list[str]:
    """Return the lines of a file or of standard input that are not blank. Raises `SourceError`."""
    try:
        content = read_stdin() if place == "-" else Path(place).read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise SourceError(f"{place}: {error.strerror}", reason="FILE_UNREADABLE") from error
    except UnicodeDecodeError as error:
        raise SourceError(f"{place}: not UTF-8 text", reason="SOURCE_FORMAT") from error
    # Not splitlines, which also ends lines at characters that a question may hold.
    questions = (on_one_line(line) for line in re.split(r"\r\n|\r|\n", text))
    return [question for question in questions if question]


def on_one_line(text: str) -> str:
    """Return a question as the contract wants it, without line ends and tabs."""
    return re.sub(r"\s*[\r\n\t]+\s*", " ", text).strip()


def ask_all(
    client: Client,
    questions: Sequence[str],
    options: QuestionOptions,
    timeout_s: float,
    console: Console,
) -> Exit:
    """Ask them all. `timeout_s` is for each, on average.

    The exit code is that of the worst: an error, else a refusal, else an answer.
    """
    codes = {Exit.ANSWER}
    limit_s = timeout_s * max(len(questions), 1)
    for result in client.batch(questions, timeout_s=limit_s, **options):
        codes.add(show(result, questions[result.index], console))
    return next(code for code in (Exit.ERROR, Exit.REFUSED, Exit.ANSWER) if code in codes)


def show(result: BatchResult, question: str, console: Console) -> Exit:
    """Write the line of one question."""
    answer, error = result.answer, result.error
    if console.is_json:
        told = {"message": error.message, "reason": error.reason} if error else None
        fields = dataclasses.asdict(answer) if answer else {}
        console.json({"index": result.index, "question": question, **fields, "error": told})
    else:
        console.result(answer.sql if answer and answer.sql else "")
    if error is not None:
        note(console, result.index, error.message)
        return Exit.ERROR
    if answer is None or answer.refusal is None:
        return Exit.ANSWER
    note(console, result.index, f"no SQL: {answer.refusal.message}")
    return Exit.REFUSED


def note(console: Console, index: int, message: str) -> None:
    """Say on stderr why a question has no SQL; JSON says it itself."""
    if not console.is_json:
        console.note(f"sqlstrict: question {index + 1}: {message}")
