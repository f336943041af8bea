"""Attention of requests that feed several tokens at once, or have a mask of their own, or found no lane: through the page table."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pie_worker.kv.paged import Int64s, PagedCache, slots_of

_MERGED_INPUTS_MAX = 128
"""Up to so many inputs, the query heads that read the same keys are more rows of one query: one large product instead of several
small ones (33 inputs after 767 others, 3 x 4 heads of 64, one core: 1.7 ms instead of 2.8). Above, it gains nothing, and makes the
mask large.
"""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Inputs of one sequence, after `cached` tokens that are in the pages already."""

    pages: Int64s
    cached: int
    count: int
    mask: NDArray[np.bool_] | None = None
    """[count, cached + count], true = attended; None: causal"""

    @property
    def length(self) -> int:
        return self.cached + self.count


class ChunkBlock:
    """Chunks whose rows follow each other in a step."""

    def __init__(
        self, cache: PagedCache, chunks: Sequence[Chunk], windows: Sequence[int | None], dtype: torch.dtype, group: int
    ) -> None:
        """`windows` is per layer; `group` is the number of query heads that read the same keys."""
        self._cache = cache
        self._group = group
        self._chunks = chunks
        page_size, device = cache.page_size, cache.device
        slots = [slots_of(chunk.pages, page_size, chunk.cached, chunk.length) for chunk in chunks]
        self._slots = torch.from_numpy(np.concatenate(slots)).to(device)
        self._written = np.unique(np.concatenate(slots) // page_size)
        used = [chunk.pages[: -(-chunk.length // page_size)] for chunk in chunks]
        self._pages = [torch.from_numpy(pages).to(device) for pages in used]
        masks = {window: [_mask(chunk, window, dtype, device, group) for chunk in chunks] for window in set(windows)}
        self._layer_masks = [masks[window] for window in windows]

    def attend(self, layer: int, queries: Tensor, keys_values: Tensor) -> Tensor:
        """Keeps the keys and values, and returns what the queries read: [rows, query size]."""
        self._cache.write(layer, self._slots, keys_values)
        counts = [chunk.count for chunk in self._chunks]
        masks = self._layer_masks[layer]
        reads = [
            self._read(layer, place, own_queries, own_keys_values, masks[place])
            for place, (own_queries, own_keys_values) in enumerate(
                zip(torch.split(queries, counts), torch.split(keys_values, counts), strict=True)
            )
        ]
        return reads[0] if len(reads) == 1 else torch.cat(reads)

    def settle(self) -> None:
        """All layers have been written."""
        self._cache.mark_written(self._written)

    def _read(self, layer: int, place: int, queries: Tensor, keys_values: Tensor, mask: Tensor | None) -> Tensor:
        chunk = self._chunks[place]
        if chunk.cached:
            keys_values = self._cache.read(layer, self._pages[place], chunk.length)
        count, _, head_dim = queries.shape
        keys, values = keys_values.permute(1, 2, 0, 3).unbind(0)
        grouped = queries.view(count, -1, self._group, head_dim)
        if mask is not None and _is_merged(chunk):
            merged = grouped.transpose(0, 1).reshape(1, -1, count * self._group, head_dim)
            read = F.scaled_dot_product_attention(merged, keys.unsqueeze(0), values.unsqueeze(0), attn_mask=mask)
            return read.view(-1, count, self._group, head_dim).transpose(0, 1).reshape(count, -1)
        # One "batch entry" per key head, its query heads as heads: a grouped query without repeating keys in memory.
        shared = (-1, self._group, -1, -1)
        read = F.scaled_dot_product_attention(
            grouped.permute(1, 2, 0, 3),
            keys.unsqueeze(1).expand(shared),
            values.unsqueeze(1).expand(shared),
            attn_mask=mask,
            is_causal=mask is None and count > 1,
        )
        return read.permute(2, 0, 1, 3).reshape(count, -1)


def _is_merged(chunk: Chunk) -> bool:
    return chunk.count <= _MERGED_INPUTS_MAX


def _mask(chunk: Chunk, window: int | None, dtype: torch.dtype, device: torch.device, group: int) -> Tensor | None:
    """0 or minus infinity, [count, length], or [count x group, length] if merged; None if plain causality (from the first token on)
    says the same."""
    if chunk.mask is None and chunk.cached == 0 and (window is None or window >= chunk.length):
        return None
    if chunk.mask is None and chunk.count == 1 and (window is None or window >= chunk.length):
        return None
    visible = _causal(chunk, window) if chunk.mask is None else chunk.mask
    if _is_merged(chunk):
        visible = visible.repeat(group, 0)
    mask = torch.zeros(visible.shape, dtype=dtype)
    return mask.masked_fill_(torch.from_numpy(~visible), float("-inf")).to(device)


def _causal(chunk: Chunk, window: int | None) -> NDArray[np.bool_]:
    own = np.arange(chunk.cached, chunk.length)[:, None]
    places = np.arange(chunk.length)
    visible: NDArray[np.bool_] = places <= own
    if window is not None:
        visible &= places > own - window
    return visible
