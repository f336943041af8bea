"""Log-probabilities of tokens as they are drawn, for the rows of a burst that want them.

Defined by `pie.driver.sampling.logprobs`, for one row. Here for all rows at once, as wide as the one that wants most.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pie_worker.ordering import descending


@dataclass(frozen=True, slots=True)
class Known:
    """Of the tokens that one row has drawn: `Output.logprobs` and `Output.top_tokens`, a line per token."""

    logprobs: NDArray[np.float32]
    top_tokens: NDArray[np.int32]


class DrawnLogprobs:
    def __init__(self, tops: Sequence[int | None], device: torch.device) -> None:
        """Per row how many of the likeliest tokens it wants besides the one drawn; None: nothing at all."""
        self._tops = {row: top for row, top in enumerate(tops) if top is not None}
        self._rows = torch.tensor(list(self._tops), device=device)
        self._top = max(self._tops.values(), default=0)
        self._known: list[Tensor] = []
        self._likeliest: list[Tensor] = []

    def note(self, logits: Tensor, tokens: Tensor) -> None:
        """One step: the logits under the logit mask, [rows, vocabulary size], and what was drawn from them."""
        if not self._tops:
            return
        known = torch.log_softmax(logits.index_select(0, self._rows).float(), -1)
        of_drawn = known.gather(1, tokens.index_select(0, self._rows).unsqueeze(1))
        values, likeliest = descending(known, self._top)
        self._known.append(torch.cat([of_drawn, values], 1))
        self._likeliest.append(likeliest)

    def of_rows(self) -> dict[int, Known]:
        """What was noted, for the rows that want it."""
        if not self._known:
            return {}
        known = torch.stack(self._known, 1).cpu().numpy()
        likeliest = torch.stack(self._likeliest, 1).to(torch.int32).cpu().numpy()
        return {
            row: Known(known[place, :, : top + 1], likeliest[place, :, :top]) for place, (row, top) in enumerate(self._tops.items())
        }
