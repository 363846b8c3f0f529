"""Flags and environment -> one frozen Config. Called once, by `command.py`.

A value comes from its flag, else from its SQLSTRICT_ variable, else from its default. Nothing is
read at import, and nothing else in the daemon reads the environment for settings. A flag or
SQLSTRICT_ variable that nobody knows is an error that names the nearest, since a misspelt setting
that is silently ignored is worse than none.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from sqlstrict_proto.address import AddressError, AddressProblem, default_socket_path, parse_address

from sqlstrictd.errors import CannotStart, ConfigError

PREFIX = "SQLSTRICT_"
LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the daemon. `model` is None for the bundled one.

    Without a `cache_folder` nothing is cached on disk; `load_config` always sets one.
    """

    socket_path: Path
    data_folder: Path
    model: Path | None = None
    cache_folder: Path | None = None
    prefix_cache_mb: int = 1024
    slots: int = 4
    threads: int | None = None
    context_tokens: int | None = None
    queue_limit: int = 16
    max_deadline_s: float = 30.0
    grace_s: float = 10.0
    log_level: str = "info"
    log_content: bool = False
    reflection: bool = False
    origins: tuple[tuple[str, str], ...] = ()

    def describe(self) -> str:
        """Return the settings that are not defaults, each with its origin, in one line."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        given = [f"{name}={values[name]} ({origin})" for name, origin in self.origins]
        return ", ".join(given) or "all defaults"


@dataclass(frozen=True, slots=True)
class _Setting:
    """One row of the table below: a field, its flag, and how its text becomes a value."""

    field: str
    flag: str
    parse: Callable[[str], Any]
    metavar: str
    help: str

    @property
    def variable(self) -> str:
        return PREFIX + self.flag.removeprefix("--").replace("-", "_").upper()


def load_config(argv: Sequence[str], environ: Mapping[str, str]) -> Config:
    """Resolve the settings: flag, else variable, else default.

    Raises ConfigError for an unknown flag or variable and for a value that cannot be, CannotStart
    for a socket path that no system takes. `--help` prints and raises SystemExit.
    """
    texts: dict[str, tuple[str, str]] = {}
    for setting in _SETTINGS:
        if environ.get(setting.variable):
            texts[setting.field] = (environ[setting.variable], setting.variable)
    _refuse_unknown_variables(environ)
    for name, text in vars(_parse_flags(argv)).items():
        if text is not None:
            texts[name] = (text, next(s.flag for s in _SETTINGS if s.field == name))

    values: dict[str, Any] = {}
    for setting in _SETTINGS:
        if setting.field not in texts:
            continue
        text, origin = texts[setting.field]
        try:
            values[setting.field] = setting.parse(text)
        except AddressError as error:
            if error.problem is AddressProblem.TOO_LONG:
                raise CannotStart(str(error)) from error
            raise ConfigError(f"{origin}: {error}") from error
        except ValueError as error:
            raise ConfigError(f"{origin}: {error}") from error
    origins = tuple((name, texts[name][1]) for name in values)
    try:
        values.setdefault("socket_path", default_socket_path(environ))
    except AddressError as error:
        raise ConfigError(f"no default address: {error}; give --address") from error
    if "data_folder" in values:
        # Whoever moves the one does not want the other shared with the daemon of the default place.
        values.setdefault("cache_folder", values["data_folder"] / "cache")
    values.setdefault("data_folder", default_data_folder(environ))
    values.setdefault("cache_folder", default_cache_folder(environ))
    return Config(**values, origins=origins)


def default_data_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return where models and schemas are kept when no --data-dir is given."""
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        return home / "Library" / "Application Support" / "sqlstrict"
    return _xdg_folder(environ, "XDG_DATA_HOME", home / ".local" / "share") / "sqlstrict"


