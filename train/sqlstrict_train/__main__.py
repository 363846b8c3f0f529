"""The training commands: `python -m sqlstrict_train bundled|questions|prompts|evaluate`.

Arguments and messages only; each command's work is in the file of its name.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

_EXTRA = "training needs torch and transformers; install them with: pip install 'sqlstrict[train]'"


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "questions":
            return _questions(arguments)
        if arguments.command == "prompts":
            return _prompts(arguments)
        return _bundled(arguments) if arguments.command == "bundled" else _evaluate(arguments)
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "transformers", "tokenizers", "safetensors"):
            raise
        print(f"sqlstrict_train: {_EXTRA}", file=sys.stderr)
        return 2
    except (FileNotFoundError, FileExistsError, ValueError) as error:
        print(f"sqlstrict_train: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sqlstrict_train", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    bundled = commands.add_parser("bundled", help="make the small bundled model from nothing")
    bundled.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    bundled.add_argument("--minutes", type=float, default=76, help="training time (%(default)s)")
    bundled.add_argument("--seed", type=int, default=1, help="of everything drawn (%(default)s)")
    bundled.add_argument("--threads", type=int, default=2, help="of torch (%(default)s)")
    bundled.add_argument("--work", type=Path, help="folder for state and log (OUT.work)")
    questions = commands.add_parser("questions", help="write generated questions as files")
    questions.add_argument("--n", type=int, default=500, help="how many (%(default)s)")
    questions.add_argument("--split", choices=("train", "eval"), default="eval")
    questions.add_argument("--seed", type=int, default=1)
    questions.add_argument("--out", type=Path, required=True, help="folder to make")
    prompts = commands.add_parser("prompts", help="write the converter's prompts.jsonl")
    prompts.add_argument("--out", type=Path, required=True, metavar="FILE")
    evaluate = commands.add_parser("evaluate", help="ask a checkpoint without the constraint")
    evaluate.add_argument("--checkpoint", type=Path, required=True)
    evaluate.add_argument(
        "--questions", type=Path, required=True, help="folder that `questions` made"
    )
    evaluate.add_argument("--n", type=int, default=500, help="ask the first N (%(default)s)")
    evaluate.add_argument("--wrong", type=Path, help="write the wrong answers to this file")
    return parser


def _bundled(arguments: argparse.Namespace) -> int:
    from tokenizers import Tokenizer

    from sqlstrict_train.export import export
    from sqlstrict_train.loop import Recipe, train
    from sqlstrict_train.tokenizer import train_tokenizer

    work = arguments.work or arguments.out.with_name(arguments.out.name + ".work")
    print("training the tokenizer", file=sys.stderr)
    content = train_tokenizer(arguments.seed)
    recipe = Recipe(arguments.minutes, arguments.seed, threads=arguments.threads)
    print(f"training for {arguments.minutes:g} minutes; see {work}/log.jsonl", file=sys.stderr)
    model = train(Tokenizer.from_str(json.dumps(content)), recipe, work)
    size = export(model, content, arguments.out)
    print(json.dumps({"checkpoint": str(arguments.out), "bytes": size, "seed": arguments.seed}))
    return 0


def _questions(arguments: argparse.Namespace) -> int:
    from sqlstrict_train.question_set import write_question_set

    write_question_set(arguments.out, arguments.n, arguments.split, arguments.seed)
    print(json.dumps({"questions": arguments.n, "split": arguments.split, "seed": arguments.seed}))
    return 0


def _prompts(arguments: argparse.Namespace) -> int:
    from sqlstrict_train.calibration import write_prompts

    size = write_prompts(arguments.out)
    print(json.dumps({"prompts": str(arguments.out), "bytes": size}))
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from sqlstrict_train.evaluate import evaluate

    with open(arguments.wrong or os.devnull, "w", encoding="utf-8") as report:
        score = evaluate(arguments.checkpoint, arguments.questions, arguments.n, report)
    for name, (right, total) in sorted(score.by_class.items()):
        print(f"{name:8} {right}/{total} {right / total:.1%}")
    print(json.dumps(score.as_json()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
