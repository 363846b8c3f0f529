"""The command line: arguments in, progress on standard error, the result on standard output.

Exit codes: 0 done, 1 the conversion failed, 2 wrong usage. With --json standard output holds one
JSON object per line: progress events, then one `done` or `error`. Called by `__main__.py`.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from sqlstrict_convert.conversion import DEFAULT_QUANTIZATION, Conversion, convert
from sqlstrict_convert.errors import ConvertError
from sqlstrict_convert.progress import Progress
from sqlstrict_convert.quantize import BITS_PER_WEIGHT

REPORT_EVERY_S = 0.5  # to a terminal or a program
LOG_EVERY_S = 5.0  # to a file, where lines stay
STEPS = {
    "read": "reading the checkpoint",
    "write": "writing the weights",
    "quantize": "quantizing",
    "check": "loading the result in llama.cpp",
}


def main(argv: list[str] | None = None) -> int:
    """Convert as the arguments say and return the exit code."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    report = _report_json if arguments.json else _report_text
    is_live = arguments.json or sys.stderr.isatty()
    try:
        made = convert(
            arguments.checkpoint,
            arguments.out,
            arguments.quantize,
            keeps_f16=arguments.keep_f16,
            assumes_word_pattern=arguments.assume_word_pattern,
            n_threads=arguments.threads,
            on_progress=_seldom(report, REPORT_EVERY_S if is_live else LOG_EVERY_S),
        )
    except ConvertError as error:
        if arguments.json:
            _print_json(event="error", kind=type(error).__name__, message=str(error))
        print(f"sqlstrict convert: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("sqlstrict convert: stopped; nothing was changed", file=sys.stderr)
        return 1
    _print_result(made, is_json=arguments.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sqlstrict convert",
        description="Turn a Hugging Face LFM2 checkpoint folder into a GGUF file.",
    )
    parser.add_argument(
        "checkpoint",
        type=Path,
        metavar="CHECKPOINT_DIR",
        help="folder with config.json, tokenizer.json and safetensors in F32, F16 or BF16",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.gguf")
    parser.add_argument(
        "--quantize",
        choices=list(BITS_PER_WEIGHT),
        default=DEFAULT_QUANTIZATION,
        help="how to store the matrices (default: %(default)s)",
    )
    parser.add_argument(
        "--keep-f16", action="store_true", help="keep the unquantized file beside FILE.gguf too"
    )
    parser.add_argument(
        "--assume-word-pattern",
        action="store_true",
        help="take an unknown pattern of the pre-tokenizer for another spelling of LFM2's",
    )
    parser.add_argument("--threads", type=int, metavar="N", help="for quantizing (default: all)")
    parser.add_argument(
        "--json", action="store_true", help="events as JSON lines on standard output"
    )
    return parser


def _seldom(report: Callable[[Progress], None], every_s: float) -> Callable[[Progress], None]:
    """Pass on a step's first and last event, and others not more often than every `every_s`."""
    last = ("", 0.0)

    def pass_on(progress: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        is_edge = progress.step != last[0] or progress.done == progress.total
        if is_edge or now - last[1] >= every_s:
            last = (progress.step, now)
            report(progress)

    return pass_on


def _report_text(progress: Progress) -> None:
    percent = 100 * progress.done // progress.total if progress.total else 100
    line = f"{STEPS[progress.step]}: {percent} %"
    is_terminal = sys.stderr.isatty()
    end = "\n" if progress.done == progress.total or not is_terminal else ""
    print(f"\r{line}" if is_terminal else line, end=end, file=sys.stderr, flush=True)


def _report_json(progress: Progress) -> None:
    _print_json(event="progress", step=progress.step, done=progress.done, total=progress.total)


def _print_result(made: Conversion, *, is_json: bool) -> None:
    if is_json:
        _print_json(
            event="done",
            path=str(made.path),
            size_bytes=made.size_bytes,
            quantization=made.quantization,
            n_tensors=made.n_tensors,
            n_parameters=made.n_parameters,
            f16_path=str(made.f16_path) if made.f16_path else None,
        )
    else:
        print(f"{made.path}: {made.quantization}, {made.size_bytes / 1e6:,.1f} MB")


def _print_json(**event: object) -> None:
    print(json.dumps(event), flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
