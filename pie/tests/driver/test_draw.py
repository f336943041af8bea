"""The random number behind a draw."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pie.driver.draw import uniforms, word, words

SEEDS = st.integers(0, 2**64 - 1)
POSITIONS = st.integers(0, 2**31)


def one(seed: int, position: int) -> float:
    return float(uniforms(np.array([seed], dtype=np.uint64), np.array([position], dtype=np.uint64))[0])


@given(SEEDS, POSITIONS)
def test_a_number_is_at_least_0_and_below_1(seed: int, position: int) -> None:
    assert 0.0 <= one(seed, position) < 1.0


@given(SEEDS, st.lists(POSITIONS, min_size=1, max_size=5))
def test_a_number_does_not_depend_on_what_it_is_computed_with(seed: int, positions: list[int]) -> None:
    together = uniforms(np.array([[seed]], dtype=np.uint64), np.array(positions, dtype=np.uint64))[0]
    assert together.tolist() == [one(seed, position) for position in positions]


def test_the_function_is_fixed() -> None:
    """A change would make recorded seeds give other texts."""
    assert int(words(np.array([1], dtype=np.uint64), np.array([2], dtype=np.uint64))[0]) == 13608149317741381227


@given(SEEDS, POSITIONS)
def test_a_word_alone_is_the_word_among_many(seed: int, position: int) -> None:
    assert word(seed, position) == int(words(np.array([seed], dtype=np.uint64), np.array([position], dtype=np.uint64))[0])


def test_numbers_are_spread_evenly() -> None:
    seeds, positions = np.arange(64, dtype=np.uint64)[:, None], np.arange(1024, dtype=np.uint64)
    counts, _ = np.histogram(uniforms(seeds, positions), bins=16, range=(0.0, 1.0))
    assert np.abs(counts - 4096).max() < 6 * 4096**0.5
