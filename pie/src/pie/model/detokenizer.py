"""Tokens to text, piece by piece."""

import codecs
from collections.abc import Sequence

from pie.model.tokenizer import Tokenizer


class Detokenizer:
    """Turns tokens into text as they come. Bytes of an incomplete character are held back until it is complete.

    The texts of all `feed` calls and of one `flush`, joined, are `Tokenizer.decode` of all tokens. Each token is looked at once.
    """

    def __init__(self, tokenizer: Tokenizer, *, continuing: bool = False) -> None:
        """`continuing` says that the tokens go on from a text: then a space at their start belongs to the text."""
        self._tokenizer = tokenizer
        self._characters = codecs.getincrementaldecoder("utf-8")("replace")
        self._spaces_to_strip = 0 if continuing else tokenizer.spaces_stripped

    def feed(self, tokens: Sequence[int]) -> str:
        """The text that these tokens complete. Raises `TokenOutOfRangeError`, and then takes none of them."""
        data = self._tokenizer.bytes_of(tokens)
        if self._spaces_to_strip and data:
            data = self._without_first_spaces(data)
        return self._characters.decode(data)

    def flush(self) -> str:
        """What was held back, as U+FFFD: no more tokens will come. Afterwards the detokenizer continues the text."""
        return self._characters.decode(b"", final=True)

    def _without_first_spaces(self, data: bytes) -> bytes:
        while self._spaces_to_strip and data.startswith(b" "):
            data = data[1:]
            self._spaces_to_strip -= 1
        if data:
            self._spaces_to_strip = 0
        return data
