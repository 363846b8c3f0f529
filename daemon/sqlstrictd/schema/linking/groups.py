"""Tables that belong together by the beginning of their names, as `crm_orders` and `crm_items`.

Large schemas are often several put together, each with its name before those of its tables. What a
question names then mostly lies in one of them. Read by `index.py`; keys are not looked at here.
"""

from __future__ import annotations

from typing import Final

_SMALLEST: Final = 2
_LARGEST: Final = 60
# What staging tables, archives and the like add to the name of the table that they copy.
_COPY_WORDS: Final = frozenset(
    """archive archived audit backup bak bck bkp copy dim ext external fact fct hist history landing
    legacy load log old orig prev previous raw sandbox snap snapshot src stage staging stg sync temp
    test tmp trash unused v version""".split()
)


def prefix_groups(names: list[tuple[str, ...]]) -> tuple[list[tuple[int, ...]], list[list[int]]]:
    """Find the groups that each name belongs to, as numbers, and the members of each group.

    A group is the tables whose names begin with the same words; names may belong to several, one
    inside the other, and to none.
    """
    members: dict[tuple[str, ...], int] = {}
    for words in names:
        for depth in range(1, len(words) + 1):
            members[words[:depth]] = members.get(words[:depth], 0) + 1
    numbers: dict[tuple[str, ...], int] = {}
    held: list[list[int]] = []
    groups: list[tuple[int, ...]] = []
    for number, words in enumerate(names):
        own = []
        size_inside = 0
        for depth in range(len(words), 0, -1):
            size = members[words[:depth]]
            # A prefix that holds the very same tables as a longer one says nothing new.
            if _SMALLEST <= size <= _LARGEST and size != size_inside:
                if words[:depth] not in numbers:
                    numbers[words[:depth]] = len(held)
                    held.append([])
                own.append(numbers[words[:depth]])
                held[own[-1]].append(number)
            size_inside = size
        groups.append(tuple(own))
    return groups, held


def shared_beginnings(names: list[tuple[str, ...]]) -> list[int]:
    """Count the first words of each name that say what a group is called, not what a table is.

    That is the longest beginning, less than the whole name, that three names or more have.
    """
    members: dict[tuple[str, ...], int] = {}
    for words in names:
        for depth in range(1, len(words)):
            members[words[:depth]] = members.get(words[:depth], 0) + 1
    return [
        max((depth for depth in range(1, len(words)) if members[words[:depth]] >= 3), default=0)
        for words in names
    ]


def copies(names: list[tuple[str, ...]]) -> list[frozenset[str]]:
    """For each name, the words that make it a copy of another: orders_archive, stg_orders.

    Empty where no table has the name without them.
    """
    whole = set(names)
    return [
        frozenset(marks)
        if (marks := [word for word in words if _marks_copy(word)])
        and tuple(word for word in words if not _marks_copy(word)) in whole
        else frozenset()
        for words in names
    ]


def _marks_copy(word: str) -> bool:
    return word in _COPY_WORDS or word.isdigit()
