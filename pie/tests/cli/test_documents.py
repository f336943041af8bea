import pytest

from docs.generate import FOLDER, PARTS, generated
from pie_wire import arguments


@pytest.mark.parametrize("file", PARTS)
def test_a_document_is_up_to_date(file: str) -> None:
    assert (FOLDER / file).read_text() == generated(file), "run `make docs`"


def test_the_rules_for_arguments_are_those_of_the_code() -> None:
    rules = [line for line in (arguments.__doc__ or "").splitlines() if line.startswith("|")]
    assert "\n".join(rules) in (FOLDER / "cli.md").read_text()
