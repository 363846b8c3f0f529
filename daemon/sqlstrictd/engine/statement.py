"""One statement being written: its place in the grammar, its sequence, and what it cost.

The scheduler decodes the sequence's pending tokens and hands the logits to `take`; the statement
chooses a token, adds those that the grammar then forces, and leaves them pending. It is done when
the grammar is complete, which needs no end-of-text from the model, or when the budget is spent.
A draft's tokens are decoded ahead and chosen all the same, so that a greedy statement is what it
would be without the draft.
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
        self._n_prompt = sequence.length
        # What the sequence was given, decoded or pending: token_ids and, of a draft, more.
        self._pushed: list[int] = []
        self._log_probabilities: list[float] = []
        self._masked_probability = 0.0
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
        if draft:
            # Of a statement as long as the budget, the last token is never decoded.
            self._pushed = self._matcher.copy().consume_agreed(draft)[: self._max_tokens - 1]
            self.sequence.push(self._pushed, wants_every_row=True)
        self._extend([])
        self._take(logits, n_decoded=0)

    def take(self, rows: list[Logits]) -> None:
        """Choose the tokens that follow those just decoded, and leave pending what is new.

        `rows` are the logits of the last tokens decoded, the last one's last.

        Raises:
            RequestFailed: the grammar came to a dead end, or the matcher failed.
        """
        n_decoded = self.sequence.length - self._n_prompt - len(rows)
        for index, row in enumerate(rows):
            self._take(row, n_decoded + index + 1)

    def resume(self, sequence: Sequence) -> None:
        """Write on in another sequence, at the end of the prompt, instead of one that diverged."""
        self.sequence.drop()
        self.sequence = sequence
        self._pushed = list(self.token_ids)
        sequence.push(self._pushed)

    def _take(self, logits: Logits, n_decoded: int) -> None:
        """Choose the next token, if the logits are those of the last one written."""
        if n_decoded != len(self.token_ids) or self.is_done or self.has_diverged:
            return  # a token before a forced one, or one of a draft that was not written
        drawn = None
        if not self._sampler.is_greedy and n_decoded < len(self._pushed):
            drawn = self._pushed[n_decoded]
        choice = self._sampler.choose(logits, self._matcher.mask(), drawn)
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
        elif len(self.token_ids) > len(self._pushed) and not self.has_diverged:
            new = self.token_ids[len(self._pushed) :]
            self._pushed += new
            self.sequence.push(new)

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
