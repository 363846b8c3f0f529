"""`sqlstrict model pull|list|show|rm|use|verify`: arguments -> one command -> an exit code.

Called by `__main__.py`. Here are the flags and the commands that need the standard library alone;
what loads or makes a model is in `pull_command.py`.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path

from sqlstrict_convert.errors import BadTokenFile, ConvertError
from sqlstrict_convert.gguf_format.header import GgufError, read_header
from sqlstrict_convert.models import facts as model_facts
from sqlstrict_convert.models.folder import (
    BadChoice,
    BadModelName,
    InstalledModel,
    ModelsFolder,
    ModelsFolderError,
    NoSuchModel,
    default_data_folder,
    models_folder,
)
from sqlstrict_convert.terminal import Terminal

_EPILOG = """\
A SOURCE is a folder with a checkpoint or an adapter, a GGUF file, or a repository of the hub:
owner/name, owner/name@revision, hf.co/owner/name/FILE.gguf. A path wins over a repository.
Checkpoints may be 16- or 32-bit safetensors, in shards or not, quantized by bitsandbytes (4 and 8
bit), or a LoRA adapter, whose base is the one that it names, or --base. They are converted, and the
result is compared with the unquantized model before it is used. A GGUF file is checked and taken as
it is.
Environment: HF_TOKEN (a token of the hub), HF_ENDPOINT (another hub), HF_HUB_OFFLINE=1 (only what
was pulled before), HF_HOME (the hub's cache), SQLSTRICT_DATA_DIR and XDG_DATA_HOME (the models).
Exit codes: 0 done, 1 error, 2 usage, 6 verify found the model not as it was made, 130 Ctrl-C."""


class Exit(IntEnum):
    """The exit codes, which are those of every `sqlstrict` command."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    NOT_VALID = 6
    INTERRUPTED = 130


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Raises SystemExit for usage errors and help."""
    arguments = build_parser().parse_args(argv)
    terminal = Terminal(is_json=arguments.json)
    has_events = arguments.act in ("pull", "verify")  # a line of JSON for each
    try:
        folder = models_folder(arguments.data_dir or default_data_folder(os.environ))
        run: Callable[[argparse.Namespace, ModelsFolder, Terminal], int] = arguments.run
        return run(arguments, folder, terminal)
    except (ModelsFolderError, ConvertError, GgufError) as error:
        hint = "; `sqlstrict model list` shows which there are"
        message = f"{error}{hint if isinstance(error, NoSuchModel) else ''}"
        terminal.fail(type(error).__name__, message, is_event=has_events)
        return Exit.USAGE if isinstance(error, BadModelName | BadTokenFile) else Exit.ERROR
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        where = f"{error.filename}: " if error.filename else ""
        terminal.fail("OSError", f"{where}{error.strerror or error}", is_event=has_events)
        return Exit.ERROR
    except KeyboardInterrupt:
        stopped = "stopped; the models are as they were"
        if arguments.act == "pull":
            stopped += ", and the same command goes on with the download where it was"
        terminal.fail("Interrupted", stopped, is_event=has_events)
        return Exit.INTERRUPTED


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of `sqlstrict model`."""
    flags = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    flags.add_argument(
        "--data-dir",
        type=_path,
        metavar="FOLDER",
        help="where the daemon keeps its data (default: the daemon's own default)",
    )
    flags.add_argument("--json", action="store_true", help="write JSON, one object a line")
    parser = argparse.ArgumentParser(
        prog="sqlstrict model",
        description="Take models in, choose among them, look at them.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    acts = parser.add_subparsers(dest="act", metavar="ACT", required=True)

    def add(name: str, run: Callable[..., int], summary: str) -> argparse.ArgumentParser:
        act = acts.add_parser(
            name, help=summary, description=summary, parents=[flags], allow_abbrev=False
        )
        act.set_defaults(run=run, act=name)
        return act

    _add_pull_flags(add("pull", _run_pull, "Take a model in: download, convert, compare, keep."))
    add("list", run_list, "List the models: size, quantization, source; * is the chosen one.")
    show = add("show", run_show, "Write all that a model's file says of itself.")
    show.add_argument("name", metavar="NAME")
    remove = add("rm", run_remove, "Delete models.")
    remove.add_argument("names", nargs="+", metavar="NAME")
    remove.add_argument("--force", action="store_true", help="delete the chosen one too")
    use = add("use", run_use, "Choose the model that questions are answered with.")
    use.add_argument("name", metavar="NAME")
    verify = add("verify", _run_verify, "Load a model and compare it with what its file says.")
    verify.add_argument("name", metavar="NAME")
    return parser


def run_list(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    """List the models; one that cannot be read is listed with the reason."""
    chosen = _chosen(folder, terminal)
    models = folder.list()
    facts = [model_facts.read_facts(model, is_chosen=model.name == chosen) for model in models]
    for found in facts:
        terminal.json(**found.as_json())
    if not models:
        terminal.note(f"no model is in {folder.path}; `sqlstrict model pull` takes one in")
    elif not terminal.is_json:
        terminal.table(
            ("", "name", "size", "quantization", "source"),
            [found.row() for found in facts],
        )
    for found in facts:
        if found.problem:
            terminal.note(found.problem)
    if chosen is not None and chosen not in (model.name for model in models):
        terminal.note(f"the chosen model {chosen} is not there; `sqlstrict model use` another")
    return Exit.DONE


def run_show(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    """Write a model's metadata, the report of its conversion included."""
    from sqlstrict_convert.quality.report import read_report, report_lines  # a tenth of a second

    model = folder.find(arguments.name)
    header = read_header(model.path)
    facts = model_facts.facts_of(model, header, is_chosen=model.name == _chosen(folder, terminal))
    metadata = model_facts.readable(header.metadata)
    terminal.json(**facts.as_json(), metadata=metadata)
    report = read_report(header.metadata)
    made = [("made", "\n".join(report_lines(report)))] if report.quantization else []
    rows = [*facts.lines(), *made, *((key, str(value)) for key, value in metadata.items())]
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        lines = value.splitlines() or [""]
        terminal.result(f"{name:<{width}}  {lines[0]}".rstrip())
        for line in lines[1:]:
            terminal.result(f"{'':<{width}}  {line}".rstrip())
    return Exit.DONE


def run_remove(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    """Delete models, in the order given; the first that fails ends it."""
    for name in arguments.names:
        model = folder.remove(name, is_forced=arguments.force)
        terminal.json(removed=name, size_bytes=model.size_bytes)
        terminal.result(f"removed {name}, {model.size_bytes / 1e6:,.1f} MB")
    return Exit.DONE


def run_use(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    """Choose a model; a daemon that runs on this folder notices the file by itself."""
    model: InstalledModel = folder.choose(arguments.name)
    terminal.json(chosen=model.name, path=str(model.path))
    terminal.result(f"{model.name} is chosen; the daemon takes it when it starts")
    return Exit.DONE


def _chosen(folder: ModelsFolder, terminal: Terminal) -> str | None:
    try:
        return folder.chosen()
    except BadChoice as error:
        terminal.note(str(error))
        return None


def _run_pull(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    from sqlstrict_convert.models import pull_command

    return pull_command.run_pull(arguments, folder, terminal)


def _run_verify(arguments: argparse.Namespace, folder: ModelsFolder, terminal: Terminal) -> int:
    from sqlstrict_convert.models import pull_command

    return pull_command.run_verify(arguments, folder, terminal)


def _add_pull_flags(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="a folder, a GGUF file, or owner/name")
    parser.add_argument("--name", help="what the model is to be called here")
    parser.add_argument(
        "--quantize",
        type=str.upper,
        metavar="Q",
        help="Q4_K_M (default), Q4_0, Q4_K_S, Q5_K_M, Q6_K, Q8_0, F16 or F32; of a repository of "
        "GGUF files, the one to take",
    )
    parser.add_argument("--base", metavar="SOURCE", help="an adapter's base model")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit (default: main)")
    parser.add_argument(
        "--use",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="choose the model (default: where none is chosen yet)",
    )
    parser.add_argument(
        "--imatrix",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="measure which columns matter most and quantize by it (default: for Q4)",
    )
    parser.add_argument(
        "--token-file", type=_path, metavar="FILE", help="a file with a token of the hub"
    )


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()
