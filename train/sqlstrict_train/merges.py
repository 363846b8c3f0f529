"""Learn byte pair merges on counted words, so that a plural is its singular and an "s".

Called by `tokenizer.py`. The usual greedy algorithm with two bans: no merge makes a token that ends
in "s", and none joins a small letter to a capital, as in "orderId".
"""

from __future__ import annotations

from collections import Counter, defaultdict


def learn_merges(counts: dict[str, int], room: int) -> list[tuple[str, str]]:
    """Learn that many byte pair merges on words; none makes a token that ends in "s"."""
    spelled = {word: list(word) for word in counts}
    pairs: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[str]] = defaultdict(set)
    for word, parts in spelled.items():
        _tally(word, parts, counts[word], pairs, where)
    merges: list[tuple[str, str]] = []
    made: set[str] = set()
    while len(made) < room and pairs:
        pair = max(pairs, key=lambda p: (pairs[p], p))
        if pairs[pair] < 2:
            break
        merges.append(pair)
        made.add(pair[0] + pair[1])
        for word in list(where[pair]):
            _tally(word, spelled[word], -counts[word], pairs, where)
            spelled[word] = _merge(spelled[word], pair)
            _tally(word, spelled[word], counts[word], pairs, where)
        pairs.pop(pair, None)
    return merges


def _tally(
    word: str,
    parts: list[str],
    count: int,
    pairs: Counter[tuple[str, str]],
    where: dict[tuple[str, str], set[str]],
) -> None:
    for pair in zip(parts, parts[1:], strict=False):
        if pair[1].endswith("s") or pair[0][-1].islower() and pair[1][0].isupper():
            continue
        pairs[pair] += count
        if count > 0:
            where[pair].add(word)
        elif pairs[pair] <= 0:
            del pairs[pair]


def _merge(parts: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    index = 0
    while index < len(parts):
        if tuple(parts[index : index + 2]) == pair:
            merged.append(pair[0] + pair[1])
            index += 2
        else:
            merged.append(parts[index])
            index += 1
    return merged
