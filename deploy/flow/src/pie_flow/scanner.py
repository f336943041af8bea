"""Text to words, and the moves of a reader over them: shared by the parsers of types and of literals."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from pie_flow.errors import SyntaxAtError


@dataclass(frozen=True, slots=True)
class Word:
    kind: str
    """Name of the pattern's group that matched; the mark itself for punctuation; "" at the end."""
    text: str
    column: int


def scan(text: str, pattern: re.Pattern[str], error: type[SyntaxAtError]) -> Iterator[Word]:
    """The words of a text one by one, with one of kind "" at the end. White space is skipped. Raises `error` at what no pattern
    takes.
    """
    at, end = _skip(text, 0), len(text)
    while at < end:
        match = pattern.match(text, at)
        if match is None:
            raise error(f"unexpected {text[at]!r}", at + 1)
        kind = match.lastgroup or ""
        yield Word(match.group() if kind == "mark" else kind, match.group(), at + 1)
        at = _skip(text, match.end())
    yield Word("", "", end + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


class Reader:
    """Where a parser stands in its words, and how much it has made."""

    def __init__(self, words: Iterator[Word], error: type[SyntaxAtError], *, parts_max: int, depth_max: int) -> None:
        self._words = words
        self._error = error
        self._parts_left = parts_max
        self._depth_left = depth_max
        self.next = next(words)
        """The word that stands next."""

    def take(self) -> Word:
        word = self.next
        self.next = next(self._words, word)  # the end stays
        return word

    def accept(self, kind: str) -> bool:
        """Take the next word if it is of the kind."""
        if self.next.kind != kind:
            return False
        self.take()
        return True

    def expect(self, kind: str) -> Word:
        if self.next.kind != kind:
            self.refuse(f"expected {kind!r}, found {self.next.text!r}" if self.next.kind else f"expected {kind!r}, found the end")
        return self.take()

    def more(self, close: str) -> bool:
        """After an item: whether another follows. A comma may stand before the closing mark; takes both."""
        comma = self.accept(",")
        if self.accept(close):
            return False
        if not comma:
            self.refuse(f"expected ',' or {close!r}")
        return True

    def enter(self) -> None:
        """One level deeper, one part more."""
        if self._depth_left == 0:
            self.refuse("nested too deeply")
        if self._parts_left == 0:
            self.refuse("too large")
        self._depth_left -= 1
        self._parts_left -= 1

    def leave(self) -> None:
        self._depth_left += 1

    def refuse(self, reason: str, word: Word | None = None) -> NoReturn:
        raise self._error(reason, (word or self.next).column)
