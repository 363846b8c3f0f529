"""The installed llama-cpp-python -> its low-level bindings, without the package's high-level part.

Called by the child processes and by tools. Importing `llama_cpp` runs its __init__, which pulls in
a chat layer and template engine that nothing here needs; so the bindings are loaded as a submodule
of a bare package, which is forgotten afterwards.
"""

import ctypes
import importlib
import importlib.util
import os
import sys
import types
from collections.abc import Callable
from typing import Any

from sqlstrict_convert.errors import ConvertError


def load_bindings() -> Any:
    """Return the module `llama_cpp.llama_cpp` with llama.cpp initialised.

    Raises:
        ConvertError: llama-cpp-python is not installed or its library does not load.
    """
    bindings = sys.modules.get("llama_cpp.llama_cpp")
    if bindings is None:
        bindings = _import_bindings()
    bindings.llama_backend_init()
    return bindings


def set_fields(params: Any, **values: Any) -> None:
    """Set fields of a C struct by name; ctypes would take a misspelt name without a word.

    Raises:
        ConvertError: the struct has no such field in this version of llama.cpp.
    """
    known = {field[0] for field in params._fields_}
    for name, value in values.items():
        if name not in known:
            raise ConvertError(
                f"llama.cpp's {type(params).__name__} has no field {name}; install the version of "
                "llama-cpp-python that the package asks for"
            )
        setattr(params, name, value)


def set_log(bindings: Any, on_text: Callable[[str], None]) -> None:
    """Send llama.cpp's log to `on_text`, in pieces that need not be whole lines."""

    def forward(level: int, text: bytes, user_data: object) -> None:
        on_text(text.decode("utf-8", errors="replace"))

    callback = bindings.llama_log_callback(forward)
    _log_callbacks.append(callback)  # llama.cpp keeps the pointer as long as the process lives
    bindings.llama_log_set(callback, ctypes.c_void_p(0))


_log_callbacks: list[Any] = []


def _import_bindings() -> Any:
    # On an assertion llama.cpp would start a debugger for a backtrace, on a busy machine OpenMP's
    # waiting threads would take the cores from those waited for; both are read at loading.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    spec = importlib.util.find_spec("llama_cpp")
    if spec is None or spec.submodule_search_locations is None:
        raise ConvertError("llama-cpp-python is not installed; pip install 'sqlstrict[convert]'")
    bare = types.ModuleType("llama_cpp")
    bare.__path__ = list(spec.submodule_search_locations)
    bare.__spec__ = spec
    held = sys.modules.get("llama_cpp")
    sys.modules["llama_cpp"] = bare
    try:
        return importlib.import_module("llama_cpp.llama_cpp")
    except (OSError, RuntimeError, ImportError) as error:
        raise ConvertError(f"llama.cpp does not load: {error}") from error
    finally:
        if held is None:
            del sys.modules["llama_cpp"]
        else:
            sys.modules["llama_cpp"] = held
