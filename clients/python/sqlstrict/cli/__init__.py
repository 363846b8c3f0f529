"""The `sqlstrict` command: arguments -> one command of this package -> an exit code.

stdout carries the result alone, everything else goes to stderr. Exit codes:

    0  answer            3  daemon not reachable      6  `check`: the statement is not valid
    1  error             4  refused: no SQL         130  Ctrl-C
    2  usage             5  deadline

gRPC is loaded only by commands that talk to the daemon, and only when they do.
"""

from __future__ import annotations

import argparse
import errno
import os
import sys
from collections.abc import Sequence

from sqlstrict import __version__
from sqlstrict.cli import ask, check, completion, model, programs, schema, status
from sqlstrict.cli.console import Console
from sqlstrict.cli.exits import Exit, report
from sqlstrict.errors import SqlstrictError

_EPILOG = """\
A SCHEMA is a registered name, a .sql file of DDL, an SQLite or DuckDB file, postgresql://...,
mysql://..., or - for DDL on standard input.
Environment: SQLSTRICT_ADDRESS (unix:///path/to/sqlstrict.sock).
Exit codes: 0 answer, 1 error, 2 usage, 3 daemon not reachable, 4 refused (no SQL), 5 deadline,
6 check found the statement not valid, 130 Ctrl-C."""

# What a write to standard output meets where a disk is full or broken.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="sqlstrict",
        description="Turn questions into SQL that prepares on your schema, on this machine alone.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"sqlstrict {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    programs.add_parsers(commands)
    for command in (ask, check, schema, model, status):
        command.add_parser(commands)
    completion.add_parser(commands, whole=build_parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Raises `SystemExit` for usage errors and help."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv and argv[0] in programs.PROGRAMS and not model.is_for_daemon(argv):
        # Its arguments are its own, --help included.
        return programs.become(argv[0], argv[1:])
    open_closed_streams()
    parser = build_parser()
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        # Said by the command's own parser, so that its flags stand above the message.
        named = getattr(arguments, "parser", parser)
        named.error(f"unrecognized arguments: {' '.join(unknown)}")
    console = Console(is_json=arguments.json)
    try:
        code = int(arguments.run(arguments, console))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read stdout has gone.
        discard_output()
        return Exit.ERROR
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except SqlstrictError as error:
        return report(error, console, is_debugging=arguments.debug)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _FULL:
            discard_output()
            console.fail(f"the result cannot be written: {error.strerror}", reason="OUTPUT")
            return Exit.ERROR
        # A bug of this command's. The traceback could show a question, so it must be asked for.
        if arguments.debug:
            raise
        console.fail(f"{type(error).__name__}, a bug of sqlstrict's; --debug shows where")
        return Exit.ERROR


def open_closed_streams() -> None:
    """Read nothing from, and write nowhere to, the standard streams that the caller closed."""
    sys.stdin = sys.stdin or open(os.devnull)
    sys.stdout = sys.stdout or open(os.devnull, "w")
    sys.stderr = sys.stderr or open(os.devnull, "w")


def discard_output() -> None:
    """Send what is still to be flushed nowhere; Python would complain of it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
