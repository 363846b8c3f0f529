"""What the engine says of a prompt that the context has no room for: what to ask for instead."""

from __future__ import annotations

import pytest
from engine_requests import MakeEngine, generate
from sqlstrictd.engine.wire import Failed, Generate


@pytest.mark.parametrize(
    ("request_", "advice"),
    [
        (generate(1, ddl="self " * 2000), "room for 1024; give a schema of fewer tables"),
        (generate(1, n=8, max_tokens=150), "1200 may be written"),
        (generate(1, n=8, max_tokens=150), "fewer statements or with a smaller max_tokens"),
    ],
)
def test_a_long_prompt_fails_with_what_to_do(
    make_engine: MakeEngine, request_: Generate, advice: str
) -> None:
    failed = make_engine(context_tokens=1024).answer([request_])[0]
    assert isinstance(failed, Failed)
    assert advice in failed.message
