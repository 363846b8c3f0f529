"""Turn templates into questions: alternation, noun phrases, politeness, the way people end lines.

Called by the `ask_*` files. A template is text with `{slots}` and `[one|two]`; those marked `~`
belong to the evaluation split alone, and training never sees them. No SQL is known here.
"""

from __future__ import annotations

import re
from random import Random

from sqlstrict_train.filters import Condition, pick
from sqlstrict_train.schemas import ColumnSpec, TableSpec
from sqlstrict_train.texts import read_sections, table_of
from sqlstrict_train.words import plural

AGGREGATES = {
    "AVG": ("average", "average", "mean"),
    "SUM": ("total", "total", "overall", "combined", "summed"),
    "MIN": ("minimum", "lowest", "smallest"),
    "MAX": ("maximum", "highest", "largest"),
}
MOST = table_of(read_sections("filters")["superlatives"])
_IMPERATIVE = (
    "Show",
    "List",
    "Give me",
    "Find",
    "Return",
    "Display",
    "Get",
    "Show me",
    "Print",
    "Tell me",
    "Give",
    "I want",
    "I need",
    "Fetch",
    "Select",
)
_POLITE = (
    "Please {}",
    "Can you {}",
    "Could you {}",
    "Could you please {}",
    "I would like you to {}",
    "{} please",
)


NUMERALS = dict(enumerate("zero one two three four five six seven eight nine ten".split()))
COMPUTE = (
    "Show",
    "Give me",
    "Return",
    "Calculate",
    "Get",
    "Show me",
    "Tell me",
    "I need",
    "I want",
    "Compute",
    "Display",
)


def numeral(random: Random, number: int) -> str:
    """Say a small number in digits or, at times, as a word."""
    return NUMERALS[number] if random.random() < 0.35 and number in NUMERALS else str(number)


def noun(table: TableSpec, conditions: list[Condition], is_one: bool = False) -> str:
    """Name the rows that meet the conditions: "pending orders with price above 5"."""
    before = [c.before for c in conditions if c.before]
    after = [c.after for c in conditions if c.after]
    words = [*before, table.singular if is_one else table.plural]
    return " ".join([*words, " and ".join(after)]).strip()


def all_of(random: Random, phrase: str) -> str:
    """Say it of all of them, in one of the ways."""
    return random.choice(("", "", "the ", "all ", "all the ", "all ")) + phrase


def listed(random: Random, columns: list[ColumnSpec]) -> str:
    """Name columns one after the other: "the name, age and city"."""
    is_many = random.random() < 0.3
    phrases = [
        plural(c.phrase) if is_many and c.kind in ("label", "amount", "key", "date") else c.phrase
        for c in columns
    ]
    if len(phrases) == 1:
        return phrases[0]
    glue = random.choice((" and ", " and ", ", ", " and the "))
    return ", ".join(phrases[:-1]) + glue + phrases[-1]


def say(random: Random, templates: tuple[str, ...], split: str, **slots: str) -> str:
    """Draw one of the split's templates, fill it, and end it as people do."""
    template = pick(random, templates, split)
    show = slots.get("show") or random.choice(_IMPERATIVE)
    slots["show"] = (
        show if template.startswith("{show}") else show.lower() if show[:2] != "I " else "show"
    )
    text = re.sub(r"\[([^\]]*)\]", lambda match: random.choice(match[1].split("|")), template)
    text = re.sub(r"  +", " ", text.format(**slots)).strip()
    text = re.sub(r"\b([Aa])n? (?=[aeiou])", r"\1n ", text)
    text = re.sub(r"\b([Aa])n (?=[^aeiou\W])", r"\1 ", text).rstrip("?.")
    shape = random.random()
    if shape < 0.12 and "{show}" in template and not slots["show"].startswith("I "):
        text = random.choice(_POLITE).format(text[0].lower() + text[1:])
        text = text[0].upper() + text[1:]
    elif shape < 0.3:
        text = text[0].lower() + text[1:]
    else:
        text = text[0].upper() + text[1:]
    is_question = re.match(r"(?i)(what|which|how|who|can|could|for which|in which|are|is) ", text)
    ending = "?" if is_question else "."
    return text + (ending if random.random() < 0.8 else "")
