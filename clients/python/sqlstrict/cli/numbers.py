"""Numbers on the command line -> values within the contract's bounds, for argparse.

The daemon checks them again; here a wrong one is a usage error before anything is read or sent.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable


def whole(least: int, most: int | None = None) -> Callable[[str], int]:
    """Return a parser of whole numbers from `least` to `most`, or without an upper bound."""
    bounds = f"from {least} to {most}" if most is not None else f"of {least} or more"

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number {bounds}")
        return value

    return parse


def temperature(text: str) -> float:
    """Parse a sampling temperature."""
    value = _real(text)
    if not 0 <= value <= 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 2")
    return value


def share(text: str) -> float:
    """Parse a share of a whole."""
    value = _real(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1")
    return value


def seconds(text: str) -> float:
    """Parse a time limit."""
    value = _real(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds over 0")
    return value


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
