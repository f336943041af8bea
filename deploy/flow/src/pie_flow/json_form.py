"""The JSON form of values, for what comes in and goes out of a graph as text.

Records are objects, lists and tuples arrays, Bytes base64, non-finite floats the strings NaN, Infinity and -Infinity. A union's
value is bare where its JSON kind tells the alternative, else `{"tag": value}`; unions of names without content are strings; a
Maybe is null or the bare value, unless that may itself be null. Arrays are the records that their types stand for.
"""

import base64
import binascii
import math
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from pie_flow import arrays, limits
from pie_flow.catalogue import CATALOGUE, Catalogue
from pie_flow.conform import ATOMS, conformer, wrap
from pie_flow.errors import ValueTypeError
from pie_flow.types import UNIT, Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable
from pie_flow.variants import NOTHING, Alternative, Variant, alternatives, is_maybe, just, python_class
from pie_flow.walk import Convert, at, fields, items, positions, refuse

_NON_FINITE: Mapping[str, float] = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def to_json(value: Any, kind: Type, catalogue: Catalogue = CATALOGUE) -> bytes:
    """Compact JSON. The value is checked on the way. Raises ValueTypeError."""
    conformed = at(conformer(kind, catalogue), value, "root")
    return msgspec.json.encode(_encoder(kind, catalogue)(conformed))


def from_json(data: bytes | str, kind: Type, catalogue: Catalogue = CATALOGUE) -> Any:
    """The inverse of `to_json`. Raises ValueTypeError, also for what is not JSON or nested without measure."""
    try:
        plain = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueTypeError("root", f"not JSON: {error}") from error
    except RecursionError as error:
        raise ValueTypeError("root", "JSON nested too deeply") from error
    return at(_decoder(kind, catalogue), plain, "root")


# --- Which form a union has ------------------------------------------------------------------------------------------


def _json_class(kind: Type) -> type | None:
    """What the values of a type are in JSON. None: it depends, or always a tag."""
    match kind:
        case Atom("Bool"):
            return bool
        case Atom("String" | "Char" | "Bytes"):
            return str
        case Atom():
            return float
        case ListType() | TupleType():
            return list
        case RecordType():
            return dict
        case _:
            return None


def _class_of(plain: object) -> type | None:
    for kind in (bool, str, list, dict):
        if isinstance(plain, kind):
            return kind
    return float if isinstance(plain, (int, float)) else None


def _is_enumeration(kind: UnionType, catalogue: Catalogue) -> bool:
    return all(isinstance(part, NamedType) and catalogue.base(part) == UNIT for part in kind.alternatives)


def _may_be_null(kind: Type, catalogue: Catalogue) -> bool:
    if isinstance(kind, NamedType):
        return _may_be_null(catalogue.base(kind), catalogue)
    return isinstance(kind, Variable) or is_maybe(kind)


# --- Encoding --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _encoder(kind: Type, catalogue: Catalogue) -> Convert:
    """From a value that conforms to what msgspec writes as JSON."""
    match kind:
        case Atom("Bytes"):
            return lambda value: base64.b64encode(value).decode()
        case Atom("Float" | "Double"):
            return _encode_float
        case Atom():
            return lambda value: value
        case ListType(item):
            return items(_encoder(item, catalogue))
        case TupleType(parts):
            return positions([_encoder(part, catalogue) for part in parts], tuple, list)
        case RecordType(named):
            return fields({name: _encoder(field, catalogue) for name, field in named})
        case UnionType():
            return _encode_union(kind, catalogue)
        case NamedType(name):
            encode = _encoder(catalogue.base(kind), catalogue)
            if name not in arrays.ARRAY_TYPES or catalogue is not CATALOGUE:
                return encode
            return lambda value: encode(arrays.to_record(name, value))
        case Variable():
            return _encode_anything


def _encode_float(value: float) -> Any:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _encode_union(kind: UnionType, catalogue: Catalogue) -> Convert:
    options = alternatives(kind)
    encoders = {option.tag: _encoder(option.type, catalogue) for option in options}
    by_tag = {option.tag: option for option in options}
    if _is_enumeration(kind, catalogue):
        return lambda value: value.tag
    if is_maybe(kind):
        is_bare = not _may_be_null(_content(kind), catalogue)
        return lambda value: None if value.tag == NOTHING.tag else _maybe(encoders["Just"](value.value), is_bare)
    bare = {python_class(option.type): option for option in options if option.is_bare}
    untagged = _by_json_class(options)

    def encode(value: Any) -> Any:
        option = by_tag[value.tag] if isinstance(value, Variant) else bare[type(value)]
        plain = encoders[option.tag](value.value if isinstance(value, Variant) else value)
        return plain if untagged.get(_class_of(plain)) is option else {option.tag: plain}

    return encode


