"""The error tree and its documentation say the same."""

import re
from pathlib import Path

from pie.errors import PieError

DOCUMENT = Path(__file__).parents[2] / "docs" / "errors.md"


def codes(error: type[PieError]) -> list[str]:
    return [error.code, *(code for child in error.__subclasses__() for code in codes(child))]


def test_every_code_is_documented_and_every_documented_code_exists() -> None:
    documented = set(re.findall(r"^\| `([a-z-]+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    assert documented == set(codes(PieError))


def test_no_two_classes_share_a_code() -> None:
    assert len(codes(PieError)) == len(set(codes(PieError)))
