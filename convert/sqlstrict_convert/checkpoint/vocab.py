"""tokenizer.json (byte-level BPE) and its neighbours -> the vocabulary as GGUF keeps it.

Called by `model` and by tools that make random models. Refuses every tokenizer that llama.cpp would
cut differently: a result that reads a prompt as other tokens than in training is no result.
Tokenizes nothing itself.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlstrict_convert.checkpoint.added_tokens import TokenType, read_added_tokens
from sqlstrict_convert.checkpoint.config import ModelConfig
from sqlstrict_convert.errors import VocabularyError

# How LFM2's tokenizer cuts text into words before merging; llama.cpp knows it as "lfm2".
WORD_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Later LFM2.5 tokenizers spell the same rule like this. It cuts alike: a greedy \s*[\r\n] ends at
# the last line break too, and where \s+(?!\S) fails one blank is left, so \s is \s+.
LATER_WORD_PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s"
)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Tokens by id, merges by rank, and the ids and text that a chat needs."""

    tokens: tuple[str, ...]
    types: tuple[TokenType, ...]
    merges: tuple[str, ...]  # "left right"
    bos_id: int | None
    eos_id: int | None
    pad_id: int | None
    adds_bos: bool
    chat_template: str | None


def parse_vocabulary(
    tokenizer: Mapping[str, Any],
    tokenizer_config: Mapping[str, Any],
    chat_template: str | None,
    config: ModelConfig,
    *,
    assumes_word_pattern: bool = False,
) -> Vocabulary:
    """Return the vocabulary, filled up to the model's vocab_size.

    `tokenizer` and `tokenizer_config` are the parsed files of those names; `chat_template` is the
    text of chat_template.jinja, which goes before a template in tokenizer_config.
    `assumes_word_pattern` takes a pattern that is not known here for another spelling of LFM2's.

    Raises:
        VocabularyError: not a byte-level BPE cut as LFM2's, or ids that do not fit the model.
    """
    if "AutoTokenizer" in (tokenizer_config.get("auto_map") or ()):
        raise VocabularyError(
            "tokenizer_config.json: the tokenizer needs code of its own (auto_map); a checkpoint's "
            "code is never run"
        )
    model = _bpe_model(tokenizer)
    _check_pre_tokenizer(tokenizer.get("pre_tokenizer"), assumes_word_pattern)
    added = read_added_tokens(tokenizer)
    tokens, types = _tokens_by_id(model, added, config.vocab_size)
    _check_text("tokenizer.json", "".join(tokens))
    merges = _merges(model, set(model["vocab"]))
    if not model.get("ignore_merges", False):
        _check_whole_words(model["vocab"], merges)
    ids = {text: token_id for token_id, text in enumerate(tokens)}
    template = chat_template or _template_of(tokenizer_config)
    _check_text("the chat template", template or "")
    bos_id = _named_id(tokenizer_config, "bos_token", ids, config.bos_token_id, config.vocab_size)
    return Vocabulary(
        tokens=tuple(tokens),
        types=tuple(types),
        merges=tuple(f"{left} {right}" for left, right in merges),
        bos_id=bos_id,
        eos_id=_named_id(
            tokenizer_config, "eos_token", ids, config.eos_token_id, config.vocab_size
        ),
        pad_id=_named_id(
            tokenizer_config, "pad_token", ids, config.pad_token_id, config.vocab_size
        ),
        adds_bos=bos_id is not None and _adds_bos(tokenizer, tokenizer_config, tokens[bos_id]),
        chat_template=template,
    )


def _bpe_model(tokenizer: Mapping[str, Any]) -> Mapping[str, Any]:
    model = tokenizer.get("model")
    if not isinstance(model, Mapping) or not isinstance(model.get("vocab"), Mapping):
        raise VocabularyError("tokenizer.json: no model with a vocabulary in it")
    if model.get("type", "BPE") != "BPE":
        raise VocabularyError(f"tokenizer.json: model type {model.get('type')!r}, LFM2 has 'BPE'")
    for option in ("byte_fallback", "dropout", "continuing_subword_prefix", "end_of_word_suffix"):
        if model.get(option):
            raise VocabularyError(
                f"tokenizer.json: model option {option} has no counterpart in llama.cpp's BPE"
            )
    normalizer = tokenizer.get("normalizer")
    if normalizer is not None and normalizer != {"type": "Sequence", "normalizers": []}:
        raise VocabularyError(
            "tokenizer.json: it normalizes text before cutting it, llama.cpp's BPE does not"
        )
    return model


def _check_pre_tokenizer(pre_tokenizer: Any, assumes_word_pattern: bool) -> None:
    wanted = (
        "a split by LFM2's pattern, then ByteLevel without a prefix space or pattern of its own"
    )
    steps = pre_tokenizer.get("pretokenizers") if isinstance(pre_tokenizer, Mapping) else None
    if not isinstance(steps, list) or [step.get("type") for step in steps] != [
        "Split",
        "ByteLevel",
    ]:
        raise VocabularyError(f"tokenizer.json: the pre-tokenizer is not {wanted}")
    split, byte_level = steps
    keeps_words = (split.get("behavior"), bool(split.get("invert", False))) in (
        ("Isolated", False),
        ("Removed", True),  # all but what the pattern does not match, which is nothing
    )
    if (
        not keeps_words
        or byte_level.get("add_prefix_space", True)
        or byte_level.get("use_regex", True)
    ):
        raise VocabularyError(f"tokenizer.json: the pre-tokenizer is not {wanted}")
    pattern = split.get("pattern", {}).get("Regex")
    if pattern not in (WORD_PATTERN, LATER_WORD_PATTERN) and not assumes_word_pattern:
        raise VocabularyError(
            f"tokenizer.json: the pre-tokenizer's pattern {pattern!r} is not LFM2's as it is known "
            "here; if it cuts text alike, say so with --assume-word-pattern"
        )


