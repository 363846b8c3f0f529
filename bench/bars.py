"""Medians by case and side -> a chart of bars, as SVG text. Used by `peers.py`; needs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

COLOURS = ("#1b6ca8", "#d1495b", "#edae49", "#66a182", "#8d6a9f", "#777777")
_BAR, _GAP, _LEFT, _WIDTH, _TOP = 12, 10, 90, 720, 46
_MOST = 480  # of the longest bar


@dataclass(frozen=True, slots=True)
class Bars:
    """What is drawn: seconds by group and by series."""

    title: str
    values: Mapping[str, Mapping[str, float]]


def draw(bars: Bars) -> str:
    """Return the chart: a group of bars for each case, every bar with its value."""
    series = list(dict.fromkeys(name for group in bars.values.values() for name in group))
    longest = max(value for group in bars.values.values() for value in group.values()) or 1.0
    parts = [f'<text x="8" y="18" font-weight="bold">{escape(bars.title)}</text>']
    for index, name in enumerate(series):
        x = 8 + index * (_WIDTH - 16) // max(1, len(series))
        parts.append(f'<rect x="{x}" y="28" width="9" height="9" fill="{_colour(index)}"/>')
        parts.append(f'<text x="{x + 13}" y="36">{escape(name)}</text>')
    y = _TOP + _GAP
    for case, group in bars.values.items():
        middle = y + len(group) * _BAR / 2 + 4
        parts.append(f'<text x="{_LEFT - 8}" y="{middle}" text-anchor="end">{escape(case)}</text>')
        for name, value in group.items():
            length = value / longest * _MOST
            colour = _colour(series.index(name))
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 2}"'
                f' fill="{colour}"/><text x="{_LEFT + length + 5:.1f}" y="{y + 9}">{value:.2f}'
                "</text>"
            )
            y += _BAR
        y += _GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y}"'
        ' font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="white"/>'
        "\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _colour(index: int) -> str:
    return COLOURS[index % len(COLOURS)]
