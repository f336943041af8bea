import pytest

from pie_deploy.domain.suggestion import hint, nearest


@pytest.mark.parametrize(
    ("ref", "meant"),
    [("cuont", "count"), ("Count", "count"), ("tokenize", "tokenise"), ("tok", "tokenise"), ("zebra", None), ("", None)],
)
def test_the_nearest_name_is_what_somebody_may_have_meant(ref: str, meant: str | None) -> None:
    assert nearest(ref, ["count", "report", "tokenise"]) == meant


def test_what_there_is_is_named() -> None:
    assert hint("cuont", ["count", "report"]) == "did you mean count? there are count, report"
    assert hint("x", ["count"]) == "there is count"
    assert hint("x", []) == "there are none"


def test_of_very_many_names_the_first_are_shown() -> None:
    text = hint("v1234x", (f"v{number}" for number in range(20_000)))
    assert text.startswith("did you mean v1234? ")
    assert text.endswith("there are v0, v1, v2, v3, v4, v5, v6, v7, v8, v9 and 19990 more")


def test_long_names_are_cut() -> None:
    assert len(hint("a" * 10_000, ["a" * 10_000])) < 200
