"""Loads llama-cpp-python's low-level module, and only that; `llama.py` is its one user.

The package's own `__init__` imports the high-level `Llama` class and with it jinja2, which would
render templates out of model files. So the submodule is imported under a bare package. ctypes
accepts any attribute name silently, so fields of llama.cpp's structs are set through `set_field`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
from collections import deque
from typing import Any

ERROR_LEVEL = 4  # GGML_LOG_LEVEL_ERROR


class BindingError(RuntimeError):
    """llama-cpp-python is missing, or is not the build that this package was written for."""


def load() -> Any:
    """Return the module `llama_cpp.llama_cpp` without running its package's `__init__`."""
    if "llama_cpp.llama_cpp" in sys.modules:
        return sys.modules["llama_cpp.llama_cpp"]
    # On an assertion llama.cpp would start a debugger for a backtrace; the child must just end.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    # OpenMP's threads spin at the end of every operation. Where another program wants the cores,
    # the spinning delays the very thread that is waited for: a token took 40 times as long.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.submodule_search_locations is None:
        raise BindingError("llama-cpp-python is not installed; install sqlstrict[daemon]")
    package = types.ModuleType("llama_cpp")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["llama_cpp"] = package
    try:
        return importlib.import_module("llama_cpp.llama_cpp")
    except (OSError, RuntimeError, ImportError) as error:
        raise BindingError(f"llama-cpp-python cannot be loaded: {error}") from error
    finally:
        # Whoever wants the whole package later still gets it; the submodule stays loaded.
        del sys.modules["llama_cpp"]


def set_field(struct: Any, name: str, value: object) -> None:
    """Set a field of a ctypes struct. Raises BindingError where the struct has no such field."""
    if name not in {field[0] for field in struct._fields_}:
        raise BindingError(
            f"{type(struct).__name__} has no field {name!r} in this build of llama.cpp"
        )
    setattr(struct, name, value)


def function(library: Any, name: str, result: Any, *arguments: Any) -> Any:
    """Return a function of ggml, which the loaded llama.cpp is linked to, with its types set.

    Raises BindingError where this build has none of that name.
    """
    try:
        found = getattr(library._lib, name)
    except AttributeError as error:
        raise BindingError(f"this build of llama.cpp has no function {name}") from error
    found.restype, found.argtypes = result, arguments
    return found


def has_amx() -> bool:
    """Whether the processor says that it has AMX, Intel's matrix tiles."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
            return any("amx_tile" in line for line in cpuinfo if line.startswith("flags"))
    except OSError:
        return False


class Log:
    """Takes llama.cpp's log in place of stderr, keeping the last error lines.

    The lines tell why a model file was refused. They hold nothing of a request.
    """

    def __init__(self, binding: Any) -> None:
        self._errors: deque[str] = deque(maxlen=4)
        # llama.cpp keeps the pointer for good, so the callback object must live as long.
        self._callback = binding.llama_log_callback(self._take)
        binding.llama_log_set(self._callback, None)

    def _take(self, level: int, text: bytes, _user_data: Any) -> None:
        if level == ERROR_LEVEL and text:
            self._errors.append(text.decode(errors="replace").strip())

    def last_errors(self) -> str:
        """Return the last error lines as one, and forget them."""
        text = "; ".join(self._errors)
        self._errors.clear()
        return text