def default_cache_folder(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """Return where what can be made again is kept; with a --data-dir it is kept in there."""
    home = Path(environ.get("HOME") or Path.home())
    if platform == "darwin":
        return home / "Library" / "Caches" / "sqlstrict"
    return _xdg_folder(environ, "XDG_CACHE_HOME", home / ".cache") / "sqlstrict"


def _xdg_folder(environ: Mapping[str, str], variable: str, default: Path) -> Path:
    folder = environ.get(variable, "")
    # The XDG rule: a relative path in the variable is to be ignored.
    return Path(folder) if folder.startswith("/") else default


def _parse_flags(argv: Sequence[str]) -> argparse.Namespace:
    parser = _Parser(
        prog="sqlstrict serve",
        description="Answer questions with SQL that prepares on your schema.",
        epilog="Each flag has a variable: --queue-limit is also SQLSTRICT_QUEUE_LIMIT.",
        allow_abbrev=False,
    )
    for setting in _SETTINGS:
        if setting.parse is _boolean:
            parser.add_argument(
                setting.flag,
                dest=setting.field,
                action="store_const",
                const="true",
                help=setting.help,
            )
        else:
            parser.add_argument(
                setting.flag, dest=setting.field, metavar=setting.metavar, help=setting.help
            )
    known, unknown = parser.parse_known_args(list(argv))
    if unknown:
        word = unknown[0].partition("=")[0]
        flags = [setting.flag for setting in _SETTINGS]
        raise ConfigError(f"unknown argument {word!r}{_suggestion(word, flags)}")
    return known


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the process; only `command.py` does that."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(message)


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = [setting.variable for setting in _SETTINGS]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            raise ConfigError(f"unknown variable {name}{_suggestion(name, known)}")


def _suggestion(word: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean {nearest[0]}?" if nearest else "; see --help"


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"{text!r} is not a whole number from {low} to {high}")
        return int(text)

    return parse


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not low <= value <= high:
            raise ValueError(f"{text!r} is not a number of seconds from {low:g} to {high:g}")
        return value

    return parse


def _boolean(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(f"{text!r} is neither true nor false")


def _path(text: str) -> Path:
    if not text:
        raise ValueError("it is empty; give a path")
    return Path(text).expanduser().absolute()


def _level(text: str) -> str:
    if text.lower() not in LOG_LEVELS:
        raise ValueError(f"{text!r} is not one of {', '.join(LOG_LEVELS)}")
    return text.lower()


_SETTINGS = (
    _Setting(
        "model",
        "--model",
        _path,
        "FILE",
        "the model's GGUF file (default: the chosen model, else the bundled one)",
    ),
    _Setting(
        "socket_path",
        "--address",
        parse_address,
        "ADDRESS",
        "where to listen, as unix:///path/to/socket",
    ),
    _Setting("slots", "--slots", _whole(1, 16), "N", "questions answered at once (default 4)"),
    _Setting("threads", "--threads", _whole(1, 256), "N", "threads of the model"),
    _Setting(
        "context_tokens",
        "--context-tokens",
        _whole(256, 32768),
        "N",
        "tokens of context of the model",
    ),
    _Setting(
        "queue_limit",
        "--queue-limit",
        _whole(0, 112),
        "N",
        "questions outside batches that may wait (default 16)",
    ),
    _Setting(
        "max_deadline_s",
        "--max-deadline",
        _seconds(0.1, 3600),
        "SECONDS",
        "the longest that a question may take (default 30)",
    ),
    _Setting(
        "grace_s",
        "--grace",
        _seconds(0, 3600),
        "SECONDS",
        "how long running questions may go on after SIGTERM (default 10)",
    ),
    _Setting(
        "data_folder", "--data-dir", _path, "FOLDER", "where schemas and converted models are kept"
    ),
    _Setting(
        "cache_folder",
        "--cache-dir",
        _path,
        "FOLDER",
        "where what can be made again is kept",
    ),
    _Setting(
        "prefix_cache_mb",
        "--prefix-cache-mb",
        _whole(0, 2**20),
        "N",
        "megabytes of schemas' states on disk; 0 keeps none (default 1024)",
    ),
    _Setting("log_level", "--log-level", _level, "LEVEL", "one of " + ", ".join(LOG_LEVELS)),
    _Setting(
        "log_content", "--log-content", _boolean, "", "also log questions and SQL (default: never)"
    ),
    _Setting("reflection", "--reflection", _boolean, "", "serve gRPC reflection"),
)
