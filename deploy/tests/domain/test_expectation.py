"""What is expected of JSON values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.domain.expectation import OPERATORS, allows_more, check, failures
from pie_deploy.errors import ManifestError
from pie_deploy.limits import EXPECTED_FAILURES_MAX

plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=4)),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(st.text(max_size=3), parts, max_size=3)),
    max_leaves=8,
)


@given(plain)
def test_a_value_equals_itself(value: Any) -> None:
    assert failures({"eq": value}, value) == []
    assert failures({"ne": value}, value) != []


@given(plain, plain)
def test_equal_and_unequal_are_opposites(left: Any, right: Any) -> None:
    assert bool(failures({"eq": left}, right)) != bool(failures({"ne": left}, right))


@given(plain, plain)
def test_any_value_may_be_held_against_any_expectation(expected: Any, value: Any) -> None:
    try:
        check(expected, "expect")
    except ManifestError:
        return
    assert all(isinstance(failure, str) for failure in failures(expected, value))


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        ("cat", "cat"),
        (1, 1.0),
        ([1, {"a": None}], [1, {"a": None}]),
        ({"lt": 2, "ge": 1}, 1),
        ({"gt": "a"}, "b"),
        ({"approx": 0.3}, 0.1 + 0.2),
        ({"approx": 10, "tol": 1}, 10.9),
        ({"matches": "^c.t$"}, "cat"),
        ({"contains": "a"}, "cat"),
        ({"contains": {"x": 1}}, [0, {"x": 1}]),
        ({"contains": "x"}, {"x": 1}),
        ({"length": 3}, "cat"),
        ({"length": {"ge": 1}}, [0]),
        ({"type": "integer"}, 1),
        ({"type": "number"}, 1),
        ({"type": "null"}, None),
        ({"a": {"absent": True}}, {}),
        ({"a": {"absent": False}}, {"a": None}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}),
        ({"1": "b", "items": {"absent": True}}, ["a", "b"]),
        ({".length": 5}, {"length": 5}),
        ({}, {"anything": 1}),
    ],
    ids=str,
)
def test_an_expectation_that_holds(expected: Any, value: Any) -> None:
    check(expected, "expect")
    assert failures(expected, value) == []


@pytest.mark.parametrize(
    ("expected", "value", "failure"),
    [
        ("cat", "dog", "it is 'dog', expected: eq 'cat'"),
        (1, True, "it is true, expected: eq 1"),
        ([1], [True], "it is [True], expected: eq [1]"),
        ({"ge": 0.8}, 0.5, "it is 0.5, expected: ge 0.8"),
        ({"lt": 1}, "a", "it is 'a', expected: lt 1"),
        ({"gt": 0}, True, "it is true, expected: gt 0"),
        ({"approx": 1}, 1.1, "it is 1.1, expected: approx 1"),
        ({"approx": 1}, None, "it is None, expected: approx 1"),
        ({"matches": "x"}, 5, "it is 5, expected: matches 'x'"),
        ({"contains": 1}, "1", "it is '1', expected: contains 1"),
        ({"length": 2}, [1], ".length is 1, expected: eq 2"),
        ({"length": 2}, 5, "it is 5, which has no length"),
        ({"type": "integer"}, True, "it is true, expected: type 'integer'"),
        ({"a": {"absent": True}}, {"a": 1}, ".a is there: 1"),
        ({"a": {"absent": False}}, {}, ".a is absent"),
        ({"a": {"b": 1}}, {"a": {}}, ".a.b is absent"),
        ({"a": {"b": 1}}, {"a": 5}, ".a is 5, not an object"),
        ({"2": 1}, [1], ".2 is absent"),
    ],
    ids=str,
)
def test_an_expectation_that_does_not_hold_says_where(expected: Any, value: Any, failure: str) -> None:
    check(expected, "expect")
    assert failures(expected, value) == [failure]


def test_every_field_that_is_otherwise_is_named() -> None:
    assert len(failures({"a": 1, "b": {"ge": 2}, "c": 3}, {"a": 0, "b": 1, "c": 3})) == 2


def test_failures_are_bounded() -> None:
    assert len(failures({str(number): 1 for number in range(10_000)}, {})) == EXPECTED_FAILURES_MAX


def test_long_values_are_cut() -> None:
    (failure,) = failures("a", "b" * 100_000)
    assert len(failure) < 500


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"matches": "("}, r"expect.matches: '\(' is no operand of matches"),
        ({"matches": 1}, r"expect.matches: 1 is no operand of matches"),
        ({"a": {"lt": [1]}}, r"expect.a.lt: \[1\] is no operand of lt"),
        ({"type": "text"}, r"expect.type: 'text' is no operand of type"),
        ({"absent": 1}, r"expect.absent: 1 is no operand of absent"),
        ({"tol": 1}, r"expect.tol: belongs to approx"),
        ({"length": {"matches": 1}}, r"expect.length.matches: 1 is no operand of matches"),
    ],
    ids=str,
)
def test_an_expectation_that_nothing_could_be_held_against_is_refused(expected: Any, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        check(expected, "expect")


@pytest.mark.parametrize(
    ("expected", "more"),
    [({"ge": 1}, True), ({"gt": 0}, True), ({"eq": 1}, False), ({"ge": 1, "le": 2}, False), (1, False)],
    ids=str,
)
def test_only_a_lower_bound_allows_more(expected: Any, more: bool) -> None:
    assert allows_more(expected) == more


def test_these_are_the_operators() -> None:
    assert sorted(OPERATORS) == sorted(
        ["eq", "ne", "lt", "le", "gt", "ge", "approx", "matches", "contains", "length", "type", "absent"]
    )
