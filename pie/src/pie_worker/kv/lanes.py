"""Lanes: contiguous copies of the KV of the sequences that are being decoded.

A page table scatters a sequence over memory, and reading it through the table at every step and layer costs more than the attention
itself. So a sequence that decodes one token at a time is copied from its pages into a lane once, its new tokens are written to the
lane, and after each burst back to the pages, which remain the truth: forks, copies and other readers see nothing of the lanes.

A lane is good for a request as long as the request lists the pages that the lane was filled from and nobody but the lane has
written to them since (`PagedCache.last_written_at`). Lanes come in capacities that double, so that a short sequence does not pay
for the padding of a long one.
"""

from collections.abc import Sequence

from pie_worker.kv.bank import Bank
from pie_worker.kv.lane_block import Decoding, LaneBlock
from pie_worker.kv.paged import PagedCache

SMALLEST_CAPACITY = 256
"""Tokens of a lane. Below, more kinds of lanes would cost more than the padding."""


class Lanes:
    """Banks of all capacities, within a budget of bytes. A bank takes at most half, so that two groups can alternate."""

    def __init__(self, cache: PagedCache, windows: Sequence[int | None], *, lanes_max: int, bytes_max: int) -> None:
        self._cache = cache
        self._windows = windows
        self._lanes_max = lanes_max
        self._bytes_max = bytes_max
        self._banks: dict[int, Bank] = {}
        """By capacity; the one used last stands last."""
        self._bank_of: dict[int, Bank] = {}
        self._open: list[tuple[Bank, LaneBlock]] = []

    def open(self, sequences: Sequence[Decoding], steps: int) -> tuple[list[LaneBlock], list[Decoding]]:
        """Blocks that together hold the sequences for some steps, and the sequences for which there is no lane."""
        groups: dict[int, list[Decoding]] = {}
        for one in sequences:
            groups.setdefault(self._capacity(one.length + steps), []).append(one)
        left_over: list[Decoding] = []
        self._open = []
        for capacity, group in groups.items():
            bank = self._bank(capacity, set(groups))
            lanes_count = bank.lanes_count if bank is not None else 0
            left_over += group[lanes_count:]
            if bank is not None:
                self._open.append((bank, self._open_block(bank, group[:lanes_count], steps)))
        return [block for _, block in self._open], left_over

    def settle(self) -> None:
        """Writes what the open blocks have added back to the pages, and closes them."""
        for bank, block in self._open:
            if block.step:
                bank.settle(block)
        self._open = []

    def forget(self, sequence: int) -> None:
        bank = self._bank_of.pop(sequence, None)
        if bank is not None:
            bank.remove(sequence)

    def _open_block(self, bank: Bank, group: Sequence[Decoding], steps: int) -> LaneBlock:
        for one in group:
            if self._bank_of.get(one.sequence) is not bank:
                self.forget(one.sequence)
                self._bank_of[one.sequence] = bank
        return bank.open(group, steps)

    def _capacity(self, length: int) -> int:
        capacity = SMALLEST_CAPACITY
        while capacity < length:
            capacity *= 2
        page_size = self._cache.page_size
        return -(-capacity // page_size) * page_size

    def _bank(self, capacity: int, needed: set[int]) -> Bank | None:
        """The bank of this capacity, made if there is room after dropping banks that are not needed now, or None."""
        bank = self._banks.pop(capacity, None) or self._make(capacity, needed)
        if bank is not None:
            self._banks[capacity] = bank
        return bank

    def _make(self, capacity: int, needed: set[int]) -> Bank | None:
        layers_count, _, token_size = self._cache.slots.shape
        lane_bytes = layers_count * capacity * token_size * self._cache.slots.itemsize
        lanes_count = min(self._lanes_max, self._bytes_max // 2 // lane_bytes)
        for unneeded in [one for one in self._banks if one not in needed]:
            if self._taken() + lanes_count * lane_bytes <= self._bytes_max:
                break
            self._drop(unneeded)
        lanes_count = min(lanes_count, (self._bytes_max - self._taken()) // lane_bytes)
        return Bank(self._cache, self._windows, capacity, lanes_count) if lanes_count > 0 else None

    def _taken(self) -> int:
        return sum(bank.size_bytes for bank in self._banks.values())

    def _drop(self, capacity: int) -> None:
        bank = self._banks.pop(capacity)
        self._bank_of = {sequence: one for sequence, one in self._bank_of.items() if one is not bank}
