"""What all commands that talk to the daemon share: their flags, and the client that these give."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sqlstrict.cli import numbers

if TYPE_CHECKING:
    from sqlstrict.client import Client

DEFAULT_TIMEOUT_S = 30.0


def flags() -> argparse.ArgumentParser:
    """Return the flags that every such command takes, as a parent of its parser."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    group = parser.add_argument_group("connection and output")
    group.add_argument(
        "--address",
        metavar="unix:///PATH",
        help="the daemon's socket (default: SQLSTRICT_ADDRESS, else your own)",
    )
    group.add_argument(
        "--timeout",
        type=numbers.seconds,
        default=DEFAULT_TIMEOUT_S,
        metavar="SECONDS",
        help="give up after this long (default: %(default)g)",
    )
    group.add_argument(
        "--wait", action="store_true", help="wait for a daemon that is not ready yet"
    )
    group.add_argument("--json", action="store_true", help="write JSON, one object a line")
    group.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def connect(arguments: argparse.Namespace) -> Client:
    """Return a client as the flags say. Raises `SqlstrictError`."""
    from sqlstrict.client import Client

    client = Client(arguments.address, timeout_s=arguments.timeout)
    if arguments.wait:
        client.wait_for_ready()
    return client
