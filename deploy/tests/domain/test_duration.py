"""Durations in Go's notation."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.domain.duration import UNITS_NS, format_duration, parse_duration
from pie_deploy.errors import InvalidArgumentError

SECOND_NS = 10**9


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [
        ("0", 0),
        ("-0", 0),
        ("5s", 5 * SECOND_NS),
        ("30s", 30 * SECOND_NS),
        ("1478s", 1478 * SECOND_NS),
        ("-5s", -5 * SECOND_NS),
        ("+5s", 5 * SECOND_NS),
        ("5.s", 5 * SECOND_NS),
        (".5s", SECOND_NS // 2),
        ("-.5s", -SECOND_NS // 2),
        ("1.00400s", 1_004_000_000),
        ("10ns", 10),
        ("11us", 11_000),
        ("12µs", 12_000),
        ("12μs", 12_000),
        ("13ms", 13_000_000),
        ("14s", 14 * SECOND_NS),
        ("15m", 900 * SECOND_NS),
        ("16h", 57600 * SECOND_NS),
        ("3h30m", 12600 * SECOND_NS),
        ("1h15m30.918273645s", 4530_918273645),
        ("39h9m14.425s", 140954_425000000),
        ("0.3333333333333333333h", 20 * 60 * SECOND_NS - 1),
        ("1s1h", 3601 * SECOND_NS),
        ("9223372036854775807ns", (1 << 63) - 1),
    ],
)
def test_what_go_reads_is_read(text: str, duration_ns: int) -> None:
    assert parse_duration(text) == duration_ns


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3",
        "-",
        "s",
        ".",
        "-.",
        ".s",
        "+.s",
        "1d",
        "1h-2m",
        " 1s",
        "1s ",
        "1_0s",
        "١s",
        "1e3s",
        "9223372036854775808ns",
        "9" * 200,
    ],
)
def test_what_go_refuses_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        parse_duration(text)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 999), st.sampled_from(sorted(UNITS_NS))), min_size=1, max_size=4))
def test_a_sum_is_the_sum_of_its_terms(terms: list[tuple[int, int, str]]) -> None:
    text = "".join(f"{whole}.{thousandths:03}{unit}" for whole, thousandths, unit in terms)
    expected = sum(int(Fraction(whole * 1000 + thousandths, 1000) * UNITS_NS[unit]) for whole, thousandths, unit in terms)
    assert parse_duration(text) == expected


@given(st.integers(-(1 << 62), 1 << 62))
def test_what_is_printed_reads_back(duration_ns: int) -> None:
    assert parse_duration(format_duration(duration_ns)) == duration_ns


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1100, "1.1µs"),
        (2_200_000, "2.2ms"),
        (3_300_000_000, "3.3s"),
        (245 * SECOND_NS, "4m5s"),
        (245_001_000_000, "4m5.001s"),
        (18367_001_000_000, "5h6m7.001s"),
        (-480_000_000_001, "-8m0.000000001s"),
        (3600 * SECOND_NS, "1h0m0s"),
    ],
)
def test_it_prints_as_go_does(duration_ns: int, text: str) -> None:
    assert format_duration(duration_ns) == text
