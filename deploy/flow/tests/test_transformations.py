"""What each transformation takes and gives, and its step."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from flow_strategies import same, types, values
from hypothesis import given
from hypothesis import strategies as st

from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import TransformationError, ValueTypeError
from pie_flow.literals import print_literal
from pie_flow.transformations import TRANSFORMATIONS, Failed, Step
from pie_flow.types import Atom
from pie_flow.unify import variables
from pie_flow.values import NOTHING, Variant, just

EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "constant": {"type": '"Int64"', "value": "3"},
    "convert": {"from": '"Int64"', "to": '"Bool"'},
    "pack_record": {"fields": '["x", "y"]'},
    "unpack_record": {"fields": '["x", "y"]'},
    "pack_tuple": {"size": "3"},
    "unpack_tuple": {},
    "field": {"type": '"Point"', "name": '"x"'},
    "flatten": {},
    "to_list": {},
    "window": {"size": "2"},
    "filter": {},
    "cond": {},
    "just_or": {"type": '"Int64"', "value": "0"},
    "unpack_named": {"type": '"Image"'},
    "wrap_named": {"type": '"Maybe<t>"'},
    "unpack_union": {"type": '"Int64 | String | Maybe<t>"'},
    "wrap_union": {"type": '"Int32 | Int64"', "alternative": '"Int32"'},
    "repeat": {"count": "2"},
    "merge": {"size": "3"},
    "zip": {},
    "delay_one": {"type": '"Int64"', "value": "0"},
    "tee": {},
    "sketch": {"inputs": '["t", "Image"]', "outputs": '["[t]"]'},
}
SIGNATURES = """
constant t -> Int64
convert Int64 -> Bool
pack_record x, y -> {x: x, y: y}
unpack_record {x: x, y: y} -> x, y
pack_tuple t0, t1, t2 -> (t0, t1, t2)
unpack_tuple (t0, t1) -> t0, t1
field Point -> Double
flatten [t] -> t
to_list t -> [t]
window t -> [t]
filter t, Bool -> t
cond t, Bool -> Maybe<t>
just_or Maybe<Int64> -> Int64
unpack_named Image -> {data: Bytes, format: PixelFormat, height: UInt32, width: UInt32}
wrap_named Just<t> | Nothing -> Maybe<t>
unpack_union Int64 | Maybe<t> | String -> Int64, Maybe<t>, String
wrap_union Int32 -> Int32 | Int64
repeat t -> t
merge t, t, t -> t
zip a, b -> (a, b)
delay_one Int64 -> Int64
tee t -> t, t
sketch t, Image -> [t]
"""


def start(name: str, /, **parameters: str) -> Step:
    return TRANSFORMATIONS[name].start(parameters or EXAMPLES[name])


def outputs(step: Step, *values: Any) -> list[Any]:
    """What one input's values become, without output positions."""
    return [value for pushed in values for _, value in step.push(0, pushed)]


# --- Signatures ------------------------------------------------------------------------------------------------------


def test_every_transformation_has_its_signature() -> None:
    lines = []
    for name, transformation in TRANSFORMATIONS.items():
        signature = transformation.signature(EXAMPLES[name])
        lines.append(f"{name} {', '.join(map(str, signature.inputs))} -> {', '.join(map(str, signature.outputs))}")
    assert lines == SIGNATURES.strip().splitlines()


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS.keys() - {"sketch"}))
def test_every_output_variable_stands_in_an_input(name: str) -> None:
    signature = TRANSFORMATIONS[name].signature(EXAMPLES[name])
    bound = frozenset().union(*map(variables, signature.inputs))
    assert frozenset().union(*map(variables, signature.outputs)) <= bound


def test_a_parameter_has_the_type_that_another_one_says() -> None:
    assert TRANSFORMATIONS["constant"].signature(EXAMPLES["constant"]).parameters["value"].type == "Int64"


