"""What the parameters of a transformation say of its inputs and outputs."""

import re
from collections.abc import Iterable

from pie_flow import limits
from pie_flow.catalogue import CATALOGUE
from pie_flow.conversion import NUMERIC
from pie_flow.parameters import Arguments
from pie_flow.types import NamedType, RecordType, TupleType, Type, UnionType, Variable, record
from pie_flow.unions import variables
from pie_flow.variants import Alternative, alternatives

_FIELD = re.compile(r"[a-z_][A-Za-z0-9_]*")


def field_names(arguments: Arguments) -> list[str]:
    names: list[str] = arguments.value("fields")
    if not 1 <= len(names) <= limits.POSITIONS_MAX or len(set(names)) < len(names):
        arguments.refuse("fields", f"1 to {limits.POSITIONS_MAX} different names")
    for name in names:
        if not _FIELD.fullmatch(name) or len(name) > limits.IDENTIFIER_CHARACTERS_MAX:
            arguments.refuse("fields", f"{name[:80]!r} is no field's name")
    return names


def size(arguments: Arguments) -> int:
    return arguments.count("size", 1, limits.POSITIONS_MAX)


def named_variables(names: Iterable[object]) -> list[Type]:
    return [Variable(str(name)) for name in names]


def numbered_variables(count: int) -> list[Type]:
    return named_variables(f"t{position}" for position in range(count))


def tuple_type(count: int) -> Type:
    return TupleType(tuple(numbered_variables(count)))


def record_type(arguments: Arguments) -> Type:
    names = field_names(arguments)
    return record((name, Variable(name)) for name in names)


def numeric_name(arguments: Arguments, name: str) -> str:
    kind = arguments.type(name)
    if str(kind) not in NUMERIC:
        arguments.refuse(name, f"one of {', '.join(NUMERIC)}, not {kind}")
    return str(kind)


def named_type(arguments: Arguments) -> NamedType:
    kind = arguments.type("type")
    if not isinstance(kind, NamedType):
        arguments.refuse("type", f"a named type, not {kind}")
    return kind


def union_alternatives(arguments: Arguments) -> tuple[Alternative, ...]:
    """The alternatives of the parameter `type`. Tags that are printed types must be final."""
    kind = arguments.type("type")
    if not isinstance(kind, UnionType):
        arguments.refuse("type", f"a union, not {kind}")
    options = alternatives(kind)
    for option in options:
        if variables(option.type) and not option.is_bare and option.tag == str(option.type):
            arguments.refuse("type", f"{option.type} may not hold a type variable beside alternatives that are like it")
    return options


def chosen_alternative(arguments: Arguments) -> Alternative:
    options = union_alternatives(arguments)
    wanted = arguments.type("alternative")
    for option in options:
        if option.type == wanted:
            return option
    return arguments.refuse("alternative", f"one of {', '.join(str(option.type) for option in options)}, not {wanted}")


def maybe(content: Type) -> Type:
    return NamedType("Maybe", (content,))


def field_type(arguments: Arguments) -> Type:
    kind = arguments.type("type")
    while isinstance(kind, NamedType):
        kind = CATALOGUE.base(kind)
    name = arguments.value("name")
    if not isinstance(kind, RecordType) or name not in dict(kind.fields):
        arguments.refuse("name", f"{kind} has no field {name[:80]!r}")
    return dict(kind.fields)[name]


def window_size(arguments: Arguments) -> tuple[int, int]:
    size = arguments.count("size", 1, limits.WINDOW_MAX)
    step = arguments.count("step", 0, limits.WINDOW_MAX)
    return size, step or size
