"""Text to tokens and back."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
import tokenizers

from pie.errors import InvalidArgumentError, ModelError, TokenOutOfRangeError
from pie.limits import TEXT_LENGTH_ON_LOOP_MAX, VOCABULARY_SIZE_MAX
from pie.model import vocabulary


class _AddedToken(msgspec.Struct):
    id: int
    content: str
    special: bool


class _TokenizerFile(msgspec.Struct):
    """The parts of `tokenizer.json` that the `tokenizers` library keeps to itself."""

    decoder: dict[str, Any] | None = None
    pre_tokenizer: dict[str, Any] | None = None
    added_tokens: list[_AddedToken] = []


class Tokenizer:
    """A model's tokenizer. Not for use from several threads at once."""

    def __init__(self, text: bytes, vocabulary_size: int | None = None) -> None:
        """From the content of a `tokenizer.json`. `vocabulary_size` is the model's. Raises `ModelError`."""
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(text)
            file = msgspec.json.decode(text, type=_TokenizerFile)
        except Exception as error:  # the library raises bare `Exception`
            raise ModelError(f"tokenizer.json cannot be read: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._ids = self._tokenizer.get_vocab(with_added_tokens=True)
        self.vocabulary_size = _size(self._ids, vocabulary_size)
        added = {token.id: token.content for token in file.added_tokens}
        self._vocabulary = vocabulary.build(file.decoder, self._ids, added, self.vocabulary_size)
        self.special_ids = frozenset(token.id for token in file.added_tokens if token.special)
        self.split_pattern = _split_pattern(file.pre_tokenizer)

    @classmethod
    def load(cls, folder: Path, vocabulary_size: int | None = None) -> Self:
        """The tokenizer in a model's folder. Raises `ModelError`."""
        path = folder / "tokenizer.json"
        try:
            return cls(path.read_bytes(), vocabulary_size)
        except FileNotFoundError as error:
            raise ModelError(f"{folder} has no tokenizer.json") from error
        except OSError as error:
            raise ModelError(f"{path} cannot be read: {error.strerror}") from error
        except ModelError as error:
            raise ModelError(f"{folder}: {error}") from error

    def encode(self, text: str) -> list[int]:
        """Tokens of a text. None are added; special tokens written in the text are recognised."""
        try:
            ids: list[int] = self._encoded(text).ids
        except (UnicodeEncodeError, TypeError) as error:
            raise InvalidArgumentError("the text holds a lone surrogate: it is not valid Unicode") from error
        return ids

    def _encoded(self, text: str) -> tokenizers.Encoding:
        if len(text) <= TEXT_LENGTH_ON_LOOP_MAX:
            return self._tokenizer.encode(text, add_special_tokens=False)
        # Long texts are encoded in threads. Of the library's calls this one lets others run meanwhile.
        return self._tokenizer.encode_batch_fast([text], add_special_tokens=False)[0]

    def encode_plain(self, text: str) -> list[int]:
        """Tokens of a text in which special tokens are text like any other: none of the result is special."""
        self._tokenizer.encode_special_tokens = True
        try:
            ids = self.encode(text)
        finally:
            self._tokenizer.encode_special_tokens = False
        if self.special_ids.isdisjoint(ids):
            return ids
        # Unigram models may find a special token among their pieces: then one character at a time.
        return [token for character in text for token in self.encode(character) if token not in self.special_ids]

    def decode(self, tokens: Sequence[int]) -> str:
        """The text of tokens, special ones included; bytes that are no UTF-8 become U+FFFD. Raises `TokenOutOfRangeError`."""
        data = self.bytes_of(tokens)
        stripped = self._vocabulary.spaces_stripped
        while stripped and data.startswith(b" "):
            data = data[1:]
            stripped -= 1
        return data.decode("utf-8", "replace")

    def bytes_of(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens, joined. Raises `TokenOutOfRangeError`."""
        table = self._vocabulary.bytes_of
        try:
            if min(tokens, default=0) < 0:
                raise IndexError
            return b"".join([table[token] for token in tokens])
        except IndexError as error:
            outside = next(token for token in tokens if not 0 <= token < len(table))
            raise TokenOutOfRangeError(f"token {outside} is not in the vocabulary of {len(table)} tokens") from error

    def vocabulary(self) -> tuple[list[int], list[bytes]]:
        """Ids and bytes of all tokens, special ones included, ascending by id."""
        return self._listed(self._ids.values())

    def special_tokens(self) -> tuple[list[int], list[bytes]]:
        """Ids and bytes of the special tokens, ascending by id."""
        return self._listed(self.special_ids)

    def decode_special(self, token: int) -> str:
        """The text of one special token."""
        assert token in self.special_ids
        return self._vocabulary.bytes_of[token].decode()

    def id_of(self, text: str) -> int | None:
        """The id of the token with exactly this text, if there is one."""
        return self._ids.get(text)

    @property
    def spaces_stripped(self) -> int:
        """How many spaces the tokenizer puts in front of a text, and `decode` takes off."""
        return self._vocabulary.spaces_stripped

    def _listed(self, ids: Any) -> tuple[list[int], list[bytes]]:
        ascending = sorted(ids)
        return ascending, [self._vocabulary.bytes_of[token] for token in ascending]


def _size(ids: dict[str, int], vocabulary_size: int | None) -> int:
    """The number of ids: the model's if known, since it may have more rows than the tokenizer has tokens, never fewer."""
    tokens = max(ids.values(), default=-1) + 1
    if tokens > VOCABULARY_SIZE_MAX:
        raise ModelError(f"the tokenizer has a token with id {tokens - 1}; Pie supports {VOCABULARY_SIZE_MAX} tokens")
    if vocabulary_size is None:
        return tokens
    if tokens > vocabulary_size:
        raise ModelError(
            f"the tokenizer has {tokens} tokens but the model's vocabulary holds {vocabulary_size}: they do not belong together"
        )
    return vocabulary_size


_GPT2_PATTERN = r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""What a byte-level pre-tokenizer splits by when the file names no pattern: a constant of the `tokenizers` library."""


def _split_pattern(pre_tokenizer: dict[str, Any] | None) -> str:
    steps = (pre_tokenizer or {}).get("pretokenizers", [pre_tokenizer] if pre_tokenizer else [])
    for step in steps:
        if step["type"] == "Split":
            kind, pattern = next(iter(step["pattern"].items()))
            return re.escape(pattern) if kind == "String" else str(pattern)
        if step["type"] == "ByteLevel" and step.get("use_regex", True):
            return _GPT2_PATTERN
    return ""
