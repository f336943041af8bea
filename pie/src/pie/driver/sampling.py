"""How a token is drawn from logits: the definition, for one row, in numpy.

The dummy driver draws with it. The worker has a vectorised twin in torch, tested for equality with this one.
"""

import numpy as np
from numpy.typing import NDArray

from pie.driver.draw import uniforms
from pie.driver.messages import Sampling

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]


def allowed_tokens(logit_mask: bytes, vocabulary_size: int) -> Booleans | None:
    """The mask as booleans, one per token; None if everything is allowed."""
    if not logit_mask:
        return None
    bits = np.unpackbits(np.frombuffer(logit_mask, dtype=np.uint8), count=vocabulary_size, bitorder="little")
    return bits.astype(np.bool_)


def probabilities(logits: Floats, temperature: float, allowed: Booleans | None = None) -> Floats:
    """Softmax of the allowed logits at a temperature above 0."""
    masked = logits if allowed is None else np.where(allowed, logits, -np.inf)
    scaled = masked.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max())
    return np.asarray(powers / powers.sum(), dtype=np.float32)


def truncate(descending: Floats, sampling: Sampling) -> Floats:
    """Cuts descending probabilities down by top-k, then top-p of what is left, then min-p. What is kept is not normalised."""
    kept = descending.astype(np.float64)
    if sampling.top_k > 0:
        kept[sampling.top_k :] = 0.0
    if sampling.top_p < 1.0:
        before = np.cumsum(kept) - kept
        kept[before >= sampling.top_p * kept.sum()] = 0.0
        kept[0] = descending[0]
    if sampling.min_p > 0.0:
        kept[kept < sampling.min_p * kept[0]] = 0.0
    return kept.astype(np.float32)


def draw(logits: Floats, sampling: Sampling, position: int, allowed: Booleans | None = None) -> int:
    """The token at `position`: argmax at temperature 0 (the lowest id of equals), else by inverse cumulative distribution.

    Without truncation the distribution is summed in the order of token ids, with it in descending order of probability, lower ids
    first among equals.
    """
    if sampling.temperature == 0.0:
        return int(np.argmax(logits if allowed is None else np.where(allowed, logits, -np.inf)))
    weights = probabilities(logits, sampling.temperature, allowed)
    order = np.arange(weights.size)
    if is_truncated(sampling):
        order = np.argsort(-weights, kind="stable")
        weights = truncate(weights[order], sampling)
    uniform = uniforms(np.array([sampling.seed], dtype=np.uint64), np.array([position], dtype=np.uint64))[0]
    return int(order[choose(weights, float(uniform))])


def logprobs(logits: Floats, token: int, top: int, allowed: Booleans | None = None) -> tuple[Floats, NDArray[np.int32]]:
    """At temperature 1: of a token and of the `top` likeliest, descending, lower ids first among equals; and which those are."""
    masked = (logits if allowed is None else np.where(allowed, logits, -np.inf)).astype(np.float64)
    known = masked - masked.max()
    known -= np.log(np.exp(known).sum())
    likeliest = np.argsort(-known, kind="stable")[:top]
    return known[[token, *likeliest]].astype(np.float32), likeliest.astype(np.int32)


def is_truncated(sampling: Sampling) -> bool:
    return sampling.top_k > 0 or sampling.top_p < 1.0 or sampling.min_p > 0.0


def choose(weights: Floats, uniform: float) -> int:
    """The first index at which the running sum of weights exceeds `uniform` of the whole: never one of weight 0."""
    sums = np.cumsum(weights.astype(np.float64))
    index = int(np.searchsorted(sums, uniform * sums[-1], side="right"))
    return min(index, int(np.flatnonzero(weights)[-1]))
