"""Rules for batches. That invalid ones are refused is part of the contract suite; here is what just passes."""

import msgspec
import pytest

from batches import batch, request
from pie.driver.dummy import DEFAULT_LIMITS
from pie.driver.messages import Sampling
from pie.driver.validity import check_batch, pages_needed
from pie.errors import DriverError


def test_the_last_token_of_a_burst_needs_no_page() -> None:
    assert pages_needed(request(1, [1] * 16), 16) == 1
    assert pages_needed(request(1, [1] * 16, steps=2), 16) == 2
    assert pages_needed(request(1, cached=15, steps=1), 16) == 1


def test_a_batch_at_the_limits_passes_and_beyond_does_not() -> None:
    full = request(1, [1] * DEFAULT_LIMITS.batch_tokens_max, pages=range(128))
    check_batch(batch(full), DEFAULT_LIMITS)
    with pytest.raises(DriverError, match="2049 tokens"):
        check_batch(batch(full, request(200, [1])), DEFAULT_LIMITS)


def test_a_mask_whose_only_bit_is_beyond_the_vocabulary_allows_nothing() -> None:
    limits = msgspec.structs.replace(DEFAULT_LIMITS, vocabulary_size=12)
    check_batch(batch(request(1, [1], logit_mask=b"\x00\x08")), limits)
    with pytest.raises(DriverError, match="allows no token"):
        check_batch(batch(request(1, [1], logit_mask=b"\x00\x10")), limits)


def test_the_largest_seed_passes() -> None:
    check_batch(batch(request(1, [1], sampling=Sampling(1.0, seed=2**64 - 1))), DEFAULT_LIMITS)


def test_an_error_names_batch_and_sequence() -> None:
    with pytest.raises(DriverError, match="batch 5, sequence 9: 0 steps"):
        check_batch(batch(request(9, [1], steps=0), number=5), DEFAULT_LIMITS)
