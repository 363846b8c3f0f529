"""What may go wrong by name: a request, a model that cannot be used, a context that is lost."""

from __future__ import annotations


class RequestFailed(Exception):
    """One request failed, and no other; becomes `wire.Failed`. The message holds no user text.

    `reason` is one of `errors.ENGINE_REASONS`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class ModelLoadError(Exception):
    """The file is not a model that this engine can use; the message says why."""


class ContextBroken(Exception):
    """A fatal error left the context in an unknown state; the process must end."""
