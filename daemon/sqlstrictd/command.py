"""Flags -> Config -> serve; with `__main__.py`, which calls it, the only place that prints.

Exit codes: 0 stopped, 1 error, 2 usage, 75 start me again, 78 cannot start.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

# Before gRPC is imported, which reads it then: its fork handlers cost time, and we never fork.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

from sqlstrictd.config import Config, load_config
from sqlstrictd.errors import CannotStart, ConfigError, SqlstrictError
from sqlstrictd.server import serve

ERROR = 1
USAGE = 2
CANNOT_START = 78


def main() -> int:
    """Run the daemon and return its exit code."""
    # First of all, and before any thread: everything made from here on is ours alone.
    os.umask(0o077)
    _open_standard_files()
    try:
        config = load_config(sys.argv[1:], os.environ)
        _start_logging(config)
        return asyncio.run(serve(config, announce))
    except ConfigError as error:
        announce(error.message)
        return USAGE
    except CannotStart as error:
        announce(f"cannot start: {error.message}")
        return CANNOT_START
    except SqlstrictError as error:
        announce(error.message)
        return ERROR
    except KeyboardInterrupt:
        return ERROR


def announce(line: str) -> None:
    """Print a line for people. Where nobody listens any more, that is no reason to stop."""
    try:
        print(f"sqlstrict: {line}", file=sys.stderr, flush=True)
    except OSError:
        return


def _open_standard_files() -> None:
    """Fill closed standard descriptors, so that no socket of ours becomes somebody's stderr."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)


def _start_logging(config: Config) -> None:
    logging.raiseExceptions = False  # A full disk behind stderr must not end a request.
    logging.basicConfig(
        stream=sys.stderr,
        level=config.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    log = logging.getLogger("sqlstrictd")
    log.info("settings: %s", config.describe())
    if config.log_content:
        log.warning("--log-content: questions and SQL are written to this log")
