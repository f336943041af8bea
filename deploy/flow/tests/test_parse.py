"""Text becomes types, types become text."""

import pytest
from flow_strategies import types
from hypothesis import given

from pie_flow import limits
from pie_flow.errors import TypeSyntaxError
from pie_flow.parse import parse_type
from pie_flow.types import UNIT, Atom, ListType, NamedType, TupleType, Type, UnionType, Variable, record, union


@given(types(variables=("t", "u")))
def test_what_is_printed_is_read_back(kind: Type) -> None:
    assert parse_type(str(kind)) == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Int64", Atom("Int64")),
        (" [ String ] ", ListType(Atom("String"))),
        ("()", UNIT),
        ("(Int64,)", TupleType((Atom("Int64"),))),
        ("(Int64)", Atom("Int64")),
        ("(Int64, t,)", TupleType((Atom("Int64"), Variable("t")))),
        ("{y: Bool, x: Char,}", record([("x", Atom("Char")), ("y", Atom("Bool"))])),
        ("Maybe<[t]>", NamedType("Maybe", (ListType(Variable("t")),))),
        ("String | (Bool | Int64) | String", union([Atom("Bool"), Atom("Int64"), Atom("String")])),
        ("Image", NamedType("Image")),
        ("image", Variable("image")),
    ],
    ids=str,
)
def test_a_text_means_a_type(text: str, kind: Type) -> None:
    assert parse_type(text) == kind


def test_order_means_nothing_in_records_and_unions() -> None:
    assert parse_type("{a: Int64, b: Bool | Char}") == parse_type("{b: Char | Bool, a: Int64}")


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "expected a type, found the end"),
        ("[Int64", 7, "expected ']', found the end"),
        ("Int64 Bool", 7, "unexpected 'Bool' after the type"),
        ("(Int64 Bool)", 8, "expected ',' or ')'"),
        ("{X: Int64}", 2, "expected a field's name, which starts with a small letter"),
        ("{x: Int64, x: Bool}", 12, "the field 'x' stands twice"),
        ("Int64<Bool>", 6, "Int64 takes no arguments"),
        ("Maybe<>", 7, "expected a type, found '>'"),
        ("Bool | ", 8, "expected a type, found the end"),
        ("[é]", 2, "unexpected 'é'"),
        ("t | Bool", 1, "a type variable cannot be an alternative of a union"),
        ("[[t] | [Bool]]", 2, "with a type variable in it, [t] is too like another alternative"),
    ],
    ids=str,
)
def test_an_error_names_its_column(text: str, column: int, reason: str) -> None:
    with pytest.raises(TypeSyntaxError) as caught:
        parse_type(text)
    assert (caught.value.column, caught.value.reason) == (column, reason)


def test_deep_types_are_refused_before_the_interpreter_runs_out_of_stack() -> None:
    text = "[" * limits.TYPE_DEPTH_MAX + "Int64" + "]" * limits.TYPE_DEPTH_MAX
    with pytest.raises(TypeSyntaxError, match="nested too deeply"):
        parse_type(text)
    assert parse_type(text[1:-1])


@pytest.mark.parametrize("text", ["[" * 100_000, "(" * 100_000, "Maybe<" * 30_000, "{a:" * 50_000], ids=lambda text: text[:4])
def test_a_bomb_of_brackets_is_refused(text: str) -> None:
    with pytest.raises(TypeSyntaxError, match="nested too deeply"):
        parse_type(text)


def test_large_types_are_refused() -> None:
    with pytest.raises(TypeSyntaxError, match="too large"):
        parse_type("(" + "Int64," * limits.TYPE_PARTS_MAX + ")")


def test_wide_unions_are_refused() -> None:
    with pytest.raises(TypeSyntaxError, match="at most 64 alternatives"):
        parse_type("|".join(f"N{number}" for number in range(65)))


def test_long_texts_are_refused_unread() -> None:
    with pytest.raises(TypeSyntaxError, match="at most"):
        parse_type(" " * (limits.TYPE_CHARACTERS_MAX + 1))


def test_long_names_are_refused() -> None:
    with pytest.raises(TypeSyntaxError, match="a name has at most 64 characters"):
        parse_type("A" * 65)


def test_unions_of_one_are_that_one() -> None:
    assert parse_type("Bool | Bool") == Atom("Bool")
    assert isinstance(parse_type("Bool | Char"), UnionType)
