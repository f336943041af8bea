"""Draws tokens for many rows at once: the vectorised twin of `pie.driver.sampling`, which defines what is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pie.driver.draw import uniforms
from pie.driver.messages import Sampling
from pie.driver.sampling import is_truncated
from pie_worker.drawn_logprobs import DrawnLogprobs
from pie_worker.ordering import descending

_CANDIDATES = 256
"""Rows with truncation first look at this many of their likeliest tokens: sorting a large vocabulary costs many times as much."""


@dataclass(frozen=True, slots=True)
class Draw:
    """One row to draw for."""

    sampling: Sampling
    position: int
    """Of the new token, in the first step."""
    logit_mask: bytes = b""
    top_logprobs: int | None = None


class Draws:
    """How the rows of a burst are drawn, prepared for all its steps."""

    def __init__(self, draws: Sequence[Draw], vocabulary_size: int, steps: int, device: torch.device) -> None:
        self._allowed = allowed_rows([draw.logit_mask for draw in draws], vocabulary_size, device)
        self.logprobs = DrawnLogprobs([draw.top_logprobs for draw in draws], device)
        """What became known of the tokens drawn."""
        drawn = [row for row, draw in enumerate(draws) if draw.sampling.temperature > 0.0]
        self._drawn: _DrawnRows | None = None
        if drawn:
            self._drawn = _DrawnRows(drawn, [draws[row] for row in drawn], steps, device)

    def draw(self, logits: Tensor, step: int) -> Tensor:
        """int64[rows], from logits [rows, vocabulary size]."""
        if self._allowed is not None:
            logits = logits.masked_fill(~self._allowed, float("-inf"))
        tokens = argmax(logits)
        if self._drawn is not None:
            self._drawn.draw(logits, step, tokens)
        self.logprobs.note(logits, tokens)
        return tokens


def argmax(logits: Tensor) -> Tensor:
    """int64[rows]. On a CPU numpy finds the largest of a row of 32,000 ten times as fast as torch does."""
    if logits.device.type == "cpu":
        return torch.from_numpy(logits.float().numpy().argmax(-1))
    return logits.argmax(-1)


def allowed_rows(logit_masks: Sequence[bytes], vocabulary_size: int, device: torch.device) -> Tensor | None:
    """bool[rows, vocabulary size]; None if no row has a mask."""
    if not any(logit_masks):
        return None
    everything = b"\xff" * -(-vocabulary_size // 8)
    packed = np.frombuffer(b"".join(mask or everything for mask in logit_masks), dtype=np.uint8)
    bits = np.unpackbits(packed.reshape(len(logit_masks), -1), axis=1, count=vocabulary_size, bitorder="little")
    return torch.from_numpy(bits.view(np.bool_)).to(device)


class _DrawnRows:
    """The rows of a temperature above 0."""

    def __init__(self, rows: list[int], draws: Sequence[Draw], steps: int, device: torch.device) -> None:
        samplings = [draw.sampling for draw in draws]
        seeds = np.array([sampling.seed for sampling in samplings], dtype=np.uint64)
        positions = np.array([draw.position for draw in draws], dtype=np.uint64)
        later = np.arange(steps, dtype=np.uint64)[:, None]
        self._uniforms = torch.from_numpy(uniforms(seeds, positions + later)).to(device)
        self._rows = torch.tensor(rows, device=device)
        self._temperatures = torch.tensor([[sampling.temperature] for sampling in samplings], device=device)
        truncated = [place for place, sampling in enumerate(samplings) if is_truncated(sampling)]
        whole = [place for place, sampling in enumerate(samplings) if not is_truncated(sampling)]
        self._whole = torch.tensor(whole, device=device) if whole else None
        self._truncated = torch.tensor(truncated, device=device) if truncated else None
        self._truncation = _Truncation([samplings[place] for place in truncated], device)

    def draw(self, logits: Tensor, step: int, tokens: Tensor) -> None:
        """Replaces the tokens of these rows."""
        scaled = logits.index_select(0, self._rows).float() / self._temperatures
        weights = torch.softmax(scaled, -1)
        drawn = torch.empty(len(self._rows), dtype=torch.int64, device=logits.device)
        uniform = self._uniforms[step]
        if self._whole is not None:
            drawn[self._whole] = choose(weights[self._whole], uniform[self._whole])
        if self._truncated is not None:
            drawn[self._truncated] = self._truncation.draw(weights[self._truncated], uniform[self._truncated])
        tokens.index_copy_(0, self._rows, drawn)


class _Truncation:
    """top-k, top-p and min-p of some rows."""

    def __init__(self, samplings: Sequence[Sampling], device: torch.device) -> None:
        ends = [[float(sampling.top_k or torch.inf)] for sampling in samplings]
        self._top_k = torch.tensor(ends, device=device)
        self._top_p = torch.tensor([[sampling.top_p] for sampling in samplings], device=device)
        self._min_p = torch.tensor([[sampling.min_p] for sampling in samplings], device=device)

    def draw(self, weights: Tensor, uniform: Tensor) -> Tensor:
        """int64[rows]"""
        size = weights.shape[1]
        tokens, is_certain = self._among(weights, uniform, _CANDIDATES) if size > _CANDIDATES else (None, None)
        if tokens is None or is_certain is None:
            return self._among(weights, uniform, size)[0]
        if not bool(is_certain.all()):
            tokens = torch.where(is_certain, tokens, self._among(weights, uniform, size)[0])
        return tokens

    def _among(self, weights: Tensor, uniform: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Draws among the `count` likeliest tokens, and says for which rows the others could not have been drawn."""
        candidates, ids = descending(weights, count)
        kept = self._truncate(candidates)
        tokens = ids.gather(1, choose(kept, uniform).unsqueeze(1)).squeeze(1)
        # Of equals at the end of the list some may be missing, so what is kept must end before them.
        is_certain = kept[:, -1] == 0.0
        # top-p is a share of what top-k keeps, which must be among the candidates to be known.
        is_certain &= self._top_k.isinf().squeeze(1) | (self._top_k.squeeze(1) <= count)
        is_certain &= (torch.where(kept > 0.0, candidates, torch.inf).amin(1) > candidates[:, -1]) | (candidates[:, -1] == 0.0)
        return tokens, is_certain

    def _truncate(self, descending: Tensor) -> Tensor:
        ranks = torch.arange(descending.shape[1], device=descending.device)
        kept = descending.double().masked_fill(ranks >= self._top_k, 0.0)
        return self._cut(kept, descending)

    def _cut(self, kept: Tensor, descending: Tensor) -> Tensor:
        # Without top-k the whole is 1, also when the candidates are not all of it.
        whole = torch.where(self._top_k.isinf(), 1.0, kept.sum(1, keepdim=True))
        before = kept.cumsum(1) - kept
        is_beyond = (before >= self._top_p * whole) & (self._top_p < 1.0)
        is_beyond[:, 0] = False
        is_unlikely = kept < self._min_p * kept[:, :1]
        return kept.masked_fill(is_beyond | is_unlikely, 0.0).to(descending.dtype)


def choose(weights: Tensor, uniform: Tensor) -> Tensor:
    """int64[rows]: the first index at which the running sum exceeds `uniform` of the whole: never one of weight 0."""
    sums = weights.double().cumsum(-1)
    whole = sums[:, -1:]
    targets = torch.minimum(uniform.double().unsqueeze(1) * whole, torch.nextafter(whole, torch.zeros_like(whole)))
    found = torch.searchsorted(sums, targets, right=True).squeeze(1)
    return found.clamp_(max=weights.shape[1] - 1)
