"""One statement being written: its place in the grammar, its sequence, and what it cost.

The scheduler decodes the sequence's pending tokens and hands the logits to `take`; the statement
chooses a token, adds those that the grammar then forces, and leaves them pending. It is done when
the grammar is complete, which needs no end-of-text from the model, or when the budget is spent.
"""

from __future__ import annotations

from sqlstrictd.engine.failure import RequestFailed
from sqlstrictd.engine.llama import Logits
from sqlstrictd.engine.matcher import Matcher
from sqlstrictd.engine.sampling import Sampler
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
        self._log_probabilities: list[float] = []
        self._masked_probability = 0.0
        self.token_ids: list[int] = []
        self.finish = ""  # "stop" or "budget" once done

    def fork(self, sequence: Sequence, sampler: Sampler) -> Statement:
        """Return a second statement that goes on from here; `sequence` is a fork of this one's."""
        other = Statement(
            sequence, self._matcher.copy(), sampler, self._vocabulary, self._max_tokens
        )
        other._log_probabilities = list(self._log_probabilities)
        other._masked_probability = self._masked_probability
        other.token_ids = list(self.token_ids)
        return other

    @property
    def is_done(self) -> bool:
        """Whether nothing more will be written."""
        return bool(self.finish)

    def begin(self, prompt: list[int]) -> None:
        """Leave the prompt pending, and behind it the tokens that the grammar starts with."""
        self.sequence.push(prompt)
        self._extend([])

    def take(self, logits: Logits) -> None:
        """Choose the next token and leave it pending, with those that it forces.

        Raises:
            RequestFailed: the grammar came to a dead end, or the matcher failed.
        """
        choice = self._sampler.choose(logits, self._matcher.mask())
        if choice.token == self._vocabulary.eos:
            if not self._matcher.is_accepting:
                raise RequestFailed("MASK_EMPTY", "the grammar allows only the end of the text")
            self.finish = "stop"
            return
        if choice.token in self._vocabulary.control_tokens:
            raise RequestFailed("CONTROL_TOKEN", "the grammar let a control token through")
        self._matcher.consume(choice.token)
        self._log_probabilities.append(choice.log_probability)
        self._masked_probability += choice.masked_probability
        self._extend([choice.token])

    def _extend(self, tokens: list[int]) -> None:
        if not self._matcher.is_whole:
            tokens = tokens + self._matcher.consume_forced()
        room = self._max_tokens - len(self.token_ids)
        self.token_ids += tokens[:room]
        if len(tokens) <= room and self._matcher.is_whole:
            self.finish = "stop"
        elif len(tokens) >= room:
            self.finish = "budget"
        else:
            self.sequence.push(tokens)

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
            mean_masked_probability=self._masked_probability / n_chosen if n_chosen else 0.0,
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
