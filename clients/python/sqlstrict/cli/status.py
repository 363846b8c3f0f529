"""`sqlstrict status`: how the daemon is."""

from __future__ import annotations

import argparse
import dataclasses
from typing import TYPE_CHECKING, Any

from sqlstrict.cli import connection
from sqlstrict.cli.console import Console
from sqlstrict.cli.exits import Exit

if TYPE_CHECKING:
    from sqlstrict.answers import Status
    from sqlstrict.model_answers import ModelInfo, ModelState


def add_parser(commands: Any) -> None:
    """Describe the command to argparse."""
    parser = commands.add_parser(
        "status",
        help="show how the daemon is",
        description="Show how the daemon is. With --wait, first wait until it is ready.",
        parents=[connection.flags()],
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, parser=parser)


def run(arguments: argparse.Namespace, console: Console) -> Exit:
    """Ask the daemon how it is, and write it."""
    with connection.connect(arguments) as client:
        status = client.status()
    if console.is_json:
        console.json({"address": client.address, **dataclasses.asdict(status)})
        return Exit.ANSWER
    shown = [("address", client.address), *lines(status)]
    widest = max(len(name) for name, _ in shown)
    for name, value in shown:
        console.result(f"{name:<{widest}}  {value}")
    for error in status.last_errors:
        console.note(f"sqlstrict: last error: {error}")
    return Exit.ANSWER


def lines(status: Status) -> list[tuple[str, str]]:
    """Return what a person wants to know, a line each."""
    engine = f"{status.engine_pid}" if status.engine_pid else "down"
    return [
        ("version", status.version),
        ("ready", "yes" if status.is_ready else "no"),
        ("model", describe(status.model) if status.model else "none"),
        *model_lines(status.model_state),
        ("slots", f"{status.slots_busy} of {status.slots} busy"),
        ("queue", f"{status.queued} of {status.queue_limit}, {status.batch_queued} of batches"),
        ("schemas", f"{status.registered_schemas} registered, {status.resident_schemas} resident"),
        (
            "memory",
            f"front {megabytes(status.front_memory_bytes)},"
            f" engine {megabytes(status.engine_memory_bytes)}",
        ),
        ("processes", f"front {status.front_pid}, engine {engine}"),
        ("uptime", duration(status.uptime_s)),
        # --json has those that are 0 too.
        *((name, str(count)) for name, count in status.counters.items() if count),
    ]


def model_lines(state: ModelState) -> list[tuple[str, str]]:
    """Return where the model is from, and what becomes of another one, a line each."""
    files = {
        "bundled": "bundled",
        "chosen": f"{state.name}, the chosen one of the models folder",
        "flag": f"{state.name}, as serve --model names it",
    }
    lines = [("file", f"{files.get(state.origin, state.name)}; watched by {state.watch}")]
    if state.loading:
        lines.append(("loading", f"{state.loading}, to take its place"))
    if state.problem:
        lines.append(("not taken", state.problem))
    return lines


def describe(model: ModelInfo) -> str:
    """Return a model in a line."""
    return (
        f"{model.name} ({model.architecture}, {model.quantization},"
        f" {model.parameter_count / 1e6:.1f} million parameters,"
        f" {model.context_tokens} tokens of context), sha256 {model.sha256[:12]}"
    )


def megabytes(size_bytes: int) -> str:
    """Return a size in megabytes."""
    return f"{size_bytes / 1e6:.0f} MB"


def duration(time_s: float) -> str:
    """Return a time in the two units that matter."""
    minutes, seconds = divmod(int(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    told = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(told[:2]) or "0 s"
