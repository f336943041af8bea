"""Whether values are of a type, and their form in JSON."""

import json
import math
from typing import Any

import numpy as np
import pytest
from flow_strategies import same, types, values
from hypothesis import given
from hypothesis import strategies as st

from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError, ValueTypeError
from pie_flow.types import Variable
from pie_flow.values import NOTHING, Variant, check, conform, from_json, just, to_json

typed_values = types(max_leaves=8).flatmap(lambda kind: st.tuples(st.just(kind), values(kind)))


def _shown(value: object) -> str:
    """The same in every run: without addresses."""
    return type(value).__name__ if type(value) in (object, memoryview) else str(value)[:40]


anything = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(st.text(max_size=3), parts, max_size=3)),
    max_leaves=6,
)


def conformed(value: object, kind: str) -> Any:
    return conform(value, CATALOGUE.parse(kind))


# --- Values ----------------------------------------------------------------------------------------------------------


@given(typed_values)
def test_a_canonical_value_conforms_to_itself(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    assert same(conform(value, kind), value)


@given(typed_values)
def test_a_value_of_a_type_may_flow_where_nothing_is_bound(typed: tuple[Any, Any]) -> None:
    assert same(conform(typed[1], Variable("t")), typed[1])


@given(anything, types(max_leaves=4))
def test_what_does_not_conform_is_a_flow_error(value: object, kind: Any) -> None:
    try:
        once = conform(value, kind)
    except FlowError:
        return
    assert same(conform(once, kind), once)


@pytest.mark.parametrize(
    ("value", "kind", "canonical"),
    [
        (3, "Double", 3.0),
        (np.float32(1.5), "Double", 1.5),
        (np.int64(3), "UInt32", 3),
        (np.bool_(True), "Bool", True),
        (bytearray(b"ab"), "Bytes", b"ab"),
        (memoryview(b"ab"), "Bytes", b"ab"),
        (3, "Maybe<Int64>", just(3)),
        (3, "Double | String", 3.0),
        (3, "Double | Int64", 3),
        (Variant("Int64", 3), "Int64 | String", 3),
        ([1], "[Int64] | [String]", Variant("[Int64]", [1])),
        (2**40, "Int32 | Int64", Variant("Int64", 2**40)),
        ({"b": 1, "a": 2}, "{a: Int64, b: Double}", {"a": 2, "b": 1.0}),
    ],
    ids=_shown,
)
def test_what_an_author_may_write_instead(value: object, kind: str, canonical: object) -> None:
    assert same(conformed(value, kind), canonical)


@pytest.mark.parametrize(
    ("value", "kind", "message"),
    [
        ("1", "Int64", "root: an integer from -9223372036854775808 to 9223372036854775807 is wanted, not str '1'"),
        (True, "Int64", "root: an integer from -9223372036854775808 to 9223372036854775807 is wanted, not bool True"),
        (-1, "UInt32", "root: an integer from 0 to 4294967295 is wanted, not int -1"),
        (10**400, "Double", "root: a number within the range of Double is wanted, not int of 1329 bits"),
        (1e39, "Float", "root: a number within the range of Float is wanted, not float 1e+39"),
        ("ab", "Char", "root: a String of one character is wanted, not str 'ab'"),
        ("\ud800", "String", "root: text holds half of a surrogate pair"),
        ("x", "Bytes", "root: Bytes is wanted, not str 'x'"),
        (None, "[Int64]", "root: a list is wanted, not NoneType"),
        ((1,), "[Int64]", "root: a list is wanted, not tuple"),
        ([1], "(Int64,)", "root: a tuple of 1 is wanted, not list"),
        ([[1], [2, 0.5]], "[[UInt32]]", "root[1][1]: an integer from 0 to 4294967295 is wanted, not float 0.5"),
        ({"x": (1, "a")}, "{x: (UInt32, UInt32)}", "root.x.1: an integer from 0 to 4294967295 is wanted, not str 'a'"),
        ({"x": 1}, "{x: Int64, y: Int64}", "root: the field y is missing"),
        ({"x": 1, "z": 1}, "{x: Int64}", "root: there is no field 'z'"),
        (Variant("Just", "a"), "Maybe<Bool>", "root|Just: a Bool is wanted, not str 'a'"),
        (Variant("Some", 1), "Maybe<Bool>", "root: 'Some' is no alternative of Just<Bool> | Nothing"),
        (1, "Int32 | Int64", "root: may be Int32 or Int64: say which"),
        (1.5, "Bool | String", "root: Bool | String is wanted, not float 1.5"),
        (None, "t", "root: a value is wanted, not NoneType"),
        (object(), "t", "root: a value is wanted, not object"),
    ],
    ids=_shown,
)
def test_an_error_names_the_part(value: object, kind: str, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        check(value, CATALOGUE.parse(kind))
    assert str(caught.value) == message


def test_an_open_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValueTypeError, match="nested more than"):
        check(loop, Variable("t"))


def test_a_wrong_value_deep_inside_costs_no_more_than_a_right_one() -> None:
    depth = 30
    value: Any = "wrong"
    for _ in range(depth):
        value = [value]
    with pytest.raises(ValueTypeError, match=r"\[0\]" * depth):
        check(value, CATALOGUE.parse("[" * depth + "Int64" + "]" * depth))


# --- Arrays ----------------------------------------------------------------------------------------------------------


def test_an_array_stays_the_array_that_it_is() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    assert conformed(array, "Tensor") is array


def test_a_slice_becomes_contiguous() -> None:
    assert conformed(np.zeros((4, 4), np.uint8)[:, ::2], "Image").flags.c_contiguous


def test_a_big_endian_array_becomes_little_endian() -> None:
    assert conformed(np.array([1, 2], ">i4"), "Tensor").dtype == np.dtype("<i4")


def test_an_array_made_of_bytes_does_not_copy_them() -> None:
    data = bytes(range(12))
    picture = from_record_image(data)
    assert np.shares_memory(picture, np.frombuffer(data, np.uint8))


def from_record_image(data: bytes) -> Any:
    from pie_flow.arrays import from_record

    return from_record("Image", {"width": 2, "height": 2, "format": Variant("Rgb8", ()), "data": data})


@pytest.mark.parametrize(
    ("array", "kind"),
    [
        (np.zeros((2, 2, 2), np.uint8), "Image"),
        (np.zeros((2, 2), np.float32), "Image"),
        (np.zeros((2, 2), np.float64), "DepthImage"),
        (np.array(["a"]), "Tensor"),
        (np.array([object()]), "Tensor"),
        (np.zeros((1,) * 17), "Tensor"),
        ([[1, 2]], "Tensor"),
    ],
    ids=["two channels", "floats", "doubles", "text", "objects", "dimensions", "lists"],
)
def test_arrays_that_are_none_of_the_type_are_refused(array: object, kind: str) -> None:
    with pytest.raises(ValueTypeError):
        conformed(array, kind)


def test_a_name_for_tensors_is_an_array_too() -> None:
    assert conformed(np.zeros(3), "Embedding").shape == (3,)


# --- JSON ------------------------------------------------------------------------------------------------------------


@given(typed_values)
def test_json_and_back_is_the_same_value(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    assert same(from_json(to_json(value, kind), kind), value)


@given(anything, types(max_leaves=4))
def test_any_json_is_read_or_refused(plain: object, kind: Any) -> None:
    try:
        value = from_json(json.dumps(plain), kind)
    except ValueTypeError:
        return
    assert same(from_json(to_json(value, kind), kind), value)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ((1, "a"), "(Int64, String)", '[1,"a"]'),
        (b"\x00\x01", "Bytes", '"AAE="'),
        (math.nan, "Double", '"NaN"'),
        (-math.inf, "Float", '"-Infinity"'),
        ({"x": 1, "y": [True]}, "{x: Int64, y: [Bool]}", '{"x":1,"y":[true]}'),
        (NOTHING, "Maybe<Int64>", "null"),
        (just(3), "Maybe<Int64>", "3"),
        (just(NOTHING), "Maybe<Maybe<Int64>>", '{"Just":null}'),
        (just(just(3)), "Maybe<Maybe<Int64>>", '{"Just":3}'),
        ("a", "Int64 | String", '"a"'),
        ("a", "Bytes | String", '{"String":"a"}'),
        (1, "Double | Int64", '{"Int64":1}'),
        (math.inf, "Double | String", '{"Double":"Infinity"}'),
        (1.5, "Double | String", "1.5"),
        (Variant("Rgb8", ()), "PixelFormat", '"Rgb8"'),
        (Variant("Point", {"x": 1.0, "y": 2.0}), "Point | Size", '{"Point":{"x":1.0,"y":2.0}}'),
        ((), "()", "[]"),
    ],
    ids=str,
)
def test_a_value_has_a_form_in_json(value: object, kind: str, text: str) -> None:
    assert to_json(value, CATALOGUE.parse(kind)).decode() == text
    assert same(from_json(text, CATALOGUE.parse(kind)), conformed(value, kind))


