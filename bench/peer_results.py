"""What every side needed for every question -> medians, ratios and a table.

Times are compared at equal token counts: where a side wrote another number of tokens than sqlstrict
for the same question, its time after the first token is scaled to that number; so is the whole time
of several clients. A side that wrote the same text is left as it is: that it had to write an end
token as well is its own affair. `peers.py` fills a Results and prints it.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from peer_questions import Asked
from peer_setting import Reply

OURS = "sqlstrict"


def equal_seconds(reply: Reply, ours: Reply) -> float:
    """Return a side's seconds for as many tokens as sqlstrict wrote."""
    is_same = reply.text.strip() == ours.text and ours.text
    if is_same or reply.n_tokens < 2 or ours.n_tokens < 2:
        return reply.seconds
    scale = (ours.n_tokens - 1) / (reply.n_tokens - 1)
    return reply.seconds - reply.decode_s + reply.decode_s * scale


class Results:
    """Replies by case ("warm 15", "cold 5", "4 clients") and side."""

    def __init__(self, with_grammar: Sequence[str], without: Sequence[str]) -> None:
        self._with = [name for name in with_grammar if name != OURS]
        self._without = list(without)
        self._raw: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._equal: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._replies: dict[str, list[Reply]] = defaultdict(list)
        self._slowest: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self._same: dict[str, list[bool]] = defaultdict(list)
        self._attempts: list[int] = []

    def add(self, case: str, asked: Asked, replies: Mapping[str, Reply]) -> None:
        """Note what each side answered to one question."""
        for name, reply in replies.items():
            self._raw[case][name].append(reply.seconds)
            self._equal[case][name].append(equal_seconds(reply, replies[OURS]))
            self._replies[name].append(reply)
            self._same[name].append(reply.text.strip() == asked.sql)
        self._attempts.append(replies[OURS].attempts)

    def add_together(
        self, n_clients: int, times: Mapping[str, tuple[float, Sequence[Reply]]]
    ) -> None:
        """Note how long each side took until all questions of a moment were answered."""
        case = f"{n_clients} client{'s' if n_clients > 1 else ''}"
        ours = times[OURS][1]
        for name, (seconds, replies) in times.items():
            is_same = all(
                one.text.strip() == our.text for one, our in zip(replies, ours, strict=True)
            )
            n_tokens = sum(reply.n_tokens for reply in replies) or 1
            scale = 1.0 if is_same else sum(reply.n_tokens for reply in ours) / n_tokens
            self._raw[case][name].append(seconds)
            self._equal[case][name].append(seconds * scale)
            self._slowest[case][name].append(max(reply.seconds for reply in replies))

    def medians(self) -> dict[str, dict[str, float]]:
        """Return seconds at equal tokens, by case and side."""
        return {
            case: {name: statistics.median(values) for name, values in sides.items()}
            for case, sides in self._equal.items()
        }

    def ratio(self, case: str, names: Sequence[str]) -> float | None:
        """Return the time of the best of these sides by ours; None where it was not measured."""
        medians = self.medians().get(case, {})
        times = [medians[name] for name in names if name in medians]
        return round(min(times) / medians[OURS], 2) if times else None

    def summary(self, n_tables: int) -> dict[str, object]:
        """Return the ratios at so many tables, and how often each side wrote what was expected."""
        warm = f"warm {n_tables}"
        python = [name for name in self._with if name == "llama-cpp-python"]
        return {
            "tables": n_tables,
            "warm_ratio": self.ratio(warm, self._with),
            "warm_ratio_no_grammar": self.ratio(warm, self._without),
            "warm_ratio_python": self.ratio(warm, python),
            "cold_ratio": self.ratio(f"cold {n_tables}", self._with),
            "clients8_ratio": self.ratio("8 clients", self._with),
            "same_statement": {
                name: round(sum(same) / len(same), 2) for name, same in self._same.items()
            },
        }

    def report(self, n_tables: int) -> dict[str, object]:
        """Return everything, the summary with it."""
        return {
            "summary": self.summary(n_tables),
            "seconds_at_equal_tokens": self._rounded(self._equal),
            "seconds_raw": self._rounded(self._raw),
            "seconds_of_slowest_client": self._rounded(self._slowest),
            "tokens": {name: self._median_tokens(name) for name in self._same},
            "ms_per_token": {name: self._ms_per_token(name) for name in self._same},
            "attempts": statistics.mean(self._attempts),
            "every_time_s": {
                case: {name: [round(one, 4) for one in times] for name, times in sides.items()}
                for case, sides in self._raw.items()
            },
        }

    def table(self) -> str:
        """Return the medians for people, each with its ratio to ours."""
        names = [OURS, *self._with, *self._without]
        lines = ["".join([f"{'':12}", *(f"{name:>23}" for name in names)])]
        for case, medians in self.medians().items():
            cells = [
                f"{medians[name]:9.3f} s {medians[name] / medians[OURS]:9.2f} x" for name in names
            ]
            lines.append(f"{case:12}" + "".join(f"{cell:>23}" for cell in cells))
        counts = "".join(f"{self._median_tokens(name):>23g}" for name in names)
        speeds = "".join(f"{self._ms_per_token(name):>23g}" for name in names)
        return "\n".join([*lines, f"{'tokens':12}{counts}", f"{'ms a token':12}{speeds}"])

    def _median_tokens(self, name: str) -> float:
        return statistics.median(reply.n_tokens for reply in self._replies[name])

    def _ms_per_token(self, name: str) -> float:
        """Return the median time after the first token by the tokens written then."""
        each = [
            reply.decode_s / (reply.n_tokens - 1) * 1e3
            for reply in self._replies[name]
            if reply.n_tokens > 1
        ]
        return round(statistics.median(each), 2) if each else 0.0

    def _rounded(
        self, cases: Mapping[str, Mapping[str, Sequence[float]]]
    ) -> dict[str, dict[str, float]]:
        return {
            case: {name: round(statistics.median(times), 4) for name, times in sides.items()}
            for case, sides in cases.items()
        }
