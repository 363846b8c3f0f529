"""What a request needs before it may have a slot: its prompt's tokens and its compiled grammar.

Runs in threads of its own, since neither needs the model: a long schema or a new grammar (15 to
300 ms) holds up nobody else's tokens. Grammars of a size that may take seconds have a thread for
themselves, so that they delay each other alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.matcher import Grammars, Matcher
from sqlstrictd.engine.prefixes import PrefixKey
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.engine.wire import Generate, Match, Prefill

# Longer than any statement within the largest budget; what is behind it is not looked at.
MAX_DRAFT_CHARS = 32_768
# Up to here the worst grammar takes under a second, at the limits of `matcher.py` five.
LARGE_GRAMMAR_CHARS = 2**18

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request's tokens; a Prefill has no matcher, and of a question the beginning at most."""

    schema_key: PrefixKey
    question_tokens: list[int]
    draft_tokens: list[int]
    matcher: Matcher | None
    n_cells: int  # the most that it may need, its prompt not counted

    @property
    def prompt_key(self) -> PrefixKey:
        """The tokens of the whole prompt."""
        return (*self.schema_key, *self.question_tokens)


class Preparing:
    """Threads that prepare requests for one vocabulary; used from the scheduler's thread."""

    def __init__(
        self, vocabulary: Vocabulary, grammars: Grammars, n_cells: int, on_done: Callable[[], None]
    ) -> None:
        """`n_cells`: the context's. `on_done` is called in another thread after each result."""
        self._vocabulary = vocabulary
        self._grammars = grammars
        self._n_cells = n_cells
        self._on_done = on_done
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="prepare")
        self._large = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prepare-large")

    def prepare(self, request: Generate | Prefill) -> Future[Prepared]:
        """Begin to prepare a request."""
        grammar = request.grammar if isinstance(request, Generate) else ""
        return self._submit(
            grammar, lambda: prepare(request, self._vocabulary, self._grammars, self._n_cells)
        )

    def match(self, request: Match) -> Future[tuple[bool, int]]:
        """Begin to tell whether the text is writable, and how many of its bytes are."""
        return self._submit(
            request.grammar,
            lambda: self._grammars.match_bytes(request.grammar_key, request.grammar, request.text),
        )

    def close(self) -> None:
        """Wait for the threads; what has not begun is cancelled."""
        for threads in (self._threads, self._large):
            threads.shutdown(wait=True, cancel_futures=True)

    def _submit(self, grammar: str, work: Callable[[], _T]) -> Future[_T]:
        threads = self._large if len(grammar) > LARGE_GRAMMAR_CHARS else self._threads
        future = threads.submit(work)
        future.add_done_callback(lambda _: self._on_done())
        return future


def outcome(future: Future[_T]) -> _T:
    """Return what a preparing thread made. Raises RequestFailed, for a bug of ours as well."""
    try:
        return future.result()
    except RequestFailed:
        raise
    except Exception as error:
        # The type alone: an exception's text may quote the request.
        raise RequestFailed(
            "PREPARATION_FAILED", f"preparing the request failed: {type(error).__name__}"
        ) from None


def prepare(
    request: Generate | Prefill, vocabulary: Vocabulary, grammars: Grammars, n_cells_limit: int
) -> Prepared:
    """Tokenise the prompt and compile the grammar.

    Raises:
        RequestFailed: the prompt is too long, holds a control token, or the grammar is not one.
    """
    key = (*vocabulary.beginning, *tokenize_pieces(vocabulary, request.schema))
    question = tokenize_pieces(vocabulary, request.question)
    if isinstance(request, Prefill):
        _check_length(len(key) + len(question), 0, n_cells_limit)
        return Prepared(key, question, [], None, 0)
    n_output = request.n * request.max_tokens
    _check_length(len(key) + len(question), n_output, n_cells_limit)
    matcher = grammars.matcher(request.grammar_key, request.grammar)
    draft = _tokenize_draft(vocabulary, request.draft)
    return Prepared(key, question, draft, matcher, n_output)


def _tokenize_draft(vocabulary: Vocabulary, draft: str) -> list[int]:
    """Return the tokens of a draft up to where it is too long, or not the text of a statement."""
    tokens = vocabulary.tokenize(draft[:MAX_DRAFT_CHARS], parse_special=False)
    return list(itertools.takewhile(lambda one: one not in vocabulary.control_tokens, tokens))


def _check_length(n_prompt: int, n_output: int, limit: int) -> None:
    if n_prompt + n_output > limit:
        advice = (
            "give a schema of fewer tables"
            if n_prompt >= n_output
            else "ask for fewer statements or with a smaller max_tokens"
        )
        raise RequestFailed(
            "PROMPT_TOO_LONG",
            f"the prompt has {n_prompt} tokens and {n_output} may be written, but the context has"
            f" room for {limit}; {advice}",
        )
