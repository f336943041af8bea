"""Samplers as guests write them."""

import math
from dataclasses import dataclass

from pie.driver.messages import Sampling
from pie.errors import InvalidArgumentError


@dataclass(frozen=True, slots=True)
class GuestSampler:
    """The WIT record `sampler`."""

    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int


def sampling(sampler: GuestSampler) -> Sampling:
    """Raises `InvalidArgumentError` for what is no sampler."""
    if not (sampler.temperature >= 0 and math.isfinite(sampler.temperature)):
        raise InvalidArgumentError(f"temperature must be a number ≥ 0, not {sampler.temperature}")
    if not 0 <= sampler.top_p <= 1:
        raise InvalidArgumentError(f"top_p must lie between 0 and 1, not {sampler.top_p}")
    if not 0 <= sampler.min_p <= 1:
        raise InvalidArgumentError(f"min_p must lie between 0 and 1, not {sampler.min_p}")
    return Sampling(sampler.temperature, sampler.top_k, sampler.top_p, sampler.min_p, sampler.seed)