def test_a_value_may_be_missing_as_long_as_it_decides_nothing() -> None:
    assert TRANSFORMATIONS["constant"].signature({"type": '"Int64"'}).outputs == (Atom("Int64"),)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("constant", {}, "constant needs the parameter type"),
        ("constant", {"tpye": '"Int64"'}, "constant has no parameter 'tpye'; it has type, value"),
        ("constant", {"type": '"Foo"'}, "constant: parameter type: 'Foo' is no type: there is no type Foo"),
        ("constant", {"type": '"Int64"', "value": '"a"'}, "constant: parameter value: column 1: Int64 is wanted, not a string"),
        ("constant", {"type": "Int64"}, "constant: parameter type: column 1: String is wanted, not Int64"),
        ("tee", {"size": "65"}, "tee: parameter size: from 1 to 64, not 65"),
        ("tee", {"seize": "2"}, "tee has no parameter 'seize'; it has size"),
        ("pack_record", {"fields": '["x", "x"]'}, "pack_record: parameter fields: 1 to 64 different names"),
        ("pack_record", {"fields": '["X"]'}, "pack_record: parameter fields: 'X' is no field's name"),
        ("convert", {"from": '"Int64"', "to": '"String"'}, "convert: parameter to: one of Bool, Char, Double, Float, "),
        ("field", {"type": '"Point"', "name": '"z"'}, "field: parameter name: {x: Double, y: Double} has no field 'z'"),
        ("field", {"type": '"[Point]"', "name": '"x"'}, r"field: parameter name: [Point] has no field 'x'"),
        ("unpack_named", {"type": '"Int64"'}, "unpack_named: parameter type: a named type, not Int64"),
        ("unpack_union", {"type": '"Maybe<t>"'}, "unpack_union: parameter type: a union, not Maybe<t>"),
        ("unpack_union", {"type": '"(t,) | (Bool, Bool)"'}, "unpack_union: parameter type: (t,) may not hold a type variable"),
        (
            "wrap_union",
            {"type": '"Bool | Char"', "alternative": '"Int64"'},
            "wrap_union: parameter alternative: one of Bool, ",
        ),
        ("repeat", {"count": "10001"}, "repeat: parameter count: from 0 to 10000, not 10001"),
        ("window", {"size": "0"}, "window: parameter size: from 1 to 100000, not 0"),
        ("sketch", {"inputs": '["("]'}, "sketch: parameter inputs: '(' is no type"),
    ],
    ids=str,
)
def test_parameters_that_make_no_signature_are_refused(name: str, parameters: Mapping[str, str], message: str) -> None:
    with pytest.raises(TransformationError) as caught:
        TRANSFORMATIONS[name].signature(parameters)
    assert str(caught.value).startswith(message)


# --- Steps -----------------------------------------------------------------------------------------------------------


def test_constant_answers_every_message_with_its_value() -> None:
    assert outputs(start("constant"), "a", b"b") == [3, 3]


def test_a_constant_changes_between_two_messages() -> None:
    step = start("constant")
    step.configure({"value": "4"})
    assert outputs(step, "a") == [4]


@pytest.mark.parametrize("changed", [{"value": '"a"'}, {"type": '"String"'}, {"other": "1"}], ids=str)
def test_a_change_that_is_refused_leaves_the_old_value(changed: Mapping[str, str]) -> None:
    step = start("constant")
    with pytest.raises(TransformationError):
        step.configure(changed)
    assert outputs(step, "a") == [3]


def test_pack_record_waits_for_one_value_of_each_input() -> None:
    step = start("pack_record")
    assert step.push(1, "b") == []
    assert step.push(0, 1) == [(0, {"x": 1, "y": "b"})]


def test_a_join_does_not_accept_a_second_value_of_an_input_that_waits() -> None:
    step = start("pack_tuple")
    step.push(1, "b")
    assert [step.accepts(position) for position in range(3)] == [True, False, True]


def test_unpack_record_gives_every_field_its_output() -> None:
    assert start("unpack_record").push(0, {"y": 2, "x": 1}) == [(0, 1), (1, 2)]


def test_unpack_tuple_undoes_pack_tuple() -> None:
    step = start("pack_tuple")
    step.push(0, "a")
    step.push(1, "b")
    ((_, packed),) = step.push(2, "c")
    assert start("unpack_tuple", size="3").push(0, packed) == [(0, "a"), (1, "b"), (2, "c")]


def test_field_takes_one_field() -> None:
    assert outputs(start("field"), {"x": 1.0, "y": 2.0}) == [1.0]


def test_field_reads_a_picture_as_the_record_that_it_stands_for() -> None:
    assert outputs(start("field", type='"Image"', name='"width"'), np.zeros((2, 3), np.uint8)) == [3]


def test_flatten_emits_each_element_in_order() -> None:
    assert outputs(start("flatten"), [1, 2], [], [3]) == [1, 2, 3]


def test_to_list_makes_lists_of_one() -> None:
    assert outputs(start("to_list"), 1, 2) == [[1], [2]]


@given(st.lists(st.integers()), st.integers(1, 5), st.integers(0, 7))
def test_window_is_what_slices_of_the_whole_stream_are(stream: list[int], size: int, step: int) -> None:
    every = step or size
    slices = [stream[at : at + size] for at in range(0, len(stream) - size + 1, every)]
    assert outputs(start("window", size=str(size), step=str(step)), *stream) == slices


def test_filter_keeps_what_its_predicate_says() -> None:
    step = start("filter")
    emitted = [step.push(0, value) + step.push(1, keep) for value, keep in [("a", True), ("b", False), ("c", True)]]
    assert emitted == [[(0, "a")], [], [(0, "c")]]


def test_cond_is_just_the_value_or_nothing() -> None:
    step = start("cond")
    emitted = [step.push(0, value) + step.push(1, keep) for value, keep in [("a", True), ("b", False)]]
    assert emitted == [[(0, just("a"))], [(0, NOTHING)]]


def test_just_or_gives_the_value_or_the_default() -> None:
    assert outputs(start("just_or"), just(5), NOTHING) == [5, 0]


def test_unpack_union_sends_each_value_to_its_alternative() -> None:
    step = start("unpack_union")
    assert step.push(0, 3) + step.push(0, "a") + step.push(0, Variant("Maybe", NOTHING)) == [(0, 3), (2, "a"), (1, NOTHING)]


