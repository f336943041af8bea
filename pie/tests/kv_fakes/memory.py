"""KV cache memory that remembers what was written, so that a test sees whether a lineage reads what it should."""

from array import array

from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage

RUBBISH = (-1, -1)


class Memory:
    """One (token, position) per slot of each page, written batch by batch as a driver would."""

    def __init__(self, kv: KvCache) -> None:
        self.kv = kv
        self.slots: dict[tuple[int, int], tuple[int, int]] = {}
        self.batch = 0

    def append(self, lineage: Lineage, tokens: list[int]) -> None:
        """A whole work: adopt, reserve, compute in one batch, settle. There must be room."""
        self.begin(lineage, tokens)
        self.finish(lineage)

    def begin(self, lineage: Lineage, tokens: list[int]) -> int:
        """Up to the hand-out. Returns how many tokens are computed."""
        lineage.tokens.extend(tokens)
        end = len(lineage.tokens)
        self.kv.occupy(lineage, 0.0)
        self.kv.adopt(lineage, end - 1)
        assert self.kv.pages_short(lineage, lineage.computed, end) <= self.kv.available
        self.kv.reserve(lineage, lineage.computed, end)
        self.batch += 1
        for copy in self.kv.hand_out(self.batch):
            self._copy(copy.source, copy.target)
        for position in range(lineage.computed, end):
            self.slots[self._slot(lineage.pages, position)] = (lineage.tokens[position], position)
        return end - lineage.computed

    def finish(self, lineage: Lineage) -> None:
        self.kv.settle(self.batch)
        lineage.length = len(lineage.tokens)
        self.kv.advance(lineage, lineage.length)
        self.kv.vacate(lineage, 0.0)

    def fail(self, lineage: Lineage) -> None:
        """The batch failed half way: what it was to write is rubbish."""
        for position in range(lineage.computed, len(lineage.tokens)):
            self.slots[self._slot(lineage.pages, position)] = RUBBISH
        for copy in list(self.kv._copies):
            for offset in range(self.kv.page_size):
                self.slots[copy.target, offset] = RUBBISH
        self.kv.void(self.batch)
        self.kv.trim(lineage)
        self.kv.vacate(lineage, 0.0)

    def read(self, lineage: Lineage) -> list[tuple[int, int]]:
        """What attention over the computed tokens sees."""
        return [self.slots[self._slot(lineage.pages, position)] for position in range(lineage.computed)]

    def _slot(self, pages: "array[int]", position: int) -> tuple[int, int]:
        return pages[position // self.kv.page_size], position % self.kv.page_size

    def _copy(self, source: int, target: int) -> None:
        for offset in range(self.kv.page_size):
            self.slots[target, offset] = self.slots.get((source, offset), RUBBISH)


def should_read(tokens: list[int]) -> list[tuple[int, int]]:
    return [(token, position) for position, token in enumerate(tokens)]
