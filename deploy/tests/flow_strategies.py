"""Hypothesis strategies: types, and values of a type."""

from typing import Any

from hypothesis import strategies as st

from pie_flow import unions
from pie_flow.arrays import DTYPES, from_record
from pie_flow.catalogue import CATALOGUE
from pie_flow.conform import FLOAT_MAX, RANGES, conform
from pie_flow.types import ATOMS, Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable, record, union
from pie_flow.variants import Variant, alternatives

_NAMES = ("x", "y", "name", "b", "true", "_a1")
_PLAIN_NAMED = [name for name in CATALOGUE.names if not CATALOGUE.definition(name).parameters]


def _unions(parts: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return st.lists(parts, min_size=2, max_size=4).map(union).filter(_is_allowed)


def _is_allowed(kind: Type) -> bool:
    return not isinstance(kind, UnionType) or unions.fault(kind.alternatives) is None


def types(variables: tuple[str, ...] = (), max_leaves: int = 12) -> st.SearchStrategy[Type]:
    """Types as they may be written, with the variables."""
    leaves: list[st.SearchStrategy[Type]] = [st.sampled_from(ATOMS).map(Atom), st.sampled_from(_PLAIN_NAMED).map(NamedType)]
    if variables:
        leaves.append(st.sampled_from(variables).map(Variable))
    return st.recursive(st.one_of(*leaves), _larger, max_leaves=max_leaves)


def _larger(parts: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return st.one_of(
        parts.map(ListType),
        st.lists(parts, max_size=3).map(lambda items: TupleType(tuple(items))),
        st.dictionaries(st.sampled_from(_NAMES), parts, max_size=3).map(lambda fields: record(fields.items())),
        _unions(parts),
        parts.map(lambda part: NamedType("Maybe", (part,))),
        parts.map(lambda part: NamedType("Just", (part,))),
    )


def values(kind: Type) -> st.SearchStrategy[Any]:
    """Values of a ground type, in canonical form."""
    return _values(kind).map(lambda value: conform(value, kind))


def _values(kind: Type) -> st.SearchStrategy[Any]:
    match kind:
        case Atom(name):
            return _ATOM_VALUES[name]
        case ListType(item):
            return st.lists(_values(item), max_size=3)
        case TupleType(items):
            return st.tuples(*map(_values, items))
        case RecordType(fields):
            return st.fixed_dictionaries({name: _values(field) for name, field in fields})
        case UnionType():
            return st.one_of(*(_tagged(option.tag, option.type) for option in alternatives(kind)))
        case NamedType("Tensor"):
            return _tensors()
        case NamedType("Image" | "DepthImage" as name):
            return _pictures(name)
        case NamedType():
            return _values(CATALOGUE.base(kind))
        case Variable():
            raise AssertionError("only ground types have values")


def _tagged(tag: str, kind: Type) -> st.SearchStrategy[Any]:
    return _values(kind).map(lambda value: Variant(tag, value))


@st.composite
def _tensors(draw: st.DrawFn) -> Any:
    import numpy as np

    dtype = draw(st.sampled_from(DTYPES))
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
    data = bytes(size) if dtype == "bool" else draw(st.binary(min_size=size, max_size=size))
    return from_record("Tensor", {"dtype": dtype, "shape": shape, "data": data})


@st.composite
def _pictures(draw: st.DrawFn, name: str) -> Any:
    width, height = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    tag, channels = draw(st.sampled_from([("Gray8", 1), ("Rgb8", 3), ("Rgba8", 4)]))
    size = width * height * (channels if name == "Image" else 4)
    data = draw(st.binary(min_size=size, max_size=size))
    return from_record(name, {"width": width, "height": height, "format": Variant(tag, ()), "data": data})


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_ATOM_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "Bool": st.booleans(),
    "Bytes": st.binary(max_size=8),
    "Char": st.characters(exclude_categories=["Cs"]),
    "Double": st.floats(),
    "Float": st.one_of(st.floats(-FLOAT_MAX, FLOAT_MAX), st.sampled_from([float("nan"), float("inf"), -float("inf")])),
    "String": _TEXT,
    **{name: st.integers(low, high) for name, (low, high) in RANGES.items()},
}


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same: like `==`, but nan is nan, -0.0 is not 0.0, and arrays are compared whole."""
    if type(left) is not type(right):
        return False
    if isinstance(left, (list, tuple)):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[name], right[name]) for name in left)
    if isinstance(left, Variant):
        return left.tag == right.tag and same(left.value, right.value)
    if hasattr(left, "tobytes"):
        return bool(left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes())
    return repr(left) == repr(right) if isinstance(left, float) else bool(left == right)
