"""Whether values are of a type, and their canonical form (the table in `pie_flow.values`)."""

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from pie_flow import arrays, limits
from pie_flow.catalogue import CATALOGUE, Catalogue
from pie_flow.errors import ValueTypeError
from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable
from pie_flow.variants import Alternative, Variant, alternatives, python_class
from pie_flow.walk import Convert, at, fields, items, positions, refuse

Value = Any

FLOAT_MAX = 3.4028234663852886e38
RANGES: Mapping[str, tuple[int, int]] = {
    "Int32": (-(2**31), 2**31 - 1),
    "Int64": (-(2**63), 2**63 - 1),
    "UInt32": (0, 2**32 - 1),
    "UInt64": (0, 2**64 - 1),
}


def conform(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> Value:
    """The value in the form that the table of `pie_flow.values` says. What an author may write instead: an int for a Float or
    Double, numpy scalars, a bare value for a variant where only one alternative takes it, arrays that are not contiguous. Raises
    ValueTypeError. Checkers are made once per type and kept: a call costs about what the value's parts cost.
    """
    return at(conformer(kind, catalogue), value, "root")


def check(value: Value, kind: Type, catalogue: Catalogue = CATALOGUE) -> None:
    """Raises ValueTypeError, with the path of the part that is wrong, where `conform` does."""
    conform(value, kind, catalogue)


@lru_cache(maxsize=4096)
def conformer(kind: Type, catalogue: Catalogue = CATALOGUE) -> Convert:
    """`conform` for one type. The path of its errors is relative."""
    match kind:
        case Atom(name):
            return ATOMS[name]
        case ListType(item):
            return items(conformer(item, catalogue))
        case TupleType(parts):
            return positions([conformer(part, catalogue) for part in parts], tuple, tuple)
        case RecordType(named):
            return fields({name: conformer(field, catalogue) for name, field in named})
        case UnionType():
            return _union(kind, catalogue)
        case NamedType(name) if name in arrays.ARRAY_TYPES and catalogue is CATALOGUE:
            return lambda value: arrays.conform(name, value)
        case NamedType():
            return conformer(catalogue.base(kind), catalogue)
        case Variable():
            return lambda value: _anything(value, limits.VALUE_DEPTH_MAX)


# --- Atoms -----------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """A numpy scalar as what it is in Python."""
    numpy = sys.modules.get("numpy")
    return value.item() if numpy is not None and isinstance(value, numpy.generic) else value


def _bool(value: Any) -> bool:
    plain = _plain(value)
    if not isinstance(plain, bool):
        refuse(value, "a Bool")
    return plain


def _integer(name: str) -> Convert:
    low, high = RANGES[name]

    def conform_integer(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        plain = _plain(value)
        if not isinstance(plain, int) or isinstance(plain, bool) or not low <= plain <= high:
            refuse(value, f"an integer from {low} to {high}")
        return int(plain)

    return conform_integer


def _double(value: Any) -> float:
    if type(value) is float:
        return value
    plain = _plain(value)
    if not isinstance(plain, (int, float)) or isinstance(plain, bool):
        refuse(value, "a number")
    try:
        return float(plain)
    except OverflowError:
        refuse(value, "a number within the range of Double")


def _float(value: Any) -> float:
    number = _double(value)
    if FLOAT_MAX < abs(number) < float("inf"):
        refuse(value, "a number within the range of Float")
    return number


def _string(value: Any) -> str:
    if not isinstance(value, str):
        refuse(value, "a String")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueTypeError("", "text holds half of a surrogate pair") from None
    return str(value)


def _char(value: Any) -> str:
    if not isinstance(value, str) or len(value) != 1:
        refuse(value, "a String of one character")
    return _string(value)


def _bytes(value: Any) -> bytes:
    if type(value) is bytes:
        return value
    if not isinstance(value, (bytes, bytearray, memoryview)):
        refuse(value, "Bytes")
    return bytes(value)


ATOMS: Mapping[str, Convert] = {
    "Bool": _bool,
    "Bytes": _bytes,
    "Char": _char,
    "Double": _double,
    "Float": _float,
    "String": _string,
    **{name: _integer(name) for name in RANGES},
}


# --- Unions and what is open -----------------------------------------------------------------------------------------


def _union(kind: UnionType, catalogue: Catalogue) -> Convert:
    options = alternatives(kind)
    converts = {option.tag: conformer(option.type, catalogue) for option in options}
    by_tag = {option.tag: option for option in options}
    wanted = str(kind)
    bare = {python_class(option.type): option for option in options if option.is_bare}

    def conform_union(value: Any) -> Any:
        if isinstance(value, Variant):
            if value.tag not in by_tag:
                raise ValueTypeError("", f"{value.tag[:40]!r} is no alternative of {wanted}")
            return wrap(by_tag[value.tag], at(converts[value.tag], value.value, f"|{value.tag}"))
        option = bare.get(type(value))
        if option is not None:
            return converts[option.tag](value)
        return wrap(*the_only(options, converts, value, wanted))

    return conform_union


def wrap(option: Alternative, value: Any) -> Any:
    return value if option.is_bare else Variant(option.tag, value)


def the_only(
    options: tuple[Alternative, ...], converts: Mapping[str, Callable[[Any], Any]], value: Any, wanted: str
) -> tuple[Alternative, Any]:
    """The one alternative that takes a value without a tag, and what it makes of it. Raises ValueTypeError unless there is one."""
    fitting: list[tuple[Alternative, Any]] = []
    for option in options:
        try:
            fitting.append((option, converts[option.tag](value)))
        except ValueTypeError:
            continue
    if len(fitting) > 1:
        raise ValueTypeError("", f"may be {' or '.join(option.tag for option, _ in fitting)}: say which")
    if not fitting:
        refuse(value, wanted)
    return fitting[0]


def _anything(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueTypeError("", f"nested more than {limits.VALUE_DEPTH_MAX} levels deep")
    if value is None:
        refuse(value, "a value")
    if isinstance(value, (bool, float, str, bytes)):
        return _string(value) if isinstance(value, str) else value
    if isinstance(value, int):
        return ATOMS["UInt64" if value > 0 else "Int64"](value)
    if isinstance(value, (list, tuple)):
        return type(value)(_anything(item, depth - 1) for item in value)
    if isinstance(value, dict):
        return {_string(name): _anything(item, depth - 1) for name, item in value.items()}
    if isinstance(value, Variant):
        return Variant(value.tag, _anything(value.value, depth - 1))
    return arrays.conform("Tensor", value) if arrays.is_array(value) else refuse(value, "a value")
