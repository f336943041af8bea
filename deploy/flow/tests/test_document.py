"""`docs/types.md` says what there is."""

import re
from pathlib import Path

import pytest

from pie_flow.catalogue import CATALOGUE
from pie_flow.parameters import ParameterInfo
from pie_flow.transformations import TRANSFORMATIONS, Transformation
from pie_flow.types import ATOMS
from pie_flow.values import conform, just

DOCUMENT = (Path(__file__).parents[3] / "docs" / "types.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return DOCUMENT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[str]:
    return section(title).partition("|---|")[2].partition("\n")[2].partition("\n\n")[0].splitlines()


def test_it_names_every_atom() -> None:
    assert [name for name in ATOMS if f"`{name}`" not in section("Types")] == []


def test_its_table_is_the_catalogue() -> None:
    assert rows("Named types") == [_named(name) for name in CATALOGUE.names]


def _named(name: str) -> str:
    definition = CATALOGUE.definition(name)
    stands_for = str(definition.type).replace("|", "\\|")
    return f"| `{definition.head}` | `{stands_for}` | {definition.domain} | {definition.summary} |"


def test_its_table_is_the_set_of_transformations() -> None:
    assert rows("Transformations") == [_transformation(one) for one in TRANSFORMATIONS.values()]


def _transformation(one: Transformation) -> str:
    parameters = ", ".join(_parameter(name, info) for name, info in one.parameters.items())
    return f"| `{one.name}` | {parameters} | {one.summary} |"


def _parameter(name: str, info: ParameterInfo) -> str:
    return f"`{name}`{'*' * info.mutable}" + ("" if info.default is None else f" = `{info.default}`")


@pytest.mark.parametrize("row", rows("Literals"))
def test_its_literals_are_some(row: str) -> None:
    from pie_flow.literal_nodes import read_nodes

    literals = re.findall(r"`([^`]+)`", row.split(" | ")[0])
    assert literals and all(read_nodes(literal) for literal in literals)


def test_what_it_says_of_a_maybe_holds() -> None:
    assert conform(3, CATALOGUE.parse("Maybe<Int64>")) == just(3)