def test_a_picture_in_json_is_the_record_that_it_stands_for() -> None:
    text = to_json(np.array([[1, 2]], np.uint8), CATALOGUE.parse("Image"))
    assert json.loads(text) == {"width": 2, "height": 1, "format": "Gray8", "data": "AQI="}


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("{", "Int64", "root: not JSON: Input data was truncated"),
        ("[" * 100_000, "[Int64]", "root: JSON nested too deeply"),
        ("1.0", "Int64", "root: an integer from -9223372036854775808 to 9223372036854775807 is wanted, not float 1.0"),
        ("null", "Int64", "root: an integer from -9223372036854775808 to 9223372036854775807 is wanted, not NoneType"),
        ('"=="', "Bytes", "root: not base64: "),
        ('["a"]', "(Int64, Int64)", "root: a list of 2 is wanted, not list"),
        ('{"Just": "a"}', "Maybe<Maybe<Bool>>", "root|Just: a Bool is wanted, not str 'a'"),
        ('"Cmyk"', "PixelFormat", "root: Gray8 | Rgb8 | Rgba8 is wanted, not str 'Cmyk'"),
        (
            '{"width": 4294967295, "height": 4294967295, "data": ""}',
            "DepthImage",
            "root.data: 73786976260478468100 bytes for this size, not 0",
        ),
        ('{"dtype": "object", "shape": [1], "data": ""}', "Tensor", "root.dtype: one of bool, "),
    ],
    ids=lambda value: str(value)[:30],
)
def test_json_that_is_not_of_the_type_is_refused(text: str, kind: str, message: str) -> None:
    with pytest.raises(ValueTypeError) as caught:
        from_json(text, CATALOGUE.parse(kind))
    assert str(caught.value).startswith(message)


def test_json_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValueTypeError, match="not JSON"):
        from_json(b'"\xff"', CATALOGUE.parse("String"))
