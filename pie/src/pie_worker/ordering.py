"""The largest of each row."""

import torch
from torch import Tensor


def descending(rows: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest values of each row and their ids; lower ids first among equals."""
    if count == rows.shape[1]:
        values, ids = torch.sort(rows, dim=-1, descending=True, stable=True)
        return values, ids
    values, ids = rows.topk(count, -1)
    ids, by_id = ids.sort(-1)
    values, by_value = torch.sort(values.gather(1, by_id), dim=-1, descending=True, stable=True)
    return values, ids.gather(1, by_value)
