"""Why the engine does not answer a request; `reason` is one of `errors.ENGINE_REASONS`."""

from __future__ import annotations


class RequestFailed(Exception):
    """One request failed, and no other; becomes `wire.Failed`. The message holds no user text."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
