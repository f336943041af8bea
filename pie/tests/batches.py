"""Short ways to say requests in tests of drivers."""

from collections.abc import Sequence

import numpy as np

from pie.driver.messages import Batch, Logits, LogitsReading, Output, Request, Sample, Sampling, Slot


def int32s(numbers: Sequence[int]) -> bytes:
    return np.array(numbers, dtype="<i4").tobytes()


def tokens_of(output: Output) -> list[int]:
    return np.frombuffer(output.tokens, dtype="<i4").tolist()


def logits_of(output: Output) -> np.ndarray:
    """[slots, vocabulary]"""
    return np.stack([np.frombuffer(one.logits, dtype="<f4") for one in output.readings if isinstance(one, LogitsReading)])


def request(
    sequence: int = 1,
    tokens: Sequence[int] = (),
    *,
    cached: int = 0,
    pages: Sequence[int] | None = None,
    slots: Sequence[Slot] | None = None,
    sampling: Sampling | None = None,
    **others: object,
) -> Request:
    """By default: draw greedily after the last input, eight pages of its own per sequence."""
    own_pages = range(8 * sequence, 8 * sequence + 8) if pages is None else pages
    own_slots = (Sample(max(0, len(tokens) - 1), sampling or Sampling()),) if slots is None else tuple(slots)
    return Request(sequence, int32s(tokens), b"", cached, int32s(list(own_pages)), own_slots, **others)  # type: ignore[arg-type]


def all_logits(count: int) -> tuple[Logits, ...]:
    return tuple(Logits(index) for index in range(count))


def batch(*requests: Request, number: int = 1, **others: object) -> Batch:
    return Batch(number, requests, **others)  # type: ignore[arg-type]
