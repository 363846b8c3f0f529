"""Ask a checkpoint a question set without daemon or constraint, greedily, through transformers.

Called by the `evaluate` command, to see what a checkpoint knows by itself. What the daemon makes
of it, constraint included, is measured by `bench/accuracy.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from sqlstrictd.schema.ddl import parse_schema
from sqlstrictd.schema.render import render_compact

from sqlstrict_train.examples import prompt_tokens
from sqlstrict_train.question_set import open_databases, read_question_set
from sqlstrict_train.questions import classes
from sqlstrict_train.scoring import Score, run, same_answer
from sqlstrict_train.tokenizer import END

LONGEST = 200  # tokens of a statement


def load_writer(checkpoint: Path) -> Callable[[str, str], str]:
    """Load a checkpoint; the function returned writes the statement for (schema text, question)."""
    import torch
    from tokenizers import Tokenizer
    from transformers import Lfm2ForCausalLM

    torch.set_num_threads(2)
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    model = Lfm2ForCausalLM.from_pretrained(checkpoint, dtype=torch.float32).eval()

    def write(schema_text: str, question: str) -> str:
        tokens = prompt_tokens(tokenizer, schema_text, question)
        with torch.inference_mode():
            out = model.generate(
                torch.tensor([tokens]),
                attention_mask=torch.ones(1, len(tokens), dtype=torch.long),
                max_new_tokens=LONGEST,
                do_sample=False,
                eos_token_id=END,
            )
        return str(tokenizer.decode(out[0, len(tokens) :].tolist(), skip_special_tokens=True))

    return write


def evaluate(checkpoint: Path, questions: Path, limit: int, report: Any) -> Score:
    """Ask the set's first questions and score the answers; wrong ones go to `report`, a file."""
    write = load_writer(checkpoint)
    score = Score()
    for asked in read_question_set(questions)[:limit]:
        schema = parse_schema((questions / "schemas" / f"{asked.schema}.sql").read_text())
        sql = write(render_compact(schema), asked.question)
        with ExitStack() as stack:
            databases = open_databases(questions, asked.schema)
            for database in databases:
                stack.enter_context(closing(database))
            is_right = same_answer(databases, asked.sql, sql)
            is_valid = run(databases[0], sql) is not None
        score.add(classes(asked.sql), is_right, is_valid, refused=False)
        if not is_right:
            wrong = {"question": asked.question, "expected": asked.sql, "written": sql}
            report.write(json.dumps(wrong, ensure_ascii=False) + "\n")
    return score
