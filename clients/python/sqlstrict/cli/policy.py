"""The `--allow` flags: which statements a question may be answered with, or a check lets pass."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlstrict.calls import PolicyOptions

# Those of the contract, repeated because reading it would load protobuf for `--help`.
KINDS = (
    "select",
    "insert",
    "update",
    "delete",
    "create_table",
    "create_view",
    "create_index",
    "alter_table",
)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which statements are allowed."""
    parser.add_argument(
        "--allow",
        type=kinds,
        default=(),
        metavar="KIND,...",
        help=f"the kinds of statement that are allowed: {', '.join(KINDS)} (default: select)",
    )
    parser.add_argument(
        "--allow-unfiltered",
        action="store_true",
        help="allow UPDATE and DELETE of all rows: without WHERE, or with one that always holds",
    )


def kinds(text: str) -> tuple[str, ...]:
    """Parse kinds of statements, with commas between; "create-view" is create_view too."""
    found = tuple(part.strip().lower().replace("-", "_") for part in text.split(","))
    for kind in found:
        if kind not in KINDS:
            raise argparse.ArgumentTypeError(f"{kind!r} is not one of {', '.join(KINDS)}")
    return found


def options(arguments: argparse.Namespace) -> PolicyOptions:
    """Return the flags as the client's options."""
    return {"statements": arguments.allow, "allow_unfiltered": arguments.allow_unfiltered}
