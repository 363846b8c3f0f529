"""Estimates of the time that a step still takes, by a clock that stands still."""

from sqlstrict_convert.progress import Progress, Stopwatch


def test_a_step_takes_as_long_as_its_speed_says() -> None:
    seconds = iter((0.0, 2.0, 6.0, 10.0, 11.0))
    seen: list[Progress] = []
    watch = Stopwatch(seen.append, clock=lambda: next(seconds))
    for step, done in (("write", 0), ("write", 10), ("write", 40), ("write", 100), ("check", 0)):
        watch(Progress(step, done, 100))
    assert [progress.left_s for progress in seen] == [None, 18.0, 9.0, 0.0, None]


def test_what_was_there_before_is_not_counted_as_speed() -> None:
    seconds = iter((0.0, 5.0))
    seen: list[Progress] = []
    watch = Stopwatch(seen.append, clock=lambda: next(seconds))
    watch(Progress("download", 80, 100))
    watch(Progress("download", 90, 100))
    assert seen[-1].left_s == 5.0
