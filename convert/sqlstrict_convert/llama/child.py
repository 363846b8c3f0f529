"""Both ends of a child process with llama.cpp: JSON lines on its stdout, its log on stderr.

llama.cpp cannot be interrupted from Python and ends the process where it asserts; as a process of
its own it can be killed and takes nobody with it. The parent's side is `watch_child`, the child's
`run_child` and `say`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from sqlstrict_convert.errors import CheckError, ConvertError
from sqlstrict_convert.llama.library import load_bindings, set_log
from sqlstrict_convert.llama.memory import limit_memory

LOG_LINES_KEPT = 20


def watch_child(
    module: str,
    arguments: Sequence[object],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    limit_s: float | None = None,
    memory_bytes: int | None = None,
) -> dict[str, Any]:
    """Run a module of this package as a child and return its last line that is no progress.

    The child is killed when the caller is interrupted or after `limit_s`, and ends by itself when
    the caller dies. It may take `memory_bytes`, by default what the machine has free.

    Raises:
        CheckError: the child said that it failed, ended without a word, or took too long.
    """
    command = [sys.executable, "-P", "-m", f"sqlstrict_convert.{module}", *map(str, arguments)]
    log: deque[str] = deque(maxlen=LOG_LINES_KEPT)
    seen: dict[str, Any] = {}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,  # its end tells the child that this process is gone
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as child:
        assert child.stdout is not None and child.stderr is not None
        limit_memory(child.pid, memory_bytes)
        is_late = threading.Event()
        timer = threading.Timer(limit_s or 0.0, _end_late, (child, is_late))
        if limit_s is not None:
            timer.start()
        reader = threading.Thread(target=log.extend, args=(child.stderr,), daemon=True)
        reader.start()
        try:
            for line in child.stdout:
                try:
                    said = json.loads(line)
                except ValueError:
                    continue  # cut off by the child's end, of which its status tells
                if "done" in said:
                    on_progress(said["done"], said["total"])
                else:
                    seen = said
        except BaseException:
            child.kill()  # else leaving the block would wait for its end
            raise
        finally:
            timer.cancel()
        reader.join()
    words = "".join(line for line in log if line.strip())
    if is_late.is_set():
        raise CheckError(f"llama.cpp did not finish within {limit_s:g} s")
    if "error" in seen:
        raise CheckError(f"{seen['error']}; llama.cpp's last words:\n{words}")
    if child.returncode != 0 or not seen:
        raise CheckError(
            f"llama.cpp ended with status {child.returncode}; its last words:\n{words}"
        )
    return seen


def write_log(text: str) -> None:
    """Pass llama.cpp's log on to the parent."""
    sys.stderr.write(text)
    sys.stderr.flush()


def run_child(
    main: Callable[[Any, list[str]], None], on_log: Callable[[str], None] = write_log
) -> int:
    """Run a child's main with llama.cpp loaded and its log taken; return the exit code."""
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        bindings = load_bindings()
        set_log(bindings, on_log)
        main(bindings, sys.argv[1:])
    except ConvertError as error:
        say(error=str(error))
        return 1
    except MemoryError:
        say(error="there is not enough memory for the model")
        return 1
    except OSError as error:  # a full disk, above all
        say(error=f"a file cannot be read or written: {error}")
        return 1
    return 0


def say(**content: object) -> None:
    """Print one line for the parent."""
    print(json.dumps(content), flush=True)


def _end_late(child: subprocess.Popen[str], is_late: threading.Event) -> None:
    is_late.set()
    child.kill()


def end_with_parent() -> None:
    """End this process as soon as its standard input ends: the parent is gone then."""
    os.read(sys.stdin.fileno(), 1)  # nothing is ever sent: this returns at the end of the pipe
    os._exit(1)
