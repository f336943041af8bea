"""How the transformations start: a step for the arguments of a vertex."""

from collections.abc import Callable
from typing import Any

from pie_flow import arrays, limits, shapes
from pie_flow.catalogue import CATALOGUE
from pie_flow.conform import wrap
from pie_flow.conversion import converter
from pie_flow.errors import TransformationError
from pie_flow.parameters import Arguments
from pie_flow.steps import Each, Emission, Join, Step
from pie_flow.types import NamedType
from pie_flow.values import NOTHING, Value, Variant, just
from pie_flow.variants import python_class


def each(apply: Callable[[Value], list[Emission]]) -> Callable[[Arguments], Step]:
    return lambda arguments: Each(arguments, lambda _: apply)


def to(convert: Callable[[Value], Value]) -> Callable[[Value], list[Emission]]:
    return lambda value: [(0, convert(value))]


def pack_record(arguments: Arguments) -> Step:
    names = shapes.field_names(arguments)
    return Join(arguments, len(names), lambda *values: [(0, dict(zip(names, values, strict=True)))])


def unpack_record(arguments: Arguments) -> Step:
    names = shapes.field_names(arguments)
    return Each(arguments, lambda _: lambda value: [(index, value[name]) for index, name in enumerate(names)], len(names))


def pack_tuple(arguments: Arguments, size: int) -> Step:
    return Join(arguments, size, lambda *values: [(0, values)])


def unpack_tuple(arguments: Arguments) -> Step:
    return Each(arguments, lambda _: lambda value: list(enumerate(value)), shapes.size(arguments))


def tee(arguments: Arguments) -> Step:
    size = shapes.size(arguments)
    return Each(arguments, lambda _: lambda value: [(output, value) for output in range(size)], size)


def select(arguments: Arguments) -> Step:
    return Join(arguments, 2, lambda value, keep: [(0, value)] if keep else [])


def cond(arguments: Arguments) -> Step:
    return Join(arguments, 2, lambda value, keep: [(0, just(value) if keep else NOTHING)])


def constantly(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    value = arguments.value("value")
    return lambda _: [(0, value)]


def or_else(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    default = arguments.value("value")
    return to(lambda value: default if value.tag == NOTHING.tag else value.value)


def repeating(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    count = arguments.count("count", 0, limits.REPEAT_MAX)
    return lambda value: [(0, value)] * count


def converting(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    return to(converter(shapes.numeric_name(arguments, "from"), shapes.numeric_name(arguments, "to")))


def take_field(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    shapes.field_type(arguments)
    kind, name = arguments.type("type"), arguments.value("name")
    while isinstance(kind, NamedType) and kind.name not in arrays.ARRAY_TYPES:
        kind = CATALOGUE.base(kind)
    array_type = kind.name if isinstance(kind, NamedType) else None
    return to(lambda value: (value if array_type is None else arrays.to_record(array_type, value))[name])


def unwrapping(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    name = shapes.named_type(arguments).name
    return to(lambda value: arrays.to_record(name, value) if name in arrays.ARRAY_TYPES else value)


def wrapping(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    name = shapes.named_type(arguments).name
    return to(lambda value: arrays.from_record(name, value) if name in arrays.ARRAY_TYPES else value)


def unpack_union(arguments: Arguments) -> Step:
    options = shapes.union_alternatives(arguments)
    by_tag = {option.tag: position for position, option in enumerate(options)}
    by_class = {python_class(option.type): position for position, option in enumerate(options) if option.is_bare}

    def unpack(value: Any) -> list[Emission]:
        return [(by_tag[value.tag], value.value)] if isinstance(value, Variant) else [(by_class[type(value)], value)]

    return Each(arguments, lambda _: unpack, len(options))


def into_union(arguments: Arguments) -> Callable[[Value], list[Emission]]:
    option = shapes.chosen_alternative(arguments)
    return to(lambda value: wrap(option, value))


def sketch(arguments: Arguments) -> Step:
    raise TransformationError("a sketch is a placeholder: replace it by what it stands for")
