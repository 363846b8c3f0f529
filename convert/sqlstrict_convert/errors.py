"""Every error that a conversion raises; each message says what, where and what to do.

    ConvertError
    ├── CheckpointError        a file of the checkpoint is missing, broken or contradicts itself
    │   ├── TensorError           a tensor is missing, unknown, of the wrong shape or not finite
    │   └── VocabularyError       the tokenizer cannot be carried over without changing its tokens
    ├── UnsupportedCheckpoint  a whole checkpoint, but of a kind that this converter does not take
    ├── SourceError            what was typed names nothing that there is
    │   └── BadTokenFile          the file that --token-file names holds no token
    ├── HubError               the hub does not give what was asked of it
    │   └── HubUnreachable        nothing answers there
    ├── OutputError            the result cannot be written: place, permission, disk space
    ├── QuantizeError          llama.cpp refused to quantize
    ├── CheckError             the finished file does not load or does not compute
    └── QualityError           the quantized model answers too differently from the unquantized one

The command line maps each to exit code 1, but BadTokenFile to 2, as all wrong usage. Nothing here
knows the command line.
"""


class ConvertError(Exception):
    """The base of everything that a conversion can end with."""


class CheckpointError(ConvertError):
    """The checkpoint is incomplete, damaged or contradicts itself."""


class TensorError(CheckpointError):
    """A tensor is missing, unknown, of the wrong shape or holds a value that is no number."""


class VocabularyError(CheckpointError):
    """The tokenizer cannot be carried over so that the same text gives the same tokens."""


class UnsupportedCheckpoint(ConvertError):
    """The checkpoint is of a kind that is not converted; the message names it and a way out."""


class SourceError(ConvertError):
    """What was given as the source is no file, no folder and no repository."""


class BadTokenFile(SourceError):
    """The file named for the hub's token cannot be read, or holds none."""


class HubError(ConvertError):
    """The hub refuses, lacks or spoils what was asked of it."""


class HubUnreachable(HubError):
    """The hub does not answer; nothing is known of what it has."""


class OutputError(ConvertError):
    """The result cannot be written where it was asked for."""


class QuantizeError(ConvertError):
    """llama.cpp did not quantize the model."""


class CheckError(ConvertError):
    """The written file does not load, or its logits are not numbers."""


class QualityError(ConvertError):
    """The quantized model is too far from the unquantized one; the file was kept aside."""
