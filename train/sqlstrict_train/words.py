"""Word lists for generated schemas, values and questions, and words made up on the spot.

Read by `schemas.py`, `rows.py` and `filters.py`. The lists are wide on purpose: a model that meets
ever new names learns to copy them from the schema, one that meets the same few learns them by
heart. Questions are not written here.
"""

from __future__ import annotations

from random import Random

from sqlstrict_train.texts import read_sections, words_of

_TEXTS = read_sections("words")
FIRST_NAMES = words_of(_TEXTS["first_names"])
LAST_NAMES = words_of(_TEXTS["last_names"])
CITIES = words_of(_TEXTS["cities"])
COUNTRIES = words_of(_TEXTS["countries"])
ADJECTIVES = words_of(_TEXTS["adjectives"])
NOUNS = words_of(_TEXTS["nouns"])
MORE_NOUNS = words_of(_TEXTS["more_nouns"])
PIECES = words_of(_TEXTS["pieces"])
MEASURES = words_of(_TEXTS["measures"])
CLASSIFIERS = words_of(_TEXTS["classifiers"])
_IRREGULAR: dict[str, str] = dict(line.split(" ") for line in _TEXTS["irregular_plurals"])

_ONSETS = "b c d f g h j k l m n p r s t v w z br cr dr fl gr kl pl pr sk sl st tr th sh".split()
_VOWELS = "a e i o u a e i o ai ea oo".split()
_CODAS = ["", "", "", "n", "r", "l", "s", "t", "k", "m", "x", "nd", "rt"]


def invented_word(random: Random, syllables: int = 0) -> str:
    """Make up a word that no list holds, such as "trovel"."""
    if not syllables and random.random() < 0.5:
        return "".join(random.choice(PIECES) for _ in range(random.choice((2, 2, 3))))
    count = syllables or random.choice((1, 2, 2, 2, 3))
    parts = [random.choice(_ONSETS) + random.choice(_VOWELS) for _ in range(count)]
    return "".join(parts) + random.choice(_CODAS)


def plural(phrase: str) -> str:
    """Give the plural of a noun phrase: its last word changes."""
    *head, last = phrase.split(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = last[:-1] + "ies"
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    else:
        last += "s"
    return " ".join([*head, last])


def person_name(random: Random) -> str:
    """Draw a full name, now and then with an invented surname."""
    surname = random.choice(LAST_NAMES) if random.random() < 0.7 else invented_word(random).title()
    return f"{random.choice(FIRST_NAMES)} {surname}"