def _check_text(where: str, text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:  # JSON can spell halves of characters
        raise VocabularyError(f"{where} holds half of a character pair, no text") from error


def _tokens_by_id(
    model: Mapping[str, Any], added: Mapping[int, tuple[str, TokenType]], vocab_size: int
) -> tuple[list[str], list[TokenType]]:
    tokens: list[str | None] = [None] * vocab_size
    types = [TokenType.UNUSED] * vocab_size
    known = [(token_id, text, TokenType.NORMAL) for text, token_id in model["vocab"].items()]
    known += [(token_id, text, kind) for token_id, (text, kind) in added.items()]
    for token_id, text, kind in known:
        if not isinstance(token_id, int) or not 0 <= token_id < vocab_size:
            raise VocabularyError(
                f"tokenizer.json: token {text!r} has id {token_id}, "
                f"config.json's vocab_size is {vocab_size}; added tokens need an embedding with "
                "rows for them"
            )
        if tokens[token_id] not in (None, text):
            raise VocabularyError(
                f"tokenizer.json: id {token_id} stands for both {tokens[token_id]!r} and {text!r}"
            )
        tokens[token_id], types[token_id] = text, kind
    filled = [f"[PAD{i}]" if text is None else text for i, text in enumerate(tokens)]
    text, count = Counter(filled).most_common(1)[0]
    if count > 1:
        raise VocabularyError(f"tokenizer.json: {count} ids stand for the token {text!r}")
    return filled, types


def _merges(model: Mapping[str, Any], known: set[str]) -> list[tuple[str, str]]:
    merges: list[tuple[str, str]] = []
    for entry in model.get("merges") or []:
        left, _, right = (
            entry.partition(" ") if isinstance(entry, str) else (entry[0], "", entry[1])
        )
        if (
            left not in known
            or right not in known
            or left + right not in known
            or " " in left + right
        ):
            raise VocabularyError(
                f"tokenizer.json: merge {entry!r} is not of two tokens that make a third"
            )
        merges.append((left, right))
    if not merges:
        raise VocabularyError("tokenizer.json: the BPE model has no merges")
    return merges


def _check_whole_words(vocab: Mapping[str, int], merges: list[tuple[str, str]]) -> None:
    """Refuse a token that merging does not reach from its bytes.

    For this pre-tokenizer llama.cpp takes a word that is a token as that token, before any merge.
    Where tokenizer.json does not ask for that (ignore_merges), merging must get there too.
    """
    rank = {pair: i for i, pair in enumerate(merges)}
    made = {left + right for left, right in merges}
    for text in vocab:
        if text not in made:  # a byte, or a token that no text gives in either program
            continue
        parts = list(text)
        while len(parts) > 1:
            pairs = list(zip(parts, parts[1:], strict=False))
            best = min(pairs, key=lambda pair: rank.get(pair, len(rank)))
            if best not in rank:
                raise VocabularyError(
                    f"tokenizer.json: merging never gives the token {text!r}, but llama.cpp would "
                    "use it; set ignore_merges to true if the model was trained that way"
                )
            merged: list[str] = []
            i = 0
            while i < len(parts):
                if i + 1 < len(parts) and (parts[i], parts[i + 1]) == best:
                    merged.append(parts[i] + parts[i + 1])
                    i += 2
                else:
                    merged.append(parts[i])
                    i += 1
            parts = merged


def _named_id(
    tokenizer_config: Mapping[str, Any],
    key: str,
    ids: Mapping[str, int],
    fallback: int | None,
    vocab_size: int,
) -> int | None:
    named = tokenizer_config.get(key)
    text = named.get("content") if isinstance(named, Mapping) else named
    if text is not None:
        if text not in ids:
            raise VocabularyError(
                f"tokenizer_config.json: {key} {text!r} is no token of tokenizer.json"
            )
        return ids[text]
    if fallback is not None and fallback >= vocab_size:
        raise VocabularyError(
            f"config.json: {key}_id {fallback} is outside of vocab_size {vocab_size}"
        )
    return fallback


def _adds_bos(
    tokenizer: Mapping[str, Any], tokenizer_config: Mapping[str, Any], bos_token: str
) -> bool:
    if isinstance(tokenizer_config.get("add_bos_token"), bool):
        return bool(tokenizer_config["add_bos_token"])
    processor = tokenizer.get("post_processor") or {}
    steps = processor.get("processors") if processor.get("type") == "Sequence" else [processor]
    for step in steps or []:
        if step.get("type") == "TemplateProcessing":
            first = (step.get("single") or [{}])[0]
            return bool(first.get("SpecialToken", {}).get("id") == bos_token)
    return True  # LFM2 begins every text with it


def _template_of(tokenizer_config: Mapping[str, Any]) -> str | None:
    template = tokenizer_config.get("chat_template")
    if isinstance(template, list):  # several, each with a name
        named = {entry.get("name"): entry.get("template") for entry in template}
        template = named.get("default") if len(named) != 1 else next(iter(named.values()))
    return template if isinstance(template, str) and template else None
