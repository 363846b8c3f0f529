"""`serve`, `model`, `convert` and `train`: become another package's program, with its arguments.

The thin client imports none of these packages. It looks whether what they need is installed, and
otherwise says which extra to install.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any


@dataclass(frozen=True, slots=True)
class Program:
    """A package to run, the extra that it needs, and what that extra installs."""

    package: str
    extra: str
    needs: tuple[str, ...]
    summary: str
    exit_without: int
    acts: tuple[str, ...] = ()  # its commands, for the completion of shells


# The modules of each extra of the project.
_CONVERT = ("gguf", "huggingface_hub", "llama_cpp", "numpy")
_DAEMON = (
    *_CONVERT,
    "grpc_health",
    "grpc_reflection",
    "llguidance",
    "rapidfuzz",
    "sqlglot",
    "watchdog",
)
_TRAIN = (*_DAEMON, "safetensors", "tokenizers", "torch", "transformers")

# `serve` ends as sqlstrictd does when it cannot start: starting it again changes nothing.
PROGRAMS: Mapping[str, Program] = {
    "serve": Program("sqlstrictd", "daemon", _DAEMON, "run the daemon in the foreground", 78),
    "model": Program(
        "sqlstrict_convert.models",
        "convert",
        _CONVERT,
        "take models in, choose among them, look at them",
        1,
        ("list", "pull", "rm", "show", "use", "verify"),
    ),
    "convert": Program(
        "sqlstrict_convert",
        "convert",
        _CONVERT,
        "turn a Hugging Face checkpoint into a model file",
        1,
    ),
    "train": Program("sqlstrict_train", "train", _TRAIN, "train the bundled model again", 1),
}


def add_parsers(commands: Any) -> None:
    """List the programs in the help; their arguments never reach this parser."""
    for name, program in PROGRAMS.items():
        if name == "model":  # has a command that is no program; see model.py
            continue
        commands.add_parser(name, help=program.summary, add_help=False)


def become(name: str, arguments: Sequence[str]) -> int:
    """Replace this process by the program; signals and the exit code are then its own.

    Returns only where the program's extra is not installed.
    """
    program = PROGRAMS[name]
    missing = [need for need in program.needs if find_spec(need) is None]
    if missing:
        print(
            f"sqlstrict: {name} needs what is not installed ({', '.join(missing)});"
            f" pip install 'sqlstrict[{program.extra}]'",
            file=sys.stderr,
        )
        return program.exit_without
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-m", program.package, *arguments])
