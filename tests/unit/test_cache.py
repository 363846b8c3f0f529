from __future__ import annotations

import asyncio

import pytest
from sqlstrictd.cache import Cache


class Maker:
    """Makes a value after a while, and counts how often."""

    def __init__(self, value: str = "value") -> None:
        self.value = value
        self.n_made = 0
        self.go = asyncio.Event()

    async def __call__(self) -> str:
        self.n_made += 1
        await self.go.wait()
        if self.value == "error":
            raise ValueError("it cannot be made")
        return self.value


async def test_many_who_ask_at_once_get_what_was_made_once() -> None:
    cache: Cache[str, str] = Cache(4, 100)
    make = Maker()
    askers = [asyncio.create_task(cache.get("key", make)) for _ in range(5)]
    await asyncio.sleep(0)
    make.go.set()
    assert await asyncio.gather(*askers) == ["value"] * 5
    assert await cache.get("key", make) == "value"
    assert make.n_made == 1


async def test_the_first_asker_may_go_away() -> None:
    cache: Cache[str, str] = Cache(4, 100)
    make = Maker()
    first, second = (asyncio.create_task(cache.get("key", make)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    make.go.set()
    assert await second == "value"
    assert make.n_made == 1


async def test_an_error_is_told_to_all_and_not_kept() -> None:
    cache: Cache[str, str] = Cache(4, 100)
    make = Maker("error")
    askers = [asyncio.create_task(cache.get("key", make)) for _ in range(2)]
    await asyncio.sleep(0)
    make.go.set()
    for asker in askers:
        with pytest.raises(ValueError, match="cannot be made"):
            await asker
    make.value = "value"
    assert await cache.get("key", make) == "value"


async def test_the_last_used_stay() -> None:
    cache: Cache[str, str] = Cache(2, 100)
    make = Maker()
    make.go.set()
    for key in ("a", "b", "a", "c", "a", "b"):
        await cache.get(key, make)
    # a and b were made, then c put b out, then b put c out.
    assert make.n_made == 4
    assert len(cache) == 2


async def test_sizes_count_and_what_is_too_large_is_not_kept() -> None:
    cache: Cache[str, str] = Cache(10, 10, len)
    for key, value in (("a", "12345"), ("b", "12345"), ("c", "1")):
        make = Maker(value)
        make.go.set()
        await cache.get(key, make)
    assert len(cache) == 2
    large = Maker("x" * 11)
    large.go.set()
    assert await cache.get("d", large) == "x" * 11
    again = Maker("y")
    again.go.set()
    assert await cache.get("d", again) == "y"
