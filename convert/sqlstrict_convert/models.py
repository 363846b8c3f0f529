"""`python -m sqlstrict_convert.models`, which is `sqlstrict model`: the models of this machine.

Looks whether what a command needs is installed before anything of it is imported. Listing, showing,
choosing and removing need the standard library alone; the commands are in `models_command.py`.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from sqlstrict_convert import models_command


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = models_command.main(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read stdout has gone; Python would complain of what is still to be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return models_command.Exit.ERROR


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
