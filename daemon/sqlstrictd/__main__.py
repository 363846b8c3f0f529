"""`python -m sqlstrictd`: the daemon, or one line where what it needs is not installed.

Importing the daemon takes most of a second. Until it listens to signals itself, Ctrl-C ends the
process as it ends any other, without a traceback; there is nothing to tidy up yet.
"""

import signal
import sys
from importlib.util import find_spec

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

CANNOT_START = 78
NEEDS = (
    "gguf",
    "huggingface_hub",
    "llama_cpp",
    "numpy",
    "grpc_health",
    "grpc_reflection",
    "llguidance",
    "rapidfuzz",
    "sqlglot",
    "watchdog",
)


def main() -> int:
    """Run the daemon and return its exit code."""
    missing = [need for need in NEEDS if find_spec(need) is None]
    if missing:
        print(
            f"sqlstrict: serve needs what is not installed ({', '.join(missing)});"
            " pip install 'sqlstrict[daemon]'",
            file=sys.stderr,
        )
        return CANNOT_START
    from sqlstrictd import command

    return command.main()


if __name__ == "__main__":
    sys.exit(main())
