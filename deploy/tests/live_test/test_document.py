"""`docs/live-tests.md` says what there is."""

import re
from pathlib import Path

from pie_deploy.domain.expectation import OPERATORS
from pie_deploy.domain.live_test import STEPS, parse_live_test
from pie_deploy.live_test.events import TYPES

DOCUMENT = (Path(__file__).parents[3] / "docs" / "live-tests.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def first_cells(title: str) -> list[str]:
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([a-z_.]+)`", row)]


def test_its_example_is_a_manifest() -> None:
    example = DOCUMENT.partition("```yaml\n")[2].partition("```")[0]
    assert [step.kind for step in parse_live_test(example).steps] == list(STEPS)


def test_it_names_every_step() -> None:
    assert first_cells("Steps") == list(STEPS)


def test_it_names_every_operator() -> None:
    assert sorted(first_cells("Expectations")) == sorted([*OPERATORS, "tol"])


def test_it_names_every_event() -> None:
    assert sorted(first_cells("Events")) == sorted(TYPES)
