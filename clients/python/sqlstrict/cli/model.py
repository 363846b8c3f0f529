"""`sqlstrict model use`: the daemon's model; the other commands about models are a program's.

Only choosing concerns a daemon that runs: it loads the model beside the one that answers, and says
whether that one took its place. Where no daemon listens, the choice is written for its next start.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlstrict.cli import connection, programs
from sqlstrict.cli.console import Console
from sqlstrict.cli.exits import Exit
from sqlstrict.cli.status import describe
from sqlstrict.errors import InvalidRequest, ModelNotUsed, NotFound, NotReachable


def is_for_daemon(argv: Sequence[str]) -> bool:
    """Whether a command line is the one that this module takes, its --help included."""
    return list(argv[:2]) == ["model", "use"]


def add_parser(commands: Any) -> None:
    """Describe the command to argparse; the others appear in the help of `sqlstrict model`."""
    parser = commands.add_parser(
        "model", help=programs.PROGRAMS["model"].summary, allow_abbrev=False
    )
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)
    use = acts.add_parser(
        "use",
        help="choose the model that answers",
        description="Choose the model that answers. A daemon that runs loads it beside the present"
        " one and moves over when it is ready; no question fails. Without a daemon, the choice is"
        " written for its next start.",
        parents=[connection.flags()],
        allow_abbrev=False,
    )
    use.add_argument("name", metavar="NAME", help="as `sqlstrict model list` shows it")
    use.add_argument(
        "--data-dir",
        type=Path,
        metavar="FOLDER",
        help="where the models are, if no daemon runs (default: the daemon's own default)",
    )
    use.set_defaults(run=run_use, parser=use)


def run_use(arguments: argparse.Namespace, console: Console) -> Exit:
    """Choose a model through the daemon, or in its folder where none listens."""
    # Loading takes longer than a question; only a time that was asked for is shorter.
    is_asked = arguments.timeout != connection.DEFAULT_TIMEOUT_S
    timeout_s = arguments.timeout if is_asked else None
    try:
        with connection.connect(arguments) as client:
            current = client.use_model(arguments.name, timeout_s=timeout_s)
    except NotReachable:
        if arguments.wait:
            raise
        return Exit(programs.become("model", program_arguments(arguments)))
    except NotFound as error:
        error.message += "; `sqlstrict model list` shows which there are"
        raise
    except InvalidRequest as error:
        if error.field != "name":
            raise
        console.fail(error.message, reason=error.reason, field=error.field)
        return Exit.USAGE
    except ModelNotUsed as error:
        if error.reason == "MODEL_REJECTED":
            error.message += "; the model before goes on answering"
        raise
    if console.is_json:
        console.json(current)
    elif current.model is not None:
        console.result(f"{arguments.name} answers now: {describe(current.model)}")
    return Exit.ANSWER


def program_arguments(arguments: argparse.Namespace) -> list[str]:
    """Return the same request for the program that works on the folder itself."""
    given = ["use", arguments.name]
    if arguments.data_dir is not None:
        given += ["--data-dir", str(arguments.data_dir)]
    return given + (["--json"] if arguments.json else [])
