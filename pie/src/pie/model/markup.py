"""Tokens of text that is partly a template's and partly a stranger's.

In the template's parts special tokens are recognised. In the other parts (*content*) they are not: a user who writes `<|im_end|>`
has written ten characters, and does not end the turn. Added tokens that a tokenizer does not mark as special, such as
`<think>`, are recognised everywhere: to the tokenizer they are words.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pie.model.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class Part:
    text: str
    is_content: bool = False


class MarkupEncoder:
    """Encodes parts with one tokenizer. Remembers the special tokens of the template's parts, of which there are few."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._remembered: dict[str, list[int]] = {}

    def encode(self, parts: Sequence[Part], *, anchor: str = "") -> list[int]:
        """Tokens of the parts' joined text, as if it stood behind the special token `anchor` (empty: at the start of all text).

        Text is cut into tokens across the borders of parts, as if the whole had been encoded at once. Only if that would make
        special tokens out of content is it done piece by piece.
        """
        tokens = self._tokenizer.encode(anchor + "".join(part.text for part in parts))
        anchors = self.special(anchor)
        expected = anchors + [token for part in parts if not part.is_content for token in self.special(part.text)]
        if self._among(tokens) == expected:
            return tokens[len(anchors) :]
        return self._piece_by_piece(parts)

    def special(self, text: str) -> list[int]:
        """The special tokens in a template's text."""
        if text not in self._remembered:
            self._remembered[text] = self._among(self._tokenizer.encode(text))
        return self._remembered[text]

    def _among(self, tokens: Sequence[int]) -> list[int]:
        special = self._tokenizer.special_ids
        return [token for token in tokens if token in special]

    def _piece_by_piece(self, parts: Sequence[Part]) -> list[int]:
        """Content and the plain text around it without recognition, the template's special tokens between."""
        tokens: list[int] = []
        plain = ""
        for part in parts:
            rest = part.text
            for token in () if part.is_content else self.special(part.text):
                before, _, rest = rest.partition(self._tokenizer.decode_special(token))
                tokens += self._tokenizer.encode_plain(plain + before)
                tokens.append(token)
                plain = ""
            plain += rest
        return tokens + self._tokenizer.encode_plain(plain)
