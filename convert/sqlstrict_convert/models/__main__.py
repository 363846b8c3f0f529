"""`python -m sqlstrict_convert.models`, which is `sqlstrict model`: the models of this machine.

What it needs is looked for before anything of it is imported; the commands themselves are in
`command.py`.
"""

import os
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from types import FrameType

from sqlstrict_convert.models import command as models_command

NEEDS = ("gguf", "huggingface_hub", "llama_cpp", "numpy")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    missing = [need for need in NEEDS if find_spec(need) is None]
    if missing:
        print(
            f"sqlstrict: model needs what is not installed ({', '.join(missing)});"
            " pip install 'sqlstrict[convert]'",
            file=sys.stderr,
        )
        return models_command.Exit.ERROR
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
