"""What makes a batch valid. Pure; every driver applies the same rules before it touches anything.

A batch that breaks a rule is refused as a whole with a `DriverError` that names the request: the engine is expected to check what
guests send, so a breach is a bug above the driver and must not turn into a memory error below it.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pie.driver.messages import (
    Batch,
    Distribution,
    DriverLimits,
    Logprobs,
    PageCopy,
    Request,
    Sample,
    Sampling,
    Slot,
)
from pie.errors import DriverError

Integers = NDArray[np.int32]

SEED_MAX = (1 << 64) - 1
SEQUENCE_MAX = (1 << 63) - 1


def integers(buffer: bytes) -> Integers:
    """The int32 list that a message field carries."""
    return np.frombuffer(buffer, dtype="<i4")


def inputs_count(request: Request) -> int:
    """Tokens that the request feeds in its first step."""
    return max(1, len(request.tokens) // 4)


def pages_needed(request: Request, page_size: int) -> int:
    """Pages that must be listed so that everything the request may write has a place."""
    return -(-(request.cached + inputs_count(request) + request.steps - 1) // page_size)


def check_batch(batch: Batch, limits: DriverLimits) -> None:
    """Raises `DriverError` unless the batch can be computed by a driver with these limits."""
    _check_totals(batch, limits)
    _check_copies(batch.copies, limits)
    for request in batch.requests:
        problem = _problem(request, limits)
        if problem is not None:
            raise DriverError(f"batch {batch.id}, sequence {request.sequence}: {problem}")
    _check_numbers(batch, "token", (request.tokens for request in batch.requests), limits.vocabulary_size)
    _check_numbers(batch, "page", (request.pages for request in batch.requests), limits.pages_total)
    _check_numbers(batch, "position", (request.positions for request in batch.requests), limits.context_max)


def _check_totals(batch: Batch, limits: DriverLimits) -> None:
    if len(batch.requests) > limits.batch_requests_max:
        raise DriverError(f"batch {batch.id} has {len(batch.requests)} requests, the driver takes {limits.batch_requests_max}")
    tokens = sum(inputs_count(request) for request in batch.requests)
    if tokens > limits.batch_tokens_max:
        raise DriverError(f"batch {batch.id} has {tokens} tokens, the driver takes {limits.batch_tokens_max}")
    if len({request.sequence for request in batch.requests}) < len(batch.requests):
        raise DriverError(f"batch {batch.id} names a sequence twice")


def _check_copies(copies: Iterable[PageCopy], limits: DriverLimits) -> None:
    for copy in copies:
        if not (0 <= copy.source < limits.pages_total and 0 <= copy.target < limits.pages_total):
            raise DriverError(f"copy of page {copy.source} to {copy.target}: there are {limits.pages_total} pages")


def _check_numbers(batch: Batch, noun: str, buffers: Iterable[bytes], end: int) -> None:
    """All lists of the batch at once: per-request numpy calls would cost more than the check."""
    numbers = integers(b"".join(buffers))
    if numbers.size and (int(numbers.min()) < 0 or int(numbers.max()) >= end):
        raise DriverError(f"batch {batch.id} names {noun} {int(numbers.min())} to {int(numbers.max())}; 0 to {end - 1} exist")


def _problem(request: Request, limits: DriverLimits) -> str | None:
    """The first rule that a request breaks by itself."""
    count = inputs_count(request)
    if len(request.tokens) % 4 or len(request.positions) % 4 or len(request.pages) % 4:
        return "a list is cut off in the middle of a number"
    if request.cached < 0 or not 0 <= request.sequence <= SEQUENCE_MAX:
        return "negative or oversized number"
    if request.positions and len(request.positions) != 4 * count:
        return f"{len(request.positions) // 4} positions for {count} inputs"
    if not 1 <= request.steps <= limits.steps_max:
        return f"{request.steps} steps, the driver takes 1 to {limits.steps_max}"
    if request.cached + count + request.steps - 1 > limits.context_max:
        return f"{request.cached + count + request.steps - 1} tokens, the longest context is {limits.context_max}"
    if len(request.pages) // 4 < pages_needed(request, limits.page_size):
        return f"{len(request.pages) // 4} pages, {pages_needed(request, limits.page_size)} are needed"
    if request.top_logprobs is not None and not 0 <= request.top_logprobs <= limits.vocabulary_size:
        return f"{request.top_logprobs} log-probabilities of {limits.vocabulary_size} tokens"
    return _mask_problem(request, count, limits) or _slots_problem(request, count, limits)


def _mask_problem(request: Request, count: int, limits: DriverLimits) -> str | None:
    if request.logit_mask and len(request.logit_mask) != -(-limits.vocabulary_size // 8):
        return f"a logit mask of {len(request.logit_mask)} bytes for {limits.vocabulary_size} tokens"
    if request.logit_mask and not _allows_any(request.logit_mask, limits.vocabulary_size):
        return "the logit mask allows no token"
    if not request.attention_mask:
        return None
    if request.steps > 1:
        return "an attention mask and more than one step"
    if len(request.attention_mask) != count * (request.cached + count):
        return f"an attention mask of {len(request.attention_mask)} bytes for {count} inputs after {request.cached} tokens"
    return None


def _allows_any(logit_mask: bytes, vocabulary_size: int) -> bool:
    last_byte_bits = vocabulary_size % 8 or 8
    return any(logit_mask[:-1]) or bool(logit_mask[-1] & ((1 << last_byte_bits) - 1))


def _slots_problem(request: Request, count: int, limits: DriverLimits) -> str | None:
    if request.steps > 1 and not (len(request.slots) == 1 and isinstance(request.slots[0], Sample)):
        return "more than one step takes exactly one slot, a sample"
    if request.steps > 1 and request.slots[0].index != count - 1:
        return "more than one step takes its sample from the last input"
    for slot in request.slots:
        problem = slot_problem(slot, count, limits)
        if problem is not None:
            return problem
    return None


def slot_problem(slot: Slot, count: int, limits: DriverLimits) -> str | None:
    """What is wrong with a slot of a request with `count` inputs."""
    if not 0 <= slot.index < count:
        return f"a slot at input {slot.index} of {count}"
    match slot:
        case Sample(sampling=sampling):
            return sampling_problem(sampling)
        case Distribution(temperature=temperature, top_k=top_k):
            return None if 0.0 <= temperature < float("inf") and top_k >= 0 else "a distribution out of range"
        case Logprobs(tokens=tokens):
            return None if all(0 <= token < limits.vocabulary_size for token in tokens) else "log-probability of an unknown token"
        case _:
            return None


def sampling_problem(sampling: Sampling) -> str | None:
    """What is wrong with a sampler."""
    if not 0.0 <= sampling.temperature < float("inf"):
        return f"temperature {sampling.temperature}"
    if sampling.top_k < 0:
        return f"top-k {sampling.top_k}"
    if not 0.0 <= sampling.top_p <= 1.0:
        return f"top-p {sampling.top_p}"
    if not 0.0 <= sampling.min_p <= 1.0:
        return f"min-p {sampling.min_p}"
    if not 0 <= sampling.seed <= SEED_MAX:
        return f"seed {sampling.seed}"
    return None
