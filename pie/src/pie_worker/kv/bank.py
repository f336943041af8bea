"""All lanes of one capacity, and what they hold.

In a page the heads of a token stand together, in a lane the tokens of a head: attention reads one head after the other, and 128
bytes out of every KiB is what a CPU reads worst. (One core, 768 wide, 3 x 4 heads of 64, what an attention takes that way and this,
in ms: 32 sequences of 112 tokens 2.0 and 1.2, one of 1000 tokens 0.53 and 0.30.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pie_worker.kv.lane_block import Decoding, LaneBlock
from pie_worker.kv.lane_table import LaneTable
from pie_worker.kv.paged import Int64s, PagedCache


@dataclass(slots=True)
class Occupant:
    """What a lane holds of its sequence."""

    pages: Int64s
    length: int
    """Tokens of the sequence in the lane."""
    clock: int
    """`PagedCache.clock` when the lane last equalled the pages."""


class Bank:
    def __init__(self, cache: PagedCache, windows: Sequence[int | None], capacity: int, lanes_count: int) -> None:
        """`capacity` is a number of tokens, a multiple of the page size; `windows` is per layer."""
        layers_count, head_dim = cache.slots.shape[0], cache.token_shape[-1]
        self._cache = cache
        self._windows = windows
        self._capacity = capacity
        shape = (layers_count, lanes_count, *cache.token_shape[:-1], capacity, head_dim)
        self._lanes = torch.zeros(shape, dtype=cache.slots.dtype, device=cache.device)
        self._slots = self._lanes.view(layers_count, -1, head_dim)
        """[layers, slots, head dim]: one head's keys or values of one token"""
        self._layers = list(self._slots.unbind(0))
        self._pages = self._slots.view(layers_count, -1, cache.page_size * head_dim)
        self._table = LaneTable(lanes_count)
        self._occupants: dict[int, Occupant] = {}

    @property
    def lanes_count(self) -> int:
        return len(self._table)

    @property
    def size_bytes(self) -> int:
        return self._lanes.nbytes

    def remove(self, sequence: int) -> None:
        self._table.remove(sequence)
        self._occupants.pop(sequence, None)

    def open(self, sequences: Sequence[Decoding], steps: int) -> LaneBlock:
        """Brings the sequences side by side, and fills the lanes that do not hold them already."""
        newcomers, evicted = self._table.place([one.sequence for one in sequences])
        for sequence in (*newcomers, *evicted):
            self._occupants.pop(sequence, None)
        self._fill([one for one in sequences if not self._holds(one)])
        for one in sequences:
            # What this block is going to write over is gone, even if the block is never settled.
            self._occupants[one.sequence].length = one.length
        by_lane = sorted(sequences, key=self._lane)
        return LaneBlock(self._layers, self._lanes, self._lane(by_lane[0]), by_lane, steps, self._windows)

    def settle(self, block: LaneBlock) -> None:
        """Writes what the block's steps have added back to the pages."""
        page_size = self._cache.page_size
        places = np.array([row.length for row in block.rows])[:, None] + np.arange(block.step)
        pages = np.stack([row.pages[place // page_size] for row, place in zip(block.rows, places, strict=True)])
        lanes = np.arange(block.start, block.start + len(block.rows))
        sources = self._tensor(self._heads(lanes[:, None], places, self._capacity))
        targets = self._tensor(pages * page_size + places % page_size)
        tokens = self._slots.index_select(1, sources).view(len(self._layers), targets.numel(), -1)
        self._cache.slots.index_copy_(1, targets, tokens)
        self._cache.mark_written(pages.ravel())
        for row in block.rows:
            self._occupants[row.sequence] = Occupant(row.pages, row.length + block.step, self._cache.clock)

    def _lane(self, one: Decoding) -> int:
        lane = self._table.lane(one.sequence)
        assert lane is not None, "the sequence was placed"
        return lane

    def _holds(self, one: Decoding) -> bool:
        occupant = self._occupants.get(one.sequence)
        if occupant is None or occupant.length < one.length:
            return False
        count = -(-one.length // self._cache.page_size)
        pages = one.pages[:count]
        return np.array_equal(occupant.pages[:count], pages) and self._cache.last_written_at(pages) <= occupant.clock

    def _fill(self, sequences: Sequence[Decoding]) -> None:
        """Copies whole pages; what stands behind the last token is never looked at."""
        if not sequences:
            return
        page_size = self._cache.page_size
        counts = [-(-one.length // page_size) for one in sequences]
        sources = self._tensor(np.concatenate([one.pages[:count] for one, count in zip(sequences, counts, strict=True)]))
        lanes = np.concatenate([np.full(count, self._lane(one)) for one, count in zip(sequences, counts, strict=True)])
        places = np.concatenate([np.arange(count) for count in counts])
        targets = self._tensor(self._heads(lanes, places, self._capacity // page_size))
        for lane_pages, pages in zip(self._pages.unbind(0), self._cache.pages.unbind(0), strict=True):
            tokens = pages.index_select(0, sources).view(len(places), page_size, *self._cache.token_shape)
            lane_pages.index_copy_(0, targets, tokens.permute(0, 2, 3, 1, 4).reshape(-1, lane_pages.shape[1]))
        for one in sequences:
            self._occupants[one.sequence] = Occupant(one.pages, one.length, self._cache.clock)

    def _heads(self, lanes: Int64s, places: Int64s, capacity: int) -> Int64s:
        """Where keys and values of all heads stand, for each of these places of lanes: [..., 2 x kv heads]."""
        heads_count = self._lanes.shape[2] * self._lanes.shape[3]
        found: Int64s = (lanes[..., None] * heads_count + np.arange(heads_count)) * capacity + places[..., None]
        return found

    def _tensor(self, numbers: Int64s) -> Tensor:
        return torch.from_numpy(numbers.ravel()).to(self._slots.device)
