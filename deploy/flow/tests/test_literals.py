"""Literals are typed against slots, and what is printed is read back."""

import math
from typing import Any

import pytest
from flow_strategies import same, types, values
from hypothesis import given
from hypothesis import strategies as st

from pie_flow import limits
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import LiteralSyntaxError, ValueTypeError
from pie_flow.literals import parse_literal, print_literal
from pie_flow.values import NOTHING, Variant, just

typed_values = types(max_leaves=8).flatmap(lambda kind: st.tuples(st.just(kind), values(kind)))


def read(text: str, kind: str) -> Any:
    return parse_literal(text, CATALOGUE.parse(kind))


@given(typed_values)
def test_what_is_printed_is_read_back(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    assert same(parse_literal(print_literal(value, kind), kind), value)


@given(typed_values)
def test_what_was_read_prints_as_it_was_printed(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    text = print_literal(value, kind)
    assert print_literal(parse_literal(text, kind), kind) == text


@given(st.text(), types(max_leaves=4))
def test_any_text_is_read_or_refused(text: str, kind: Any) -> None:
    try:
        value = parse_literal(text, kind)
    except LiteralSyntaxError as error:
        assert 1 <= error.column <= len(text) + 1
    else:
        assert same(parse_literal(print_literal(value, kind), kind), value)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("-3", "Int32", -3),
        ("0.85", "Double", 0.85),
        ("1e-3", "Float", 0.001),
        ("1", "Double", 1.0),
        ("-inf", "Double", -math.inf),
        ("true", "Bool", True),
        (r'"a\n\u00e9\ud83d\ude00"', "String", "a\né😀"),
        ('"two\nlines"', "String", "two\nlines"),
        ('"x"', "Char", "x"),
        (r'b"\x00\"\\\n~"', "Bytes", b'\x00"\\\n~'),
        ("[1, 2,]", "[Int64]", [1, 2]),
        ("[]", "[Int64]", []),
        ("(1, true)", "(Int64, Bool)", (1, True)),
        ("(1,)", "(Int64,)", (1,)),
        ("(1)", "Int64", 1),
        ("()", "()", ()),
        ("{b: 2, a: [1],}", "{a: [Int64], b: Double}", {"a": [1], "b": 2.0}),
        ("Nothing", "Maybe<Int64>", NOTHING),
        ("Just(3)", "Maybe<Int64>", just(3)),
        ("3", "Maybe<Int64>", just(3)),
        ("Just(Nothing)", "Maybe<Maybe<Int64>>", just(NOTHING)),
        ("Just(1, 2)", "Maybe<(Int64, Int64)>", just((1, 2))),
        ("Point({x: 1, y: 2})", "Point", {"x": 1.0, "y": 2.0}),
        ("{x: 1, y: 2}", "Point", {"x": 1.0, "y": 2.0}),
        ("Int64(1)", "Int64", 1),
        ("5", "Int64 | String", 5),
        ("5", "Int64 | Double", 5),
        ("5.0", "Int64 | Double", 5.0),
        ("Int32(5)", "Int32 | Int64", Variant("Int32", 5)),
        ("3000000000", "Int32 | Int64", Variant("Int64", 3_000_000_000)),
        ('"x"', "String | Url", "x"),
        ('Url("x")', "String | Url", Variant("Url", "x")),
        ("<[Int64]>([])", "[Int64] | [String]", Variant("[Int64]", [])),
        ("[1]", "[Int64] | [String]", Variant("[Int64]", [1])),
        ("Rgb8", "PixelFormat", Variant("Rgb8", ())),
        ("<Just<Bool>>(true)", "Just<Bool> | Just<Char>", Variant("Just<Bool>", True)),
    ],
    ids=str,
)
def test_a_literal_means_a_value(text: str, kind: str, value: object) -> None:
    assert same(read(text, kind), value)


