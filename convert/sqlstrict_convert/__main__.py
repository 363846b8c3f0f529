"""`python -m sqlstrict_convert`: the command, or one line where what it needs is not installed.

That is looked for before anything of it is imported; the command itself is in `command.py`.
"""

import os
import sys
from importlib.util import find_spec

NEEDS = ("gguf", "huggingface_hub", "llama_cpp", "numpy")


def main(argv: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    missing = [need for need in NEEDS if find_spec(need) is None]
    if missing:
        print(
            f"sqlstrict convert: what it needs is not installed ({', '.join(missing)});"
            " pip install 'sqlstrict[convert]'",
            file=sys.stderr,
        )
        return 1
    from sqlstrict_convert import command

    try:
        code = command.main(argv)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read stdout has gone; Python would complain of what is still to be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
