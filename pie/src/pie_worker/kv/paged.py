"""The paged KV cache: one tensor of pages. Which page belongs to whom is the engine's business."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pie.driver.messages import PageCopy
from pie_worker.models.architecture import Architecture

Int64s = NDArray[np.int64]


def bytes_per_token(architecture: Architecture, dtype: torch.dtype) -> int:
    return architecture.layers_count * 2 * architecture.kv_size * dtype.itemsize


class PagedCache:
    """Keys and values of `pages_total` pages, and when each page was last written.

    Memory is taken from the operating system as pages are first written (on a CPU).
    """

    def __init__(
        self, architecture: Architecture, pages_total: int, page_size: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.page_size = page_size
        self.token_shape = (2, architecture.kv_heads, architecture.head_dim)
        token_size = 2 * architecture.kv_size
        shape = (architecture.layers_count, pages_total * page_size, token_size)
        self.slots = torch.zeros(shape, dtype=dtype, device=device)
        """[layers, slots, elements of a token]; slot = page x page size + place in the page"""
        self.pages = self.slots.view(architecture.layers_count, pages_total, page_size * token_size)
        """The same memory as [layers, pages, elements of a page]"""
        self._layers = list(self.slots.unbind(0))
        self._page_layers = list(self.pages.unbind(0))
        self._written_at: Int64s = np.zeros(pages_total, dtype=np.int64)
        self.clock = 0
        """Counts writes; see `last_written_at`."""

    @property
    def device(self) -> torch.device:
        return self.slots.device

    def last_written_at(self, pages: Int64s) -> int:
        """The clock of the last write to any of these pages; 0 if there was none."""
        return int(self._written_at[pages].max(initial=0))

    def mark_written(self, pages: Int64s) -> None:
        self.clock += 1
        self._written_at[pages] = self.clock

    def copy(self, copies: Sequence[PageCopy]) -> None:
        """In order: a page that one copy writes may be read by the next."""
        for copy in copies:
            self.pages[:, copy.target] = self.pages[:, copy.source]
        self.mark_written(np.array([copy.target for copy in copies], dtype=np.int64))

    def write(self, layer: int, slots: Tensor, keys_values: Tensor) -> None:
        """`keys_values` is [rows, *token_shape]. The caller marks the pages as written."""
        self._layers[layer].index_copy_(0, slots, keys_values.flatten(1))

    def read(self, layer: int, pages: Tensor, length: int) -> Tensor:
        """The first `length` tokens in these pages: [length, *token_shape]."""
        gathered = self._page_layers[layer].index_select(0, pages)
        return gathered.view(-1, *self.token_shape)[:length]


def slots_of(pages: Int64s, page_size: int, start: int, stop: int) -> Int64s:
    """Slots of the tokens `start` to `stop` of a sequence in these pages."""
    places = np.arange(start, stop)
    slots: Int64s = pages[places // page_size] * page_size + places % page_size
    return slots
