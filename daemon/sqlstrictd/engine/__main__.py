"""The engine child: `python -m sqlstrictd.engine --fd N --model FILE`, started by the front.

Three threads: this one owns the model and decodes, one reads frames, one sends a heartbeat, which
goes on while a decode hangs and says for how long. Exit codes: 0 told to stop or the front is
gone, 1 the model cannot be used (after LoadFailed), 65 malformed frame, 70 llama.cpp or
the engine itself broke.
"""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
import time
import traceback
from pathlib import Path

from sqlstrictd.engine import wire
from sqlstrictd.engine.binding import BindingError
from sqlstrictd.engine.channel import Channel, Closed, Wake
from sqlstrictd.engine.engine import Engine
from sqlstrictd.engine.failure import ContextBroken, ModelLoadError
from sqlstrictd.engine.process import memory_bytes, settle
from sqlstrictd.engine.settings import Settings
from sqlstrictd.engine.stall import StallClock

STOPPED, CANNOT_LOAD, MALFORMED_FRAME, BROKEN = 0, 1, 65, 70


def main(argv: list[str]) -> int:
    """Load the model, serve the front until it is done, and return the exit code."""
    defaults = Settings()
    parser = argparse.ArgumentParser(prog="python -m sqlstrictd.engine", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="this end of the front's socketpair")
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file")
    parser.add_argument("--name", help="what messages call the file (default: as its path does)")
    parser.add_argument(
        "--slots", type=int, default=defaults.slots, help="requests decoded at once"
    )
    parser.add_argument("--threads", type=int, default=defaults.threads, help="for decoding")
    parser.add_argument(
        "--context-tokens",
        type=int,
        default=defaults.context_tokens,
        help="for resident schemas, questions and answers together",
    )
    parser.add_argument("--sha256", help="the file's digest (default: computed where needed)")
    parser.add_argument("--prefix-folder", type=Path, help="for files of schemas' states")
    parser.add_argument("--prefix-mb", type=int, default=1024, help="for all of them; 0 for none")
    arguments = parser.parse_args(argv)
    settle()
    channel = Channel(socket.socket(fileno=arguments.fd))
    try:
        try:
            settings = Settings(
                arguments.slots,
                arguments.context_tokens,
                arguments.threads,
                prefix_folder=arguments.prefix_folder,
                prefix_bytes=arguments.prefix_mb * 2**20,
            )
            engine = Engine(
                arguments.model, settings, channel.wake, arguments.name, arguments.sha256
            )
        except (ModelLoadError, BindingError, ValueError) as error:
            channel.send(wire.LoadFailed(str(error)))
            return CANNOT_LOAD
        channel.start()
        channel.send(engine.describe())
        beat = threading.Thread(target=_beat, args=(channel, engine), name="heartbeat", daemon=True)
        beat.start()
        code = _serve(channel, engine)
    except ConnectionError:
        return STOPPED  # the front is gone
    except ContextBroken as error:
        print(f"engine: {error}; the process ends", file=sys.stderr)
        return BROKEN
    engine.close()
    return code


def _serve(channel: Channel, engine: Engine) -> int:
    """Take messages between steps until told to stop; return the exit code."""
    scheduler = engine.scheduler
    while True:
        for message in channel.receive(is_blocking=not scheduler.can_step):
            match message:
                case wire.Generate() | wire.Prefill() | wire.Match():
                    scheduler.submit(message)
                case wire.Cancel():
                    scheduler.cancel(message.id)
                case Wake():
                    pass
                case wire.Stop() | Closed(error=""):
                    return STOPPED
                case Closed(error=error):
                    print(f"engine: {error}", file=sys.stderr)
                    return MALFORMED_FRAME
                case _:
                    print(f"engine: unexpected {type(message).__name__}", file=sys.stderr)
                    return MALFORMED_FRAME
        if scheduler.can_step:
            for answer in scheduler.step():
                channel.send(answer)


def _beat(channel: Channel, engine: Engine) -> None:
    scheduler = engine.scheduler
    clock = StallClock(time.monotonic())
    while True:
        progress_at_s = None if scheduler.is_idle else scheduler.progress_at_s
        stalled_s = clock.read(progress_at_s, time.monotonic())
        counts = engine.store.counts if engine.store else {}
        beat = wire.Heartbeat(
            stalled_s, scheduler.n_running, scheduler.n_resident, memory_bytes(), counts
        )
        try:
            channel.send(beat)
        except OSError:
            return  # the front is gone; the main thread sees it too
        time.sleep(wire.HEARTBEAT_S)


def tell_without_text(error: Exception) -> None:
    """Print an exception's frames and type to stderr; its text may quote a request."""
    print("Traceback (most recent call last):", file=sys.stderr)
    traceback.print_tb(error.__traceback__)
    print(type(error).__name__, file=sys.stderr)


if __name__ == "__main__":
    exit_code = BROKEN
    try:
        exit_code = main(sys.argv[1:])
    except SystemExit as error:  # argparse
        exit_code = error.code if isinstance(error.code, int) else BROKEN
    except Exception as error:
        tell_without_text(error)
    sys.stdout.flush()
    sys.stderr.flush()
    # No interpreter shutdown: threads may sit in native code, and some GPU backends abort at exit.
    os._exit(exit_code)
