"""Named types."""

import pytest

from pie_flow.catalogue import CATALOGUE, Catalogue, Definition
from pie_flow.errors import UnknownTypeError
from pie_flow.parse import parse_type
from pie_flow.types import NamedType


def test_what_a_name_stands_for_has_its_arguments_in_place() -> None:
    named = CATALOGUE.parse("Maybe<[Image]>")
    assert isinstance(named, NamedType)
    assert CATALOGUE.base(named) == parse_type("Nothing | Just<[Image]>")


@pytest.mark.parametrize("name", CATALOGUE.names)
def test_every_name_has_a_definition_with_a_summary(name: str) -> None:
    definition = CATALOGUE.definition(name)
    assert definition.summary.endswith(".") and definition.domain
    assert str(definition) == f"{definition.head} := {definition.type}"


def test_names_are_sorted() -> None:
    assert list(CATALOGUE.names) == sorted(CATALOGUE.names)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[Picture]", "there is no type Picture"),
        ("[Strng]", "there is no type Strng; did you mean String"),
        ("Imge", "there is no type Imge; did you mean Image"),
        ("{x: Maybe}", "Maybe<t> takes 1 type argument, not 0"),
        ("Image<Int64>", "Image takes 0 type arguments, not 1"),
        ("Maybe<Picture>", "there is no type Picture"),
    ],
    ids=str,
)
def test_names_that_are_not_defined_are_refused(text: str, message: str) -> None:
    with pytest.raises(UnknownTypeError, match=message):
        CATALOGUE.parse(text)


def test_a_definition_uses_only_what_is_defined_before_it() -> None:
    with pytest.raises(UnknownTypeError):
        Catalogue([Definition("Tree", (), parse_type("[Tree]"))])


def test_a_definition_uses_only_its_parameters() -> None:
    with pytest.raises(UnknownTypeError):
        Catalogue([Definition("Pair", ("a",), parse_type("(a, b)"))])


def test_a_name_is_defined_once() -> None:
    with pytest.raises(UnknownTypeError):
        Catalogue([Definition("Id", (), parse_type("Int64")), Definition("Id", (), parse_type("String"))])
