import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.errors import InvalidArgumentError
from pie.sched import brle


def slow(runs: list[int], size: int) -> list[int]:
    bits = [bit for number, run in enumerate(runs) for bit in [number % 2] * run]
    return (bits + [0] * size)[:size]


@given(st.lists(st.integers(0, 12), max_size=9), st.integers(0, 60))
def test_expanding_is_what_it_says(runs, size):
    assert brle.expanded(runs, size).tolist() == slow(runs, size)


def test_enormous_runs_are_cut():
    assert brle.expanded([1, 2**32 - 1, 2**32 - 1], 4).tolist() == [0, 1, 1, 1]


def test_arrays_are_runs_too():
    assert brle.expanded(np.array([2, 1], np.uint32), 4).tolist() == [0, 0, 1, 0]


def test_no_runs_are_no_constraint_on_logits():
    assert brle.logit_mask([], 100) == b""


def test_logit_bits_are_little_end_first():
    assert brle.logit_mask([1, 2, 5, 1], 10) == bytes([0b00000110, 0b00000001])


def test_a_logit_mask_that_allows_nothing_is_refused():
    with pytest.raises(InvalidArgumentError):
        brle.logit_mask([100], 100)


def test_rows_become_a_matrix_over_context_and_inputs():
    assert brle.attention_mask([[1, 2], [0, 1, 2, 1]], 4).tolist() == [[0, 1, 1, 0], [1, 0, 0, 1]]


def test_an_empty_row_is_causal():
    assert brle.attention_mask([[], [1, 3]], 4).tolist() == [[1, 1, 1, 0], [0, 1, 1, 1]]


@pytest.mark.parametrize("rows", [[[], []], [[0, 3], [0, 4]], [[0, 3], []]])
def test_rows_that_say_what_is_done_anyway_are_no_mask(rows):
    assert brle.attention_mask(rows, 4) is None


def test_a_row_that_attends_to_nothing_is_refused():
    with pytest.raises(InvalidArgumentError):
        brle.attention_mask([[0, 1], [9]], 3)


def test_attending_to_a_later_input_is_looking_ahead():
    assert brle.looks_ahead(brle.attention_mask([[0, 4], [0, 4]], 4))
    assert not brle.looks_ahead(brle.attention_mask([[0, 1, 1, 1], [0, 4]], 4))
