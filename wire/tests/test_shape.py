from typing import Annotated, Literal

import msgspec
import pytest

from pie_wire.errors import ShapeError
from pie_wire.shape import convert, nearest


class Leaf(msgspec.Struct, forbid_unknown_fields=True):
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1
    kind: Literal["left", "right"] | None = None
    name: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    side: Annotated[str, msgspec.Meta(pattern="^[lr][0-9]?$", examples=["l", "r2"])] = "l"


class Tree(msgspec.Struct, forbid_unknown_fields=True):
    leaves: tuple[Leaf, ...] = ()
    by_name: dict[str, Leaf] = {}


def problem(data: object) -> tuple[str, str]:
    with pytest.raises(ShapeError) as caught:
        convert(data, Tree)
    return caught.value.path, caught.value.problem


def test_data_that_fits_becomes_the_struct() -> None:
    assert convert({"leaves": [{"port": 2}]}, Tree) == Tree(leaves=(Leaf(port=2),))


def test_an_unknown_key_comes_with_the_nearest_one() -> None:
    assert problem({"leaves": [{"prot": 1}]}) == ("leaves[0].prot", "unknown key; did you mean `port`?")


def test_an_unknown_key_far_from_all_comes_with_the_list() -> None:
    assert problem({"zzz": 1}) == ("zzz", "unknown key; known here: leaves, by_name")


def test_a_choice_names_its_alternatives() -> None:
    assert problem({"leaves": [{}, {"kind": "up"}]}) == ("leaves[1].kind", "must be 'left' or 'right', not 'up'")


def test_a_range_names_its_bound() -> None:
    assert problem({"leaves": [{"port": 0}]}) == ("leaves[0].port", "must be a whole number >= 1")
    assert problem({"leaves": [{"port": 70000}]}) == ("leaves[0].port", "must be a whole number <= 65535")


def test_a_wrong_type_names_both_types() -> None:
    assert problem({"leaves": [{"port": "1"}]}) == ("leaves[0].port", "must be a whole number, not text")
    assert problem({"leaves": {}}) == ("leaves", "must be a list, not a table")


def test_nothing_is_not_offered_as_an_alternative() -> None:
    assert problem({"leaves": [{"name": 3}]}) == ("leaves[0].name", "must be text, not a whole number")


def test_a_length_is_named() -> None:
    assert problem({"leaves": [{"name": ""}]}) == ("leaves[0].name", "must be text of length >= 1")


def test_a_pattern_is_shown_by_examples() -> None:
    assert problem({"leaves": [{"side": "x"}]}) == ("leaves[0].side", "must be like 'l', 'r2'")


def test_the_path_starts_where_the_caller_says() -> None:
    with pytest.raises(ShapeError, match=r"^model\.port: must be"):
        convert({"port": ""}, Leaf, at="model")


def test_the_nearest_name_is_close_or_none() -> None:
    assert nearest("text-complation", ["helloworld", "text-completion"]) == "text-completion"
    assert nearest("xyz", ["helloworld", "text-completion"]) is None
