"""Checks of values: the quick way says what the exact one says."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_component.forms import conformer, decoded_kind, has_arrays, needs_marks
from pie_flow.catalogue import CATALOGUE
from pie_flow.envelope import Packer, Unpacker, frames
from pie_flow.errors import ValueTypeError
from pie_flow.types import Type
from pie_flow.values import conform

KINDS = {
    "atoms": ("Bool", "Bytes", "Char", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64"),
    "parts": (
        "[Int64]",
        "[Double]",
        "[String]",
        "(Int64, String)",
        "(Int64,)",
        "()",
        "{x: Int64, y: [String]}",
        "[{x: (Int64, Bool)}]",
    ),
    "alternatives": ("Int64 | String", "Maybe<Int64>", "[Maybe<String>]"),
    "names": ("Point", "[Point]"),
}
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 65), 1 << 65) | st.floats() | st.text(max_size=3) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.tuples(inner)
        | st.fixed_dictionaries({"x": inner}, optional={"y": inner, "z": inner})
    ),
    max_leaves=6,
)


def outcome(check: Any, value: Any) -> Any:
    try:
        return repr(check(value))
    except ValueTypeError:
        return "refused"


@pytest.mark.parametrize("group", KINDS)
@given(data=st.data(), value=values)
def test_the_quick_check_says_what_the_exact_one_says(group: str, data: st.DataObject, value: Any) -> None:
    kind = CATALOGUE.parse(data.draw(st.sampled_from(KINDS[group])))
    assert outcome(conformer(kind), value) == outcome(lambda one: conform(one, kind), value)


@pytest.mark.parametrize("group", KINDS)
@given(data=st.data(), value=values)
def test_what_conforms_crosses_an_edge_unchanged(group: str, data: st.DataObject, value: Any) -> None:
    kind = CATALOGUE.parse(data.draw(st.sampled_from(KINDS[group])))
    try:
        conforming = conform(value, kind)
    except ValueTypeError:
        return
    assert repr(crossed(conforming, kind)) == repr(conforming)


def crossed(value: Any, kind: Type) -> Any:
    packed = Packer(is_marked=needs_marks(kind)).pack([0], [value], {})
    frame, *arrays = frames(packed, 1, 0)
    decoded = Any if needs_marks(kind) else decoded_kind(kind)
    batch = Unpacker(decoded).unpack(bytes(frame), arrays)
    return batch.values[0]  # type: ignore[union-attr]


@pytest.mark.parametrize(("text", "expected"), [("Tensor", True), ("[{frame: Image}]", True), ("[Int64]", False), ("t", True)])
def test_large_values_go_alone(text: str, expected: bool) -> None:
    assert has_arrays(CATALOGUE.parse(text)) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Tensor", False),
        ("(Int64, String)", False),
        ("(Tensor, Int64)", True),
        ("Maybe<Int64>", True),
        ("t", True),
        ("Image", False),
    ],
)
def test_only_what_msgpack_would_lose_is_marked(text: str, expected: bool) -> None:
    assert needs_marks(CATALOGUE.parse(text)) is expected