def test_wrap_union_tags_where_the_value_does_not_tell() -> None:
    assert outputs(start("wrap_union"), 3) == [Variant("Int32", 3)]


def test_wrap_union_leaves_bare_where_the_value_tells() -> None:
    assert outputs(start("wrap_union", type='"Int64 | String"', alternative='"String"'), "a") == ["a"]


def test_a_picture_and_its_record_become_each_other() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    (unpacked,) = outputs(start("unpack_named"), picture)
    (wrapped,) = outputs(start("wrap_named", type='"Image"'), unpacked)
    assert unpacked["format"] == Variant("Rgb8", ()) and same(wrapped, picture)


def test_a_record_that_is_no_picture_raises() -> None:
    record = {"width": 2, "height": 2, "format": Variant("Gray8", ()), "data": b"abc"}
    with pytest.raises(ValueTypeError, match="4 bytes for this size, not 3"):
        start("wrap_named", type='"Image"').push(0, record)


def test_repeat_emits_a_value_as_often_as_it_says() -> None:
    step = start("repeat")
    before = outputs(step, "a")
    step.configure({"count": "0"})
    assert (before, outputs(step, "b")) == (["a", "a"], [])


def test_merge_passes_values_in_the_order_of_arrival() -> None:
    step = start("merge")
    assert step.push(2, "a") + step.push(0, "b") == [(0, "a"), (0, "b")]


def test_delay_one_emits_its_own_value_first() -> None:
    step = start("delay_one")
    assert step.begin() + step.push(0, 1) + step.push(0, 2) == [(0, 0), (0, 1), (0, 2)]


def test_tee_gives_every_output_the_value() -> None:
    assert start("tee", size="3").push(0, "a") == [(0, "a"), (1, "a"), (2, "a")]


def test_a_sketch_does_not_start() -> None:
    with pytest.raises(TransformationError, match="a sketch is a placeholder"):
        start("sketch")


# --- Failures --------------------------------------------------------------------------------------------------------

FAILED = Failed("it raised")


@pytest.mark.parametrize("name", sorted(TRANSFORMATIONS.keys() - {"sketch"}))
def test_a_failure_comes_out_of_every_transformation(name: str) -> None:
    step = start(name)
    inputs = len(TRANSFORMATIONS[name].signature(EXAMPLES[name]).inputs)
    emitted = [emission for position in range(inputs) for emission in step.push(position, FAILED)]
    assert emitted and all(value is FAILED for _, value in emitted)


def test_a_failure_takes_its_place_in_a_join_so_that_the_next_values_meet() -> None:
    step = start("zip")
    first = step.push(0, FAILED) + step.push(1, "its pair")
    assert first == [(0, FAILED)]
    assert step.push(0, 1) + step.push(1, "b") == [(0, (1, "b"))]


# --- Numbers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "value", "converted"),
    [
        ("Int64", "Int32", 2**31, -(2**31)),
        ("Int64", "UInt32", -1, 2**32 - 1),
        ("UInt64", "Int64", 2**64 - 1, -1),
        ("Double", "Int64", -2.9, -2),
        ("Double", "Int32", 1e300, 2**31 - 1),
        ("Double", "UInt32", -5.0, 0),
        ("Double", "Int64", math.inf, 2**63 - 1),
        ("Double", "Int64", math.nan, 0),
        ("Double", "Float", 0.1, 0.10000000149011612),
        ("Double", "Float", -1e300, -math.inf),
        ("Int64", "Double", 3, 3.0),
        ("Int64", "Bool", 2, True),
        ("Double", "Bool", 0.0, False),
        ("Bool", "Int32", True, 1),
        ("Bool", "Double", True, 1.0),
        ("Char", "UInt32", "é", 233),
        ("Int64", "Char", 233, "é"),
        ("Char", "Char", "é", "é"),
    ],
    ids=str,
)
def test_numbers_convert_as_in_cpp(source: str, target: str, value: object, converted: object) -> None:
    step = start("convert", **{"from": f'"{source}"', "to": f'"{target}"'})
    assert same(outputs(step, value), [converted])


@pytest.mark.parametrize("code", [0xD800, 0x110000])
def test_what_is_no_character_raises(code: int) -> None:
    with pytest.raises(ValueTypeError, match="is no character"):
        start("convert", **{"from": '"UInt32"', "to": '"Char"'}).push(0, code)


@given(types(max_leaves=6).flatmap(lambda kind: st.tuples(st.just(kind), values(kind))))
def test_a_constant_may_be_of_any_type(typed: tuple[Any, Any]) -> None:
    kind, value = typed
    parameters = {"type": print_literal(str(kind), Atom("String")), "value": print_literal(value, kind)}
    signature = TRANSFORMATIONS["constant"].signature(parameters)
    assert signature.outputs == (CATALOGUE.parse(str(kind)),)
    assert same(outputs(TRANSFORMATIONS["constant"].start(parameters), "go"), [value])
