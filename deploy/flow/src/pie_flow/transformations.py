"""Transformations: vertices that only reshape. What each takes, what it gives, and its step, a pure object.

A vertex's parameters decide its signature (`pack_record` has as many inputs as fields), so those that do must be given when the
vertex is
added. Parameters that hold a type or names are ordinary Strings: `type: "[Int64]"` is written `"[Int64]"`, with quotes, as every
String literal.

constant       type, value*          (t) → (type)            the value, once per message
convert        from, to              (from) → (to)           numbers, Bool, Char by the rules of C++: ints wrap, floats truncate
pack_record    fields                (a, b, …) → ({x: a, y: b, …})
unpack_record  fields                ({x: a, y: b, …}) → (a, b, …)
pack_tuple     size=2                (a, b, …) → ((a, b, …))
unpack_tuple   size=2                ((a, b, …)) → (a, b, …)
field          type, name            (type) → (its field's type)     type: a record, or a named type that stands for one
flatten                              ([t]) → (t)             each element
to_list                              (t) → ([t])             lists of one
window         size, step=0          (t) → ([t])             lists of `size` values, one every `step` values (0: size)
filter                               (t, Bool) → (t)         the values whose predicate is true
cond                                 (t, Bool) → (Maybe<t>)
just_or        type, value*          (Maybe<type>) → (type)
unpack_named   type                  (Name) → (what it stands for)
wrap_named     type                  (what Name stands for) → (Name)
unpack_union   type                  (A | B | …) → (A, B, …)    each value at its alternative's output, ordered as printed
wrap_union     type, alternative     (A) → (A | B | …)
repeat         count*                (t) → (t)
merge          size=2                (t, t, …) → (t)         in the order of arrival
zip                                  (a, b) → ((a, b))
delay_one      type, value           (type) → (type)         the value first, then what comes
tee            size=2                (t) → (t, t, …)
sketch         inputs, outputs, readme=""                    a placeholder; cannot be started        (* mutable)
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pie_flow import arrays, limits
from pie_flow.catalogue import CATALOGUE
from pie_flow.conform import wrap
from pie_flow.conversion import NUMERIC, converter
from pie_flow.errors import TransformationError
from pie_flow.parameters import OPEN, Arguments, ParameterInfo
from pie_flow.steps import DelayOne, Each, Emission, Failed, Join, Merge, Step, Window
from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType, Variable, record
from pie_flow.unify import variables
from pie_flow.values import NOTHING, Value, Variant, just
from pie_flow.variants import Alternative, alternatives, python_class

__all__ = ["TRANSFORMATIONS", "Emission", "Failed", "ParameterInfo", "Signature", "Step", "Transformation"]

Types = Sequence[Type]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a transformation is, given its parameters."""

    inputs: tuple[Type, ...]
    outputs: tuple[Type, ...]
    parameters: Mapping[str, ParameterInfo] = field(default_factory=dict)
    """With the types that they have in this vertex: `constant`'s `value` is of the type that its `type` says."""


@dataclass(frozen=True, slots=True)
class Transformation:
    name: str
    summary: str
    parameters: Mapping[str, ParameterInfo]
    _shape: Callable[[Arguments], tuple[Types, Types]]
    _start: Callable[[Arguments], Step]

    def signature(self, parameters: Mapping[str, str]) -> Signature:
        """Inputs, outputs and parameters, from literals. Raises TransformationError when a parameter that decides them is missing
        or wrong, also when any other that is given is unknown or not of its type.
        """
        arguments = Arguments(self.name, self.parameters, parameters)
        inputs, outputs = self._shape(arguments)
        arguments.check()
        return Signature(tuple(inputs), tuple(outputs), arguments.infos())

    def start(self, parameters: Mapping[str, str]) -> Step:
        """Raises TransformationError; `sketch` always does."""
        arguments = Arguments(self.name, self.parameters, parameters)
        arguments.check()
        return self._start(arguments)


T = Variable("t")
_BOOL = Atom("Bool")
_TYPE = ParameterInfo("String", description="A type, as text.")
_VALUE = ParameterInfo(OPEN)
_MUTABLE_VALUE = ParameterInfo(OPEN, mutable=True)
_SIZE = ParameterInfo("UInt32", default="2")
_FIELD = re.compile(r"[a-z_][A-Za-z0-9_]*")


