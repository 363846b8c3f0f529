"""What the share of unmatched words tells about a question asked of the wrong schema.

    python bench/unmatched.py --schemas DIR --questions FILE [--half first|second]

Every question is put to its own schema and to another one of the folder, drawn by chance. The curve
lists, for a bound on the share: how many questions of the right schema would be declined, and how
many of the wrong one. `auc` is the chance that of two such questions the wrong one has the larger
share, ties counting half. No model is asked. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from bisect import bisect_left, bisect_right
from pathlib import Path

from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.link import unmatched_words


def main() -> int:
    """Measure, and print the curve and the JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--half", choices=("first", "second", "both"), default="both")
    parser.add_argument("--limit", type=int, default=2000, help="questions to take, 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    order = random.Random(arguments.seed)
    schemas = {
        path.stem: parse_schema(path.read_text())
        for path in sorted(arguments.schemas.glob("*.sql"))
    }
    names = list(schemas)
    order.shuffle(names)
    middle = len(names) // 2
    asked = {"first": names[:middle], "second": names[middle:], "both": names}[arguments.half]
    rows = [json.loads(line) for line in arguments.questions.read_text().splitlines()]
    rows = [row for row in rows if row["schema"] in asked]
    if arguments.limit:
        rows = order.sample(rows, min(arguments.limit, len(rows)))
    right, wrong = [], []
    for row in rows:
        other = order.choice([name for name in names if name != row["schema"]])
        right.append(unmatched_words(schemas[row["schema"]], row["question"]).share)
        wrong.append(unmatched_words(schemas[other], row["question"]).share)
    right.sort()
    wrong.sort()
    print("share above   right declined   wrong declined")
    curve = []
    for bound in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
        declined = [1 - bisect_right(shares, bound) / len(shares) for shares in (right, wrong)]
        curve.append([bound, *(round(rate, 4) for rate in declined)])
        print(f"{bound:11.1f}   {declined[0]:14.1%}   {declined[1]:14.1%}")
    below = sum(bisect_left(wrong, share) + bisect_right(wrong, share) for share in right)
    result = {
        "questions": len(rows),
        "auc": round(1 - below / (2 * len(right) * len(wrong)), 4),
        "curve": curve,
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
