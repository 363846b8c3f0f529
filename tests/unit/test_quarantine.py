from __future__ import annotations

from sqlstrictd.quarantine import Quarantine


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_one_crash_makes_a_suspect_and_not_more() -> None:
    quarantine = Quarantine()
    quarantine.suspect("a", was_alone=True)
    assert quarantine.is_suspect("a")
    assert not quarantine.is_poison("a")
    assert not quarantine.is_suspect("b")


def test_a_second_crash_alone_convicts() -> None:
    quarantine = Quarantine()
    quarantine.suspect("a", was_alone=False)
    quarantine.suspect("a", was_alone=True)
    assert quarantine.is_poison("a")


def test_two_crashes_in_company_do_not_convict() -> None:
    quarantine = Quarantine()
    for _ in range(3):
        quarantine.suspect("a", was_alone=False)
    assert quarantine.is_suspect("a")
    assert not quarantine.is_poison("a")


def test_who_is_survived_is_cleared() -> None:
    quarantine = Quarantine()
    quarantine.suspect("a", was_alone=False)
    quarantine.clear("a")
    assert not quarantine.is_suspect("a")


def test_everything_is_forgotten_in_time() -> None:
    clock = Clock()
    quarantine = Quarantine(duration_s=600.0, clock=clock)
    quarantine.suspect("a", was_alone=True)
    quarantine.suspect("a", was_alone=True)
    clock.now_s = 599.9
    assert quarantine.is_poison("a")
    clock.now_s = 600.0
    assert not quarantine.is_poison("a")
    assert not quarantine.is_suspect("a")


def test_it_does_not_grow_without_end() -> None:
    quarantine = Quarantine()
    for number in range(3000):
        quarantine.suspect(str(number), was_alone=False)
    assert not quarantine.is_suspect("0")
    assert quarantine.is_suspect("2999")
