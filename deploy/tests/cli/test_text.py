import pytest

from pie_deploy.cli.text import SECOND_NS, ago, described, printable, size, span, until, when


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (61, "1m1s"), (3600, "1h"), (3661, "1h1m"), (86_400, "1d"), (90_000, "1d1h"), (-5, "0s")],
)
def test_a_span_has_its_two_largest_units(seconds: int, text: str) -> None:
    assert span(seconds * SECOND_NS) == text


def test_a_span_leaves_out_what_is_nothing() -> None:
    assert span((86_400 + 5) * SECOND_NS) == "1d"


def test_times_are_rfc_3339() -> None:
    assert when(1_700_000_000 * SECOND_NS + 999) == "2023-11-14T22:13:20Z"
    assert (when(None), ago(None, 5), until(None, 5)) == ("-", "-", "-")


def test_what_has_been_and_what_is_left() -> None:
    assert ago(0, 5 * SECOND_NS) == "5s"
    assert until(65 * SECOND_NS, 5 * SECOND_NS) == "1m"


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1 << 30, "1.0 GiB"), (5 << 50, "5120.0 TiB")]
)
def test_a_size_has_a_unit(size_bytes: int, text: str) -> None:
    assert size(size_bytes) == text


def test_control_characters_become_spaces() -> None:
    assert printable("a\x00b\x1bc\u202ed\u2028e\tf") == "a b c d e f"


def test_fields_are_one_line() -> None:
    assert described({"a": 1, "b": None, "c": "", "d": "x\ny"}) == "a=1 d=x y"