# --- What they share -------------------------------------------------------------------------------------------------


def _fields(arguments: Arguments) -> list[str]:
    names: list[str] = arguments.value("fields")
    if not 1 <= len(names) <= limits.POSITIONS_MAX or len(set(names)) < len(names):
        arguments.refuse("fields", f"1 to {limits.POSITIONS_MAX} different names")
    for name in names:
        if not _FIELD.fullmatch(name) or len(name) > limits.IDENTIFIER_CHARACTERS_MAX:
            arguments.refuse("fields", f"{name[:80]!r} is no field's name")
    return names


def _size(arguments: Arguments) -> int:
    return arguments.count("size", 1, limits.POSITIONS_MAX)


def _variables(names: Iterable[object]) -> list[Type]:
    return [Variable(str(name)) for name in names]


def _numbered(count: int) -> list[Type]:
    return _variables(f"t{position}" for position in range(count))


def _record(arguments: Arguments) -> Type:
    names = _fields(arguments)
    return record((name, Variable(name)) for name in names)


def _numeric(arguments: Arguments, name: str) -> str:
    kind = arguments.type(name)
    if str(kind) not in NUMERIC:
        arguments.refuse(name, f"one of {', '.join(NUMERIC)}, not {kind}")
    return str(kind)


def _named(arguments: Arguments) -> NamedType:
    kind = arguments.type("type")
    if not isinstance(kind, NamedType):
        arguments.refuse("type", f"a named type, not {kind}")
    return kind


def _union(arguments: Arguments) -> tuple[Alternative, ...]:
    """The alternatives of the parameter `type`. Tags that are printed types must be final."""
    kind = arguments.type("type")
    if not isinstance(kind, UnionType):
        arguments.refuse("type", f"a union, not {kind}")
    options = alternatives(kind)
    for option in options:
        if variables(option.type) and not option.is_bare and option.tag == str(option.type):
            arguments.refuse("type", f"{option.type} may not hold a type variable beside alternatives that are like it")
    return options


def _alternative(arguments: Arguments) -> Alternative:
    options = _union(arguments)
    wanted = arguments.type("alternative")
    for option in options:
        if option.type == wanted:
            return option
    return arguments.refuse("alternative", f"one of {', '.join(str(option.type) for option in options)}, not {wanted}")


def _maybe(content: Type) -> Type:
    return NamedType("Maybe", (content,))


def _each(apply: Callable[[Value], list[Emission]], outputs: int = 1) -> Callable[[Arguments], Step]:
    return lambda arguments: Each(arguments, lambda _: apply, outputs)


def _to(convert: Callable[[Value], Value]) -> Callable[[Value], list[Emission]]:
    return lambda value: [(0, convert(value))]


# --- Steps that need more than a line --------------------------------------------------------------------------------


def _start_pack_record(arguments: Arguments) -> Step:
    names = _fields(arguments)
    return Join(arguments, len(names), lambda *values: [(0, dict(zip(names, values, strict=True)))])


def _start_unpack_record(arguments: Arguments) -> Step:
    names = _fields(arguments)
    return Each(arguments, lambda _: lambda value: [(index, value[name]) for index, name in enumerate(names)], len(names))


def _start_pack_tuple(arguments: Arguments, size: int) -> Step:
    return Join(arguments, size, lambda *values: [(0, values)])


def _start_unpack_tuple(arguments: Arguments) -> Step:
    return Each(arguments, lambda _: lambda value: list(enumerate(value)), _size(arguments))


def _start_tee(arguments: Arguments) -> Step:
    size = _size(arguments)
    return Each(arguments, lambda _: lambda value: [(output, value) for output in range(size)], size)


def _start_filter(arguments: Arguments) -> Step:
    return Join(arguments, 2, lambda value, keep: [(0, value)] if keep else [])


def _start_cond(arguments: Arguments) -> Step:
    return Join(arguments, 2, lambda value, keep: [(0, just(value) if keep else NOTHING)])