@pytest.mark.parametrize(
    ("text", "kind", "column", "reason"),
    [
        ("", "Int64", 1, "a literal is wanted, not the end"),
        ("1 2", "Int64", 3, "unexpected '2' after the literal"),
        ("true", "Int64", 1, "Int64 is wanted, not true"),
        ("1.0", "Int64", 1, "Int64 is wanted, not the number 1.0"),
        ("2147483648", "Int32", 1, "Int32 goes from -2147483648 to 2147483647"),
        ("-1", "UInt64", 1, "UInt64 goes from 0 to 18446744073709551615"),
        ("1e400", "Double", 1, "beyond the range of Double"),
        ("1e39", "Float", 1, "beyond the range of Float"),
        ('"ab"', "Char", 1, "Char is wanted, not a string"),
        ('"a', "String", 1, "unexpected '\"'"),
        (r'"a\q"', "String", 3, "not an escape that JSON knows"),
        (r'"\ud800"', "String", 1, "text holds half of a surrogate pair"),
        (r'b"ab\q"', "Bytes", 5, r"in bytes, write ASCII, \xNN, \\, \", \n, \r or \t"),
        ('["a", 1]', "[String]", 7, "String is wanted, not the number 1"),
        ("(1)", "(Int64,)", 2, "(Int64,) is wanted, not the number 1"),
        ("(1, 2, 3)", "(Int64, Int64)", 1, "(Int64, Int64) has 2 elements, not 3"),
        ("{x: 1}", "Point", 1, "the field y is missing"),
        ("{x: 1, z: 3, y: 1}", "Point", 11, "there is no field z in {x: Double, y: Double}"),
        ("{x: 1, x: 2}", "{x: Int64}", 8, "the field 'x' stands twice"),
        ("5", "Int32 | Int64", 1, "may be Int32 or Int64: say which with a tag"),
        ("[]", "[Int64] | [String]", 1, "may be [Int64] or [String]: say which with a tag"),
        ("true", "Int64 | String", 1, "Int64 | String is wanted, not true"),
        ("Foo(1)", "Int64", 1, "Int64 is wanted, not Foo(…)"),
        ("1", "t", 1, "nothing says what type t is, so it has no literals"),
        ("maybe", "Bool", 1, "a literal is wanted, not 'maybe'"),
        ("<Int64>1", "Int64 | Int32", 8, "expected '(', found '1'"),
    ],
    ids=str,
)
def test_an_error_names_its_column(text: str, kind: str, column: int, reason: str) -> None:
    with pytest.raises(LiteralSyntaxError) as caught:
        read(text, kind)
    assert (caught.value.column, caught.value.reason) == (column, reason)


def test_a_picture_is_written_as_the_record_that_it_stands_for() -> None:
    picture = read(r'{width: 1, height: 2, format: Gray8, data: b"\x01\x02"}', "Image")
    assert picture.tolist() == [[1], [2]]


def test_a_picture_with_too_few_bytes_is_refused() -> None:
    with pytest.raises(LiteralSyntaxError, match="column 1: 2 bytes for this size, not 1"):
        read(r'{width: 1, height: 2, format: Gray8, data: b"\x01"}', "Image")


def test_what_is_not_of_the_type_is_not_printed() -> None:
    with pytest.raises(ValueTypeError, match=r"root\[1\]"):
        print_literal([1, "a"], CATALOGUE.parse("[Int64]"))


# --- Bombs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["[" * 200_000, "(" * 200_000, "{a:" * 80_000, "Just(" * 50_000, "<" + "[" * 100_000], ids=lambda text: text[:3]
)
def test_a_bomb_of_brackets_is_refused(text: str) -> None:
    with pytest.raises(LiteralSyntaxError, match="nested too deeply"):
        read(text, "[Int64]")


def test_huge_numbers_are_refused_unread() -> None:
    with pytest.raises(LiteralSyntaxError, match="a number has at most 64 characters"):
        read("9" * 100_000, "Int64")


def test_long_literals_are_refused_unread() -> None:
    with pytest.raises(LiteralSyntaxError, match="at most"):
        read('"' + "a" * limits.LITERAL_CHARACTERS_MAX + '"', "String")


def test_literals_of_many_parts_are_refused() -> None:
    with pytest.raises(LiteralSyntaxError, match="too large"):
        read("[" + "1," * limits.LITERAL_PARTS_MAX + "]", "[Int64]")


def test_an_unfinished_string_of_backslashes_is_refused() -> None:
    with pytest.raises(LiteralSyntaxError):
        read('"' + "\\" * 100_001, "String")


def test_unions_within_unions_are_tried_in_step() -> None:
    kind = "Int64"
    for level in range(12):
        kind = f"([{kind}] | Bool | (Char, {kind}))" if level % 2 else f"({kind} | String | Bytes)" if level else kind
    with pytest.raises(LiteralSyntaxError):
        read("[" * 20 + "1.5" + "]" * 20, kind)


def test_a_literal_that_is_wrong_in_many_ways_is_given_up() -> None:
    others = [f"[(String, {'[' * depth}{atom}{']' * depth})]" for depth in range(25) for atom in ("Bool", "Char")]
    with pytest.raises(LiteralSyntaxError, match="too many ways to read this"):
        read("[" + '[("a", 1)],' * 1_100 + "]", f"[[(String, Int64)] | {' | '.join(others)}]")


def test_what_is_wrong_in_the_only_alternative_that_it_looks_like_is_told() -> None:
    with pytest.raises(LiteralSyntaxError, match="column 7: Int64 is wanted, not a string"):
        read('{x: [ "a"]}', "Maybe<{x: [Int64]}>")


def test_nested_maybes_cost_no_more_than_their_levels() -> None:
    assert read("3", "Maybe<" * 20 + "Int64" + ">" * 20).tag == "Just"
