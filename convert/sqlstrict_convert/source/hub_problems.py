"""What goes wrong between here and a hub -> whether to try again, and words that help.

Called by `hub` alone. Reads errors of huggingface_hub and of the HTTP library under it; knows no
file and no cache. No message holds a token.
"""

import random
import re
import time
from collections.abc import Callable

from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from sqlstrict_convert.errors import ConvertError, HubError, HubUnreachable, OutputError
from sqlstrict_convert.source.download import WAIT_MAX_S, Interrupted

TRIES = 4
WAIT_S = 0.5
PASSING = (408, 425, 429, 500, 502, 503, 504)
# All errors of the HTTP library; which library it is hangs on the version of huggingface_hub.
HTTP_ERROR: type[Exception] = next(
    kind
    for kind in HfHubHTTPError.__mro__
    if kind.__module__.partition(".")[0] in ("httpx", "httpx2") and issubclass(kind, Exception)
)
# What asking the library can end with, an answer that is not a hub's included.
KINDS = (HTTP_ERROR, OSError, ValueError, TypeError, KeyError, AttributeError)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def is_commit(text: str) -> bool:
    """Whether a text is a commit's whole hash."""
    return _COMMIT.fullmatch(text) is not None


def is_digest(text: str) -> bool:
    """Whether a text is a SHA-256, or a SHA-1 as git has it."""
    return _DIGEST.fullmatch(text) is not None


def as_interruption(error: Exception, repository: str) -> Exception:
    """Return an error as one after which trying again may help, else as it is."""
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status not in PASSING:
            return explain(error, repository)
        return Interrupted(f"the hub answers {status}", _wait_of(error))
    if isinstance(error, HTTP_ERROR):
        return Interrupted(f"the connection failed ({type(error).__name__})")
    return error


def wait(interruption: Interrupted, attempt: int, on_note: Callable[[str], None]) -> None:
    """Wait before the next attempt. Raises HubError where the hub asks for too long a wait."""
    asked_s = interruption.wait_s
    if asked_s is not None and asked_s > WAIT_MAX_S:
        raise HubError(f"{interruption}, and asks to come back in {asked_s:.0f} s")
    wait_s = WAIT_S * 2**attempt * random.uniform(0.5, 1.0) if asked_s is None else asked_s
    on_note(f"{interruption}; trying again in {wait_s:.1f} s")
    time.sleep(wait_s)


def explain(error: Exception, repository: str) -> ConvertError:
    """Return what a person should read about an error that stays."""
    endpoint = _shown(constants.ENDPOINT)
    if isinstance(error, GatedRepoError):
        return HubError(
            f"{repository} is gated: accept its terms at {endpoint}/{repository}, and give a token "
            "of that account by HF_TOKEN, --token-file or `hf auth login`"
        )
    if isinstance(error, RepositoryNotFoundError):
        return HubError(
            f"{endpoint} has no repository {repository} that is open to you; check the name, and "
            "for a private one give a token by HF_TOKEN, --token-file or `hf auth login`"
        )
    if isinstance(error, RevisionNotFoundError):
        return HubError(f"{repository} has no such revision; give a branch, a tag or a commit")
    if isinstance(error, DisabledRepoError):
        return HubError(f"{repository} was disabled by the hub")
    if isinstance(error, RemoteEntryNotFoundError):
        return HubError(f"a file of {repository} is gone from the hub; start again")
    if isinstance(error, HfHubHTTPError):
        status = error.response.status_code
        if status == 401:
            return HubError(
                f"the hub does not know the token (status 401); give another by HF_TOKEN or "
                f"--token-file, or none if {repository} is public"
            )
        if status == 403:
            return HubError(f"the token may not read {repository} (status 403)")
        return HubError(f"{endpoint} answers {status} about {repository}; try again later")
    is_silent = isinstance(error, (HTTP_ERROR, OfflineModeIsEnabled, LocalEntryNotFoundError))
    if is_silent or isinstance(error, ConnectionError):
        return HubUnreachable(
            f"{endpoint} cannot be reached ({type(error).__name__}); check the network, the proxy "
            "(HTTPS_PROXY) and HF_ENDPOINT, set HF_HUB_OFFLINE=1 to use what was pulled before, or "
            "give a folder or GGUF file of this machine"
        )
    if isinstance(error, OSError) and error.errno is not None:
        where = error.filename or constants.HF_HUB_CACHE
        return OutputError(f"the hub's cache cannot be used: {where}: {error.strerror}")
    return HubError(f"{endpoint} sends what a model hub does not: {type(error).__name__}: {error}")


def _shown(address: str) -> str:
    """Return an address without the name and password that may stand in it."""
    return re.sub(r"//[^/@]*@", "//", address)


def _wait_of(error: HfHubHTTPError) -> float | None:
    text = error.response.headers.get("Retry-After", "")
    return float(text) if re.fullmatch(r"\d{1,9}(\.\d+)?", text) else None
