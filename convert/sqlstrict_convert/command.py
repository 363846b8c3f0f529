"""`sqlstrict convert`: arguments in, progress on standard error, the result on standard output.

With --json standard output holds one JSON object per line: progress events, then one `done` or
`error`. Called by `__main__.py`.
"""

from __future__ import annotations

import argparse
import signal
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from sqlstrict_convert.checkpoint_conversion import DEFAULT_QUANTIZATION, Conversion
from sqlstrict_convert.conversion import convert
from sqlstrict_convert.errors import BadTokenFile, ConvertError
from sqlstrict_convert.gguf_format.header import read_header
from sqlstrict_convert.quality.report import read_report, report_lines
from sqlstrict_convert.quantize.quantize import BITS_PER_WEIGHT
from sqlstrict_convert.source.sources import read_token
from sqlstrict_convert.terminal import Terminal

EPILOG = "Exit codes: 0 done, 1 error, 2 usage, 130 Ctrl-C."


def main(argv: list[str] | None = None) -> int:
    """Convert as the arguments say and return the exit code."""
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, _stop)
    terminal = Terminal(is_json=arguments.json)
    try:
        made = convert(
            arguments.source,
            arguments.out,
            arguments.quantize,
            base=arguments.base,
            revision=arguments.revision,
            token=read_token(arguments.token_file) if arguments.token_file else None,
            uses_importance=arguments.imatrix,
            compares=arguments.compare,
            keeps_f16=arguments.keep_f16,
            assumes_word_pattern=arguments.assume_word_pattern,
            n_threads=arguments.threads,
            on_progress=terminal.progress,
            on_note=terminal.note,
        )
    except ConvertError as error:
        terminal.fail(type(error).__name__, str(error), is_event=True)
        return 2 if isinstance(error, BadTokenFile) else 1
    except BrokenPipeError:
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        terminal.fail("OSError", f"{where}{error.strerror or error}", is_event=True)
        return 1
    except KeyboardInterrupt:
        terminal.fail("Interrupted", "stopped; nothing was changed", is_event=True)
        return 130
    _print_result(made, terminal)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sqlstrict convert",
        description="Turn a published model into one GGUF file: a Hugging Face LFM2 checkpoint or "
        "an adapter, of this disk or of the hub. A finished GGUF file is checked and taken as it "
        "is.",
        epilog=EPILOG,
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder, a GGUF file, owner/name, owner/name@revision or hf.co/owner/name/FILE.gguf",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.gguf")
    parser.add_argument(
        "--quantize",
        type=str.upper,
        choices=list(BITS_PER_WEIGHT),
        default=DEFAULT_QUANTIZATION,
        help="how to store the matrices (default: %(default)s)",
    )
    parser.add_argument(
        "--imatrix",
        action=argparse.BooleanOptionalAction,
        help="measure which columns matter most and quantize by it (default: for Q4)",
    )
    parser.add_argument(
        "--compare",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="compare the quantized model with the unquantized one (default: yes)",
    )
    parser.add_argument("--base", metavar="BASE", help="an adapter's base: a folder or owner/name")
    parser.add_argument("--revision", metavar="R", help="branch, tag or commit of the repository")
    parser.add_argument(
        "--token-file", type=Path, metavar="FILE", help="file that holds the hub's access token"
    )
    parser.add_argument(
        "--keep-f16", action="store_true", help="keep the unquantized file beside FILE.gguf too"
    )
    parser.add_argument(
        "--assume-word-pattern",
        action="store_true",
        help="take an unknown pattern of the pre-tokenizer for another spelling of LFM2's",
    )
    parser.add_argument("--threads", type=_count, metavar="N", help="of llama.cpp (default: all)")
    parser.add_argument(
        "--json", action="store_true", help="events as JSON lines on standard output"
    )
    return parser


def _print_result(made: Conversion, terminal: Terminal) -> None:
    terminal.json(
        event="done",
        path=str(made.path),
        size_bytes=made.size_bytes,
        quantization=made.quantization,
        n_tensors=made.n_tensors,
        n_parameters=made.n_parameters,
        f16_path=str(made.f16_path) if made.f16_path else None,
        figures=asdict(made.figures) if made.figures else None,
    )
    terminal.result(f"{made.path}: {made.quantization}, {made.size_bytes / 1e6:,.1f} MB")
    report = read_report(read_header(made.path).metadata)
    for line in report_lines(report) if report.quantization else ():  # else made elsewhere
        terminal.result(f"  {line}")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
