"""Stop texts: cutting a stream of text pieces at the first occurrence of one of several texts. Pure.

The stop text that is complete first counts (of several that end together, the longest), so it does not matter how the stream is
cut into pieces. A piece may end in the middle of a stop text: the longest tail that could still become one is held back.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cut:
    text: str
    """Text that is certainly not part of a stop text."""
    stopped: bool
    """A stop text was found; `text` ends right before it, and nothing may be fed any more."""


class StopTexts:
    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = [text for text in texts if text]
        self._held = ""

    def __bool__(self) -> bool:
        return bool(self._texts)

    def feed(self, piece: str) -> Cut:
        text = self._held + piece
        found = [(at + len(stop), at) for stop in self._texts if (at := text.find(stop)) >= 0]
        if found:
            self._held = ""
            _, start = min(found)
            return Cut(text[:start], stopped=True)
        keep = max((overlap(text, stop) for stop in self._texts), default=0)
        self._held = text[len(text) - keep :]
        return Cut(text[: len(text) - keep], stopped=False)

    def flush(self) -> str:
        """What was held back, now that nothing follows."""
        held, self._held = self._held, ""
        return held


def overlap(text: str, stop: str) -> int:
    """Length of the longest proper prefix of `stop` that ends `text`."""
    longest = min(len(text), len(stop) - 1)
    return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)