def _constantly(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    value = arguments.value("value")
    return lambda _: [(0, value)]


def _or_else(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    default = arguments.value("value")
    return _to(lambda value: default if value.tag == NOTHING.tag else value.value)


def _repeating(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    count = arguments.count("count", 0, limits.REPEAT_MAX)
    return lambda value: [(0, value)] * count


def _converting(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    return _to(converter(_numeric(arguments, "from"), _numeric(arguments, "to")))


def _field_type(arguments: Arguments) -> Type:
    kind = arguments.type("type")
    while isinstance(kind, NamedType):
        kind = CATALOGUE.base(kind)
    name = arguments.value("name")
    if not isinstance(kind, RecordType) or name not in dict(kind.fields):
        arguments.refuse("name", f"{kind} has no field {name[:80]!r}")
    return dict(kind.fields)[name]


def _field_of(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    _field_type(arguments)
    kind, name = arguments.type("type"), arguments.value("name")
    while isinstance(kind, NamedType) and kind.name not in arrays.ARRAY_TYPES:
        kind = CATALOGUE.base(kind)
    array_type = kind.name if isinstance(kind, NamedType) else None
    return _to(lambda value: (value if array_type is None else arrays.to_record(array_type, value))[name])


def _unwrapping(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    name = _named(arguments).name
    return _to(lambda value: arrays.to_record(name, value) if name in arrays.ARRAY_TYPES else value)


def _wrapping(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    name = _named(arguments).name
    return _to(lambda value: arrays.from_record(name, value) if name in arrays.ARRAY_TYPES else value)


def _start_unpack_union(arguments: Arguments) -> Step:
    options = _union(arguments)
    by_tag = {option.tag: position for position, option in enumerate(options)}
    by_class = {python_class(option.type): position for position, option in enumerate(options) if option.is_bare}

    def unpack(value: Any) -> list[Emission]:
        return [(by_tag[value.tag], value.value)] if isinstance(value, Variant) else [(by_class[type(value)], value)]

    return Each(arguments, lambda _: unpack, len(options))


def _into_union(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    option = _alternative(arguments)
    return _to(lambda value: wrap(option, value))


def _window_size(arguments: Arguments) -> tuple[int, int]:
    size = arguments.count("size", 1, limits.WINDOW_MAX)
    step = arguments.count("step", 0, limits.WINDOW_MAX)
    return size, step or size


def _window_shape(arguments: Arguments) -> tuple[Types, Types]:
    _window_size(arguments)
    return (T,), (ListType(T),)


def _start_sketch(arguments: Arguments) -> Step:
    raise TransformationError("a sketch is a placeholder: replace it by what it stands for")


# --- The set ---------------------------------------------------------------------------------------------------------


def _counted(arguments: Arguments) -> tuple[Types, Types]:
    arguments.count("count", 0, limits.REPEAT_MAX)
    return (T,), (T,)


def _all() -> Iterable[Transformation]:
    yield Transformation(
        "constant",
        "Turns every message into the same value.",
        {"type": _TYPE, "value": _MUTABLE_VALUE},
        lambda given: ((T,), (given.type("type"),)),
        lambda given: Each(given, _constantly),
    )
    yield Transformation(
        "convert",
        "Converts a number, by the rules of C++.",
        {"from": _TYPE, "to": _TYPE},
        lambda given: ((Atom(_numeric(given, "from")),), (Atom(_numeric(given, "to")),)),
        lambda given: Each(given, _converting),
    )
    yield Transformation(
        "pack_record",
        "Makes a record of one value from each input.",
        {"fields": ParameterInfo("[String]")},
        lambda given: (_variables(_fields(given)), (_record(given),)),
        _start_pack_record,
    )
    yield Transformation(
        "unpack_record",
        "Gives each field of a record an output of its own.",
        {"fields": ParameterInfo("[String]")},
        lambda given: ((_record(given),), _variables(_fields(given))),
        _start_unpack_record,
    )
    yield Transformation(
        "pack_tuple",
        "Makes a tuple of one value from each input.",
        {"size": _SIZE},
        lambda given: (_numbered(_size(given)), (TupleType(tuple(_numbered(_size(given)))),)),
        lambda given: _start_pack_tuple(given, _size(given)),
    )
    yield Transformation(
        "unpack_tuple",
        "Gives each element of a tuple an output of its own.",
        {"size": _SIZE},
        lambda given: ((TupleType(tuple(_numbered(_size(given)))),), _numbered(_size(given))),
        _start_unpack_tuple,
    )
    yield Transformation(
        "field",
        "Takes one field out of a record.",
        {"type": _TYPE, "name": ParameterInfo("String")},
        lambda given: ((given.type("type"),), (_field_type(given),)),
        lambda given: Each(given, _field_of),
    )
    yield Transformation(
        "flatten",
        "Emits each element of a list.",
        {},
        lambda _: ((ListType(T),), (T,)),
        _each(lambda value: [(0, item) for item in value]),
    )
    yield Transformation(
        "to_list", "Makes a list of each single value.", {}, lambda _: ((T,), (ListType(T),)), _each(_to(lambda value: [value]))
    )
    yield Transformation(
        "window",
        "Gathers values to lists of a size, each beginning a step after the one before.",
        {
            "size": ParameterInfo("UInt32"),
            "step": ParameterInfo("UInt32", default="0", description="0: as large as the size, so that windows do not overlap."),
        },
        _window_shape,
        lambda given: Window(given, *_window_size(given)),
    )
    yield Transformation(
        "filter", "Lets those values through whose predicate is true.", {}, lambda _: ((T, _BOOL), (T,)), _start_filter
    )
    yield Transformation(
        "cond", "A value if its predicate is true, else nothing.", {}, lambda _: ((T, _BOOL), (_maybe(T),)), _start_cond
    )
    yield Transformation(
        "just_or",
        "The value inside a Maybe, or a default.",
        {"type": _TYPE, "value": _MUTABLE_VALUE},
        lambda given: ((_maybe(given.type("type")),), (given.type("type"),)),
        lambda given: Each(given, _or_else),
    )
    yield Transformation(
        "unpack_named",
        "Turns a named type's value into what it stands for.",
        {"type": _TYPE},
        lambda given: ((_named(given),), (CATALOGUE.base(_named(given)),)),
        lambda given: Each(given, _unwrapping),
    )
    yield Transformation(
        "wrap_named",
        "Makes a named type's value of what it stands for.",
        {"type": _TYPE},
        lambda given: ((CATALOGUE.base(_named(given)),), (_named(given),)),
        lambda given: Each(given, _wrapping),
    )
    yield Transformation(
        "unpack_union",
        "Sends each value to the output of its alternative.",
        {"type": _TYPE},
        lambda given: ((given.type("type"),), [option.type for option in _union(given)]),
        _start_unpack_union,
    )
    yield Transformation(
        "wrap_union",
        "Makes a union's value of a value of one alternative.",
        {"type": _TYPE, "alternative": _TYPE},
        lambda given: ((_alternative(given).type,), (given.type("type"),)),
        lambda given: Each(given, _into_union),
    )
    yield Transformation(
        "repeat",
        "Emits every value several times.",
        {"count": ParameterInfo("UInt32", mutable=True)},
        _counted,
        lambda given: Each(given, _repeating),
    )
    yield Transformation(
        "merge",
        "Several streams as one, in the order of arrival.",
        {"size": _SIZE},
        lambda given: ([T] * _size(given), (T,)),
        Merge,
    )
    yield Transformation(
        "zip",
        "Pairs the values of two streams.",
        {},
        lambda _: ((Variable("a"), Variable("b")), (TupleType((Variable("a"), Variable("b"))),)),
        lambda given: _start_pack_tuple(given, 2),
    )
    yield Transformation(
        "delay_one",
        "Emits a value of its own first, then what comes: what makes a cycle possible.",
        {"type": _TYPE, "value": _VALUE},
        lambda given: ((given.type("type"),), (given.type("type"),)),
        DelayOne,
    )
    yield Transformation(
        "tee", "Every value at several outputs.", {"size": _SIZE}, lambda given: ((T,), [T] * _size(given)), _start_tee
    )
    yield Transformation(
        "sketch",
        "A placeholder for what is still to be made; a graph with one is not deployed.",
        {
            "inputs": ParameterInfo("[String]", default="[]", description="Types, as text."),
            "outputs": ParameterInfo("[String]", default="[]", description="Types, as text."),
            "readme": ParameterInfo("String", default='""'),
        },
        lambda given: (given.types("inputs"), given.types("outputs")),
        _start_sketch,
    )


TRANSFORMATIONS: Mapping[str, Transformation] = {transformation.name: transformation for transformation in _all()}
