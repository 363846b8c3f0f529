from __future__ import annotations

import pytest
from sqlstrictd.engine.stall import LONGEST_GAP_S, StallClock
from sqlstrictd.engine.wire import HEARTBEAT_S


def test_work_without_progress_adds_up() -> None:
    clock = StallClock(100.0)
    readings = [clock.read(100.0, 100.0 + n * HEARTBEAT_S) for n in range(1, 41)]
    assert readings == pytest.approx([n * HEARTBEAT_S for n in range(1, 41)])


def test_progress_and_idleness_begin_anew() -> None:
    clock = StallClock(100.0)
    for n in range(1, 20):
        clock.read(100.0, 100.0 + n * HEARTBEAT_S)
    assert clock.read(109.9, 110.0) == pytest.approx(0.1)
    assert clock.read(109.9, 110.5) == pytest.approx(0.6)
    assert clock.read(None, 111.0) == 0.0
    assert clock.read(109.9, 111.5) == pytest.approx(0.5)


def test_time_in_which_the_process_was_stopped_does_not_count() -> None:
    clock = StallClock(100.0)
    clock.read(100.4, 100.5)
    assert clock.read(100.4, 160.5) <= 0.1 + LONGEST_GAP_S
    # What hangs after that is still found.
    assert [clock.read(100.4, 160.5 + n) > 10.0 for n in (1, 8, 12)] == [False, False, False]
    assert any(clock.read(100.4, 173.0 + n * HEARTBEAT_S) > 10.0 for n in range(20))
