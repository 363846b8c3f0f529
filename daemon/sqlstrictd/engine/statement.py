"""One statement being written: its place in the grammar, its sequence, and what it cost.

The scheduler decodes the sequence's pending tokens and hands what may follow to `take`; the
statement chooses a token, adds those that the grammar then forces, and leaves them pending, with
the mask of the choice after them. It is done when the grammar is complete, which needs no
end-of-text from the model, or when the budget is spent. A draft's tokens are decoded ahead and
chosen all the same, so that a greedy statement is what it would be without the draft.
"""

from __future__ import annotations

from collections import deque

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.llama import Logits
from sqlstrictd.engine.mask import Mask
from sqlstrictd.engine.matcher import Matcher
from sqlstrictd.engine.sampling import Candidates, Sampler, masked
from sqlstrictd.engine.sequence import Sequence
from sqlstrictd.engine.vocabulary import Vocabulary
from sqlstrictd.engine.wire import Output


class Statement:
    """The tokens written so far and the numbers for the confidence."""

    def __init__(
        self,
        sequence: Sequence,
        matcher: Matcher,
        sampler: Sampler,
        vocabulary: Vocabulary,
        max_tokens: int,
    ) -> None:
        self.sequence = sequence
        self._matcher = matcher
        self._sampler = sampler
        self._vocabulary = vocabulary
        self._max_tokens = max_tokens
        # What the sequence was given, decoded or pending: token_ids and, of a draft, more.
        self._pushed: list[int] = []
        self._n_drafted = 0  # of them, up to where the draft goes
        # Choices to come, each with the number of tokens before it.
        self._choices: deque[tuple[int, Mask]] = deque()
        self._log_probabilities: list[float] = []
        self.token_ids: list[int] = []
        self.finish = ""  # "stop" or "budget" once done

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be written."""
        return bool(self.finish)

    @property
    def has_diverged(self) -> bool:
        """Whether the sequence holds tokens of a draft that were not chosen; `resume` mends it."""
        n_common = min(len(self._pushed), len(self.token_ids))
        return self._pushed[:n_common] != self.token_ids[:n_common]

    def begin(self, logits: Logits, draft: list[int]) -> None:
        """Write the first tokens; `logits` are those at the end of the prompt.

        As much of the draft as the grammar could write too is left pending before it is chosen,
        so that it is decoded in few batches. `take` then chooses token by token all the same.

        Raises:
            RequestFailed: the grammar came to a dead end, or the matcher failed.
        """
        self._extend([], draft)
        self._n_drafted = len(self._pushed)
        if self._choices and self._choices[0][0] == 0:
            self._take(masked(logits, self._choices[0][1]))

    def take(self, rows: list[Candidates]) -> None:
        """Choose the tokens that follow those just decoded, and leave pending what is new.

        `rows` are the candidates of the next choices, in order.

        Raises:
            RequestFailed: the grammar came to a dead end, or the matcher failed.
        """
        for row in rows:
            if not self.is_done and not self.has_diverged:
                self._take(row)

    def resume(self, sequence: Sequence) -> None:
        """Write on in another sequence, at the end of the prompt, instead of one that diverged."""
        self.sequence.drop()
        self.sequence = sequence
        self._pushed = []
        self._choices.clear()
        self._plan_ahead([])

    def _take(self, row: Candidates) -> None:
        """Make the next choice."""
        n_before, _ = self._choices.popleft()
        is_drawn = not self._sampler.is_greedy and n_before < self._n_drafted
        choice = self._sampler.choose(row, self._pushed[n_before] if is_drawn else None)
        if choice.token == self._vocabulary.eos:
            if not self._matcher.is_accepting:
                raise RequestFailed("MASK_EMPTY", "the grammar allows only the end of the text")
            self.finish = "stop"
            return
        if choice.token in self._vocabulary.control_tokens:
            raise RequestFailed("CONTROL_TOKEN", "the grammar let a control token through")
        self._matcher.consume(choice.token)
        self._log_probabilities.append(choice.log_probability)
        self._extend([choice.token], [])

    def _extend(self, tokens: list[int], guess: list[int]) -> None:
        """Add tokens and those that are then forced; plan the next choices, unless they are."""
        if not self._matcher.is_whole:
            tokens = tokens + self._matcher.consume_forced()
        room = self._max_tokens - len(self.token_ids)
        self.token_ids += tokens[:room]
        if len(tokens) <= room and self._matcher.is_whole:
            self.finish = "stop"
        elif len(tokens) >= room:
            self.finish = "budget"
        elif not self._choices and not self.has_diverged:
            is_agreed = guess[: len(tokens)] == tokens
            self._plan_ahead(guess[len(tokens) :] if is_agreed else [])

    def _plan_ahead(self, guess: list[int]) -> None:
        """Leave pending what was written and, as far as it may be written too, the guess."""
        n_written = len(self.token_ids)
        ahead, masks = self._matcher.look_ahead(guess) if guess else ([], {0: self._matcher.mask()})
        # Of a statement as long as the budget, the last token is never decoded.
        ahead = ahead[: self._max_tokens - 1 - n_written]
        choices = {n_written + n: mask for n, mask in masks.items() if n <= len(ahead)}
        self._choices.extend(choices.items())
        n_pushed = len(self._pushed)
        new = self.token_ids[n_pushed:] + ahead
        self._pushed += new
        self.sequence.push(new, [choices.get(n_pushed + n) for n in range(1, len(new) + 1)])

    def text(self, is_final: bool = False) -> str:
        """Return the text so far; a character whose bytes are not all there yet is left out."""
        data = b"".join(self._vocabulary.token_bytes[token] for token in self.token_ids)
        try:
            return data.decode(errors="strict" if is_final else "ignore")
        except UnicodeDecodeError:
            raise RequestFailed("GRAMMAR_INVALID", "the grammar let broken UTF-8 through") from None

    def output(self) -> Output:
        """Return the statement and its numbers. Raises RequestFailed for text not in UTF-8."""
        n_chosen = len(self._log_probabilities)
        return Output(
            text=self.text(is_final=self.finish == "stop"),
            finish=self.finish,
            n_tokens=len(self.token_ids),
            mean_log_probability=sum(self._log_probabilities) / n_chosen if n_chosen else 0.0,
            min_log_probability=min(self._log_probabilities, default=0.0),
        )


def rank(outputs: list[Output]) -> tuple[Output, ...]:
    """Return the distinct outputs, best first.

    Whole ones before the others, then by mean log-probability; the first given wins at equal.
    """
    distinct = {output.text: output for output in reversed(outputs)}
    order = sorted(
        (output for output in outputs if distinct[output.text] is output),
        key=lambda output: (output.finish != "stop", -output.mean_log_probability),
    )
    return tuple(order)
