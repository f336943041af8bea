"""Lanes side by side that decode together for some steps."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from pie_worker.kv.paged import Int64s

_REACH_STEP = 16
"""Attention looks at lanes up to a multiple of this. Smaller: less padding is read; larger: views are made less often."""


@dataclass(frozen=True, slots=True)
class Decoding:
    """A sequence about to be decoded one token at a time."""

    index: int
    """The caller's."""
    sequence: int
    pages: Int64s
    length: int
    """Tokens in the pages."""


class LaneBlock:
    """Row r of the block is lane `start` + r, and decodes `rows[r]`.

    The memory of a bank is handed in as `slots`, per layer [lanes x 2 x kv heads x capacity, head dim], and as `lanes`, the same as
    [layers, lanes, 2, kv heads, capacity, head dim]. `windows` is per layer.
    """

    def __init__(
        self, slots: Sequence[Tensor], lanes: Tensor, start: int, rows: list[Decoding], steps: int, windows: Sequence[int | None]
    ) -> None:
        self.start = start
        self.rows = rows
        self.step = 0
        self._steps = steps
        self._slots = slots
        self._lanes = lanes[:, start : start + len(rows)]
        self._windows = windows
        self._longest = max(row.length for row in rows)
        device, heads_count = lanes.device, lanes.shape[2] * lanes.shape[3]
        self._capacity = lanes.shape[4]
        self._lengths = torch.tensor([row.length for row in rows], device=device)
        firsts = torch.arange(start * heads_count, (start + len(rows)) * heads_count, device=device) * self._capacity
        later = torch.arange(steps, device=device).unsqueeze(1)
        self._targets = list((firsts + self._lengths.repeat_interleave(heads_count) + later).unbind(0))
        self._look()

    def attend(self, layer: int, queries: Tensor, keys_values: Tensor) -> Tensor:
        """Keeps the keys and values of this step's tokens, and returns what their queries read: [rows, query size]."""
        keys, values = self._views[layer]
        self._slots[layer].index_copy_(0, self._targets[self.step], keys_values.reshape(-1, keys.shape[3]))
        grouped = queries.view(keys.shape[0], keys.shape[1], -1, keys.shape[3])
        read = F.scaled_dot_product_attention(grouped, keys, values, attn_mask=self._layer_masks[layer])
        return read.reshape(keys.shape[0], -1)

    def advance(self) -> None:
        """Every row may look one token further from here on, and windows move along."""
        self.step += 1
        if self.step == self._steps:
            return
        if self._longest + self.step >= self._reach:
            self._look()
            return
        places = self._lengths + self.step
        for window, mask in self._masks.items():
            mask.view(-1).index_fill_(0, self._row_starts + places, 0.0)
            if window is not None:
                left_behind = (self._row_starts + places - window)[places >= window]
                mask.view(-1).index_fill_(0, left_behind, float("-inf"))

    def _look(self) -> None:
        """Makes views and masks that serve this step and the next few."""
        self._reach = min(self._capacity, (self._longest + self.step) // _REACH_STEP * _REACH_STEP + _REACH_STEP)
        keys, values = self._lanes[..., : self._reach, :].unbind(2)
        self._views = list(zip(keys.unbind(0), values.unbind(0), strict=True))
        self._row_starts = torch.arange(len(self.rows), device=self._lanes.device) * self._reach
        self._masks = {window: self._mask(window) for window in set(self._windows)}
        self._layer_masks = [self._masks[window] for window in self._windows]

    def _mask(self, window: int | None) -> Tensor:
        """[rows, 1, 1, reach]: 0 where a row may look in this step, minus infinity elsewhere."""
        own = (self._lengths + self.step).unsqueeze(1)
        places = torch.arange(self._reach, device=own.device)
        visible = places <= own
        if window is not None:
            visible &= places > own - window
        mask = torch.zeros(visible.shape, dtype=self._lanes.dtype, device=own.device)
        return mask.masked_fill_(~visible, float("-inf")).view(len(self.rows), 1, 1, self._reach)
