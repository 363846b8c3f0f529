"""Write the prompts by which a converted model is calibrated and compared, as one JSON-lines file.

Called by the `prompts` command; the file is the converter's `prompts.jsonl` and must stay small.
One line holds a schema in both renderings and what is asked of it. Calibration draws from the
training split and comparison from the evaluation split, so no schema, domain or template stands in
both.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

from sqlstrictd.schema.render import render_compact, render_ddl

from sqlstrict_train.questions import draw_sheet

SEED = 4
ASKED_PER_SCHEMA = 2
# How many schemas each part has, and the split of the generator that it is drawn from.
PARTS = {"calibration": ("train", 80), "held back": ("eval", 40)}
LONGEST = 900  # characters of DDL: prompts of some 300 tokens, many rather than long


def write_prompts(path: Path, seed: int = SEED) -> int:
    """Write the file and return its size in bytes; the same seed writes the same file."""
    text = "".join(
        line for part in PARTS for line in _lines(part, Random(f"prompts {part} {seed}"))
    )
    path.write_text(text, encoding="utf-8")
    return len(text.encode())


def _lines(part: str, random: Random) -> list[str]:
    split, n_schemas = PARTS[part]
    lines: list[str] = []
    while len(lines) < n_schemas:
        sheet = draw_sheet(random, split, ASKED_PER_SCHEMA)
        ddl = render_ddl(sheet.spec.schema)
        if len(sheet.questions) < ASKED_PER_SCHEMA or len(ddl) > LONGEST:
            continue
        content = {
            "part": part,
            "compact": render_compact(sheet.spec.schema),
            "ddl": ddl,
            "asked": [[question.text, question.sql] for question in sheet.questions],
        }
        lines.append(json.dumps(content, ensure_ascii=False) + "\n")
    return lines
