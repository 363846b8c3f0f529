"""The engine's settings: defaults that fit the machine, and limits."""

from __future__ import annotations

import os

import pytest
from sqlstrictd.engine.settings import Settings, physical_cores


def test_the_default_is_a_thread_for_each_physical_core_that_may_be_used() -> None:
    assert 1 <= physical_cores() <= (os.cpu_count() or 1)
    assert Settings().threads == physical_cores()


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_cores_that_the_process_may_not_use_do_not_count() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"slots": 0},
        {"slots": 33},
        {"threads": 0},
        {"context_tokens": 255},
        {"context_tokens": 2**31 - 1},
    ],
)
def test_settings_that_cannot_be_are_refused_by_name(wrong: dict[str, int]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name.replace("_", " ")):
        Settings(**wrong)
