"""Attention the slow and obvious way: the twin that the fast paths are tested against.

Keeps every sequence's keys and values in plain lists and reads them one query and one head at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(slots=True)
class NaiveSequence:
    keys_values: dict[int, list[Tensor]] = field(default_factory=dict)
    """Per layer, per token: [2, kv heads, head dim]"""


class NaiveAttend:
    """An `Attend` for rows that belong to sequences: row r to `sequences[r]`, tokens of a sequence in order.

    `masks` has for each row which tokens it attends to; None: causal.
    """

    def __init__(
        self,
        windows: Sequence[int | None],
        sequences: Sequence[NaiveSequence],
        masks: Sequence[Sequence[bool] | None] | None = None,
    ) -> None:
        self._windows = windows
        self._sequences = sequences
        self._masks = masks or [None] * len(sequences)

    def __call__(self, layer: int, queries: Tensor, keys_values: Tensor) -> Tensor:
        places = []
        for sequence, own in zip(self._sequences, keys_values, strict=True):
            tokens = sequence.keys_values.setdefault(layer, [])
            places.append(len(tokens))
            tokens.append(own.clone())
        rows = [
            self._row(layer, sequence, place, mask, query)
            for sequence, place, mask, query in zip(self._sequences, places, self._masks, queries, strict=True)
        ]
        return torch.stack(rows)

    def _row(self, layer: int, sequence: NaiveSequence, place: int, mask: Sequence[bool] | None, query: Tensor) -> Tensor:
        tokens = sequence.keys_values[layer]
        window = self._windows[layer]
        if mask is None:
            seen = [other for other in range(place + 1) if window is None or other > place - window]
        else:
            seen = [other for other, is_seen in enumerate(mask) if is_seen] or [place]
        keys_values = torch.stack([tokens[other] for other in seen]).float()
        group = query.shape[0] // keys_values.shape[2]
        heads = []
        for head, vector in enumerate(query.float()):
            keys, values = keys_values[:, 0, head // group], keys_values[:, 1, head // group]
            weights = torch.softmax(keys @ vector / vector.shape[0] ** 0.5, 0)
            heads.append(weights @ values)
        return torch.cat(heads).to(query.dtype)
