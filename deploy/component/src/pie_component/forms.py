"""How values of a type travel and are checked: made once per slot, so that a message costs little.

For most types msgspec checks while it decodes, and a few comparisons tell that a result is well formed. `pie_flow.values.conform`
is the slow, exact twin that everything else goes through.
"""

from collections.abc import Callable
from typing import Annotated, Any, TypedDict

import msgspec

from pie_flow.catalogue import CATALOGUE
from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable
from pie_flow.values import conform

_INT32, _UINT32 = 1 << 31, 1 << 32
_INT64 = 1 << 63

_DECODED: dict[str, Any] = {
    "Bool": bool,
    "Bytes": bytes,
    "Char": Annotated[str, msgspec.Meta(min_length=1, max_length=1)],
    "Double": float,
    "Float": float,
    "Int32": Annotated[int, msgspec.Meta(ge=-_INT32, lt=_INT32)],
    "Int64": Annotated[int, msgspec.Meta(ge=-_INT64, le=_INT64 - 1)],
    "String": str,
    "UInt32": Annotated[int, msgspec.Meta(ge=0, lt=_UINT32)],
    "UInt64": Annotated[int, msgspec.Meta(ge=0)],
}

_ATOM_TESTS: dict[str, Callable[[Any], bool]] = {
    "Bool": lambda value: value is True or value is False,
    "Bytes": lambda value: type(value) is bytes,
    "Int32": lambda value: type(value) is int and -_INT32 <= value < _INT32,
    "Int64": lambda value: type(value) is int and -_INT64 <= value < _INT64,
    "String": lambda value: type(value) is str,
    "UInt32": lambda value: type(value) is int and 0 <= value < _UINT32,
    "UInt64": lambda value: type(value) is int and 0 <= value < 1 << 64,
}
"""Of the atoms whose values need no change to be well formed. A Double may be written as an int, a Float may have to be rounded."""

# As values, because the type checker cannot follow types that are made while the program runs.
_LIST: Any = list
_TUPLE: Any = tuple
_RECORD: Any = TypedDict

_CLASSES: dict[str, type] = {
    **{"Bool": bool, "Bytes": bytes, "String": str, "Double": float},
    **dict.fromkeys(("Int32", "Int64", "UInt32", "UInt64"), int),
}
_RANGES = {"Int32": (-_INT32, _INT32), "Int64": (-_INT64, _INT64), "UInt32": (0, _UINT32), "UInt64": (0, 1 << 64)}

Conform = Callable[[Any], Any]


def conformer(kind: Type) -> Conform:
    """What makes a result a value of the type. The function raises ValueTypeError."""
    test = _test(kind)
    if test is None:
        return lambda value: conform(value, kind)
    return lambda value: value if test(value) else conform(value, kind)


def decoded_kind(kind: Type) -> Any:
    """The type as msgspec knows it, or `Any` where msgspec cannot tell."""
    return _decoded(kind) or Any


def needs_marks(kind: Type) -> bool:
    """Whether tuples and variants would be lost in plain msgpack."""
    return _decoded(kind) is None and not _is_plain(kind)


def _test(kind: Type) -> Callable[[Any], bool] | None:
    """Whether a value is well formed as it is; None where only `conform` can say. A false "no" is fine: `conform` has the last
    word."""
    match kind:
        case Atom(name):
            return _ATOM_TESTS.get(name) or (_is_float if name == "Double" else None)
        case ListType(Atom(name)) if name in _CLASSES:
            return _atoms_test(_CLASSES[name], _RANGES.get(name))
        case ListType(item):
            inner = _test(item)
            return None if inner is None else lambda value: type(value) is list and all(map(inner, value))
        case RecordType(fields):
            tests = {name: _test(part) for name, part in fields}
            return None if None in tests.values() else _record_test({name: test for name, test in tests.items() if test})
    return None


def _atoms_test(kind: type, bounds: tuple[int, int] | None) -> Callable[[Any], bool]:
    """For lists of atoms, without a call for each element."""
    only = {kind}

    def test(value: Any) -> bool:
        if type(value) is not list or not only.issuperset(map(type, value)):
            return False
        return bounds is None or not value or (min(value) >= bounds[0] and max(value) < bounds[1])

    return test


def _is_float(value: Any) -> bool:
    return type(value) is float


def _record_test(tests: dict[str, Callable[[Any], bool]]) -> Callable[[Any], bool]:
    names, pairs = tests.keys(), tuple(tests.items())

    def test(value: Any) -> bool:
        if type(value) is not dict or value.keys() != names:
            return False
        return all(part(value[name]) for name, part in pairs)

    return test


def _decoded(kind: Type) -> Any:
    match kind:
        case Atom(name):
            return _DECODED[name]
        case ListType(item):
            inner = _decoded(item)
            return None if inner is None else _LIST[inner]
        case TupleType(items):
            parts = [_decoded(item) for item in items]
            return None if None in parts else _TUPLE[tuple(parts)]
        case RecordType(fields):
            inners = {name: _decoded(part) for name, part in fields}
            return None if None in inners.values() else _RECORD("Record", inners)
        case NamedType():
            return None if _is_array(kind) else _decoded(CATALOGUE.base(kind))
    return None


def _is_plain(kind: Type) -> bool:
    """Whether msgpack gives back what it was given: neither tuples nor variants nor what a variable may stand for."""
    match kind:
        case Atom():
            return True
        case ListType(item):
            return _is_plain(item)
        case RecordType(fields):
            return all(_is_plain(part) for _, part in fields)
        case NamedType():
            return _is_array(kind) or _is_plain(CATALOGUE.base(kind))
    return False


def _is_array(kind: NamedType) -> bool:
    """An array type stands for a record but is a numpy array in Python."""
    from pie_flow.arrays import ARRAY_TYPES

    return kind.name in ARRAY_TYPES


def has_arrays(kind: Type) -> bool:
    """Whether values of the type may be large: they go alone, not in batches."""
    match kind:
        case ListType(item):
            return has_arrays(item)
        case TupleType(items):
            return any(map(has_arrays, items))
        case UnionType(alternatives):
            return any(map(has_arrays, alternatives))
        case RecordType(fields):
            return any(has_arrays(part) for _, part in fields)
        case NamedType():
            return _is_array(kind) or has_arrays(CATALOGUE.base(kind))
        case Variable():
            return True
    return False