def _content(maybe: UnionType) -> Type:
    just_type = next(part for part in maybe.alternatives if isinstance(part, NamedType) and part.name == "Just")
    return just_type.arguments[0]


def _maybe(plain: Any, is_bare: bool) -> Any:
    return plain if is_bare else {"Just": plain}


def _encode_anything(value: Any) -> Any:
    if isinstance(value, float):
        return _encode_float(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (list, tuple)):
        return [_encode_anything(item) for item in value]
    if isinstance(value, dict):
        return {name: _encode_anything(item) for name, item in value.items()}
    if isinstance(value, Variant):
        return {value.tag: _encode_anything(value.value)}
    return _encode_anything(arrays.to_record("Tensor", value)) if arrays.is_array(value) else value


# --- Decoding --------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _decoder(kind: Type, catalogue: Catalogue) -> Convert:
    """From what msgspec read to a value that conforms."""
    match kind:
        case Atom("Bytes"):
            return _decode_bytes
        case Atom("Float" | "Double" as name):
            return lambda plain: ATOMS[name](_NON_FINITE.get(plain, plain) if isinstance(plain, str) else plain)
        case Atom(name):
            return ATOMS[name]
        case ListType(item):
            return items(_decoder(item, catalogue))
        case TupleType(parts):
            return positions([_decoder(part, catalogue) for part in parts], list, tuple)
        case RecordType(named):
            return fields({name: _decoder(field, catalogue) for name, field in named})
        case UnionType():
            return _decode_union(kind, catalogue)
        case NamedType(name):
            decode = _decoder(catalogue.base(kind), catalogue)
            if name not in arrays.ARRAY_TYPES or catalogue is not CATALOGUE:
                return decode
            return lambda plain: arrays.from_record(name, decode(plain))
        case Variable():
            return lambda plain: _decode_anything(plain, limits.VALUE_DEPTH_MAX)


def _decode_bytes(plain: Any) -> bytes:
    if not isinstance(plain, str):
        refuse(plain, "base64 text")
    try:
        return base64.b64decode(plain, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueTypeError("", f"not base64: {error}") from error


def _decode_union(kind: UnionType, catalogue: Catalogue) -> Convert:
    options = alternatives(kind)
    by_tag = {option.tag: option for option in options}
    decoders = {option.tag: _decoder(option.type, catalogue) for option in options}
    if _is_enumeration(kind, catalogue):
        return lambda plain: Variant(plain, ()) if isinstance(plain, str) and plain in by_tag else refuse(plain, str(kind))
    if is_maybe(kind) and not _may_be_null(_content(kind), catalogue):
        return lambda plain: NOTHING if plain is None else just(decoders["Just"](plain))
    by_class = _by_json_class(options)

    def decode(plain: Any) -> Any:
        if plain is None and is_maybe(kind):
            return NOTHING
        option, content = _tagged(plain, by_tag)
        if option is not None:
            return wrap(option, at(decoders[option.tag], content, f"|{option.tag}"))
        option = by_class.get(_class_of(plain))
        return wrap(option, decoders[option.tag](plain)) if option is not None else refuse(plain, str(kind))

    return decode


def _by_json_class(options: tuple[Alternative, ...]) -> Mapping[type | None, Alternative]:
    """The alternatives that need no tag."""
    classes = Counter(_json_class(option.type) for option in options)
    return {
        _json_class(option.type): option
        for option in options
        if _json_class(option.type) is not None and classes[_json_class(option.type)] == 1
    }


def _tagged(plain: Any, by_tag: Mapping[str, Alternative]) -> tuple[Alternative | None, Any]:
    if isinstance(plain, dict) and len(plain) == 1:
        ((tag, content),) = plain.items()
        return by_tag.get(tag), content
    return None, None


def _decode_anything(plain: Any, depth: int) -> Any:
    if plain is None:
        return NOTHING
    if depth == 0:
        raise ValueTypeError("", f"nested more than {limits.VALUE_DEPTH_MAX} levels deep")
    if isinstance(plain, list):
        return [_decode_anything(item, depth - 1) for item in plain]
    if isinstance(plain, dict):
        return {name: _decode_anything(item, depth - 1) for name, item in plain.items()}
    return plain
