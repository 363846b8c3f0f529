"""What a request needs before it may have a slot: its prompt's tokens and its compiled grammar.

Runs in threads of the scheduler's, since neither needs the model: a long schema or a new grammar
(15 to 900 ms) holds up nobody else's tokens.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.matcher import Grammars, Matcher
from sqlstrictd.engine.prefixes import PrefixKey
from sqlstrictd.engine.prompt_tokens import tokenize_pieces
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.engine.wire import Generate, Prefill

# Longer than any statement within the largest budget; what is behind it is not looked at.
MAX_DRAFT_CHARS = 32_768


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request's tokens; a Prefill has no question and no matcher."""

    schema_key: PrefixKey
    question_tokens: list[int]
    draft_tokens: list[int]
    matcher: Matcher | None
    n_cells: int  # the most that it may need, its prompt not counted

    @property
    def prompt_key(self) -> PrefixKey:
        """The tokens of the whole prompt."""
        return (*self.schema_key, *self.question_tokens)


def prepare(
    request: Generate | Prefill, vocabulary: Vocabulary, grammars: Grammars, n_cells_limit: int
) -> Prepared:
    """Tokenise the prompt and compile the grammar.

    Raises:
        RequestFailed: the prompt is too long, holds a control token, or the grammar is not one.
    """
    key = (vocabulary.bos, *tokenize_pieces(vocabulary, request.schema))
    if isinstance(request, Prefill):
        _check_length(len(key), 0, n_cells_limit)
        return Prepared(key, [], [], None, 0)
    question = tokenize_pieces(vocabulary, request.question)
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
