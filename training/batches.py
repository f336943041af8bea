"""Documents packed into rows of equal length, as the training loop takes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import torch
from tokenizers import Tokenizer

from training.corpus import Document, documents

# A document's own end; in a row, what parts it from the next.
END_ID = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """`tokens` [rows, length + 1]; `weights` [rows, length] say how much each next token counts."""

    tokens: torch.Tensor
    weights: torch.Tensor


def batch(tokenizer: Tokenizer, *, seed: int, step: int, rows: int, length: int) -> Batch:
    """The batch of one step. It depends on nothing but the arguments, so that a resumed run goes on as it would have."""
    source = documents(Random(f"{seed}/{step}"))
    packed = [row(tokenizer, source, length + 1) for _ in range(rows)]
    tokens = torch.tensor([ids for ids, _ in packed])
    weights = torch.tensor([weight for _, weight in packed])
    return Batch(tokens, weights[:, 1:])


def row(tokenizer: Tokenizer, source: Iterator[Document], length: int) -> tuple[list[int], list[float]]:
    """Documents one after another, the last one cut. A row begins with the beginning of a document."""
    ids: list[int] = []
    weights: list[float] = []
    while len(ids) < length:
        document = next(source)
        for segment, encoding in zip(document, tokenizer.encode_batch([segment.text for segment in document]), strict=True):
            ids += encoding.ids
            weights += [segment.weight] * len(encoding.ids)
        ids.append(END_ID)
        weights.append(1.0)
    return ids[:length], weights[:length]
