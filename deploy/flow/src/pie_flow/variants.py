"""Values of unions: which alternative they are, where the value itself does not tell.

The tag of an alternative is its name (`Just`, `Int32`), or the printed type where that does not tell it from the others. Tags never
look like the name of a record's field, which starts with a small letter.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pie_flow.types import Atom, ListType, NamedType, RecordType, TupleType, Type, UnionType


@dataclass(frozen=True, slots=True)
class Variant:
    """A value of a union that says which alternative it is."""

    tag: str
    value: Any


NOTHING = Variant("Nothing", ())


def just(value: Any) -> Variant:
    return Variant("Just", value)


@dataclass(frozen=True, slots=True)
class Alternative:
    tag: str
    type: Type
    is_bare: bool
    """Whether its values stand without a tag: no other alternative has values of that Python class, and it is not a named type."""


_CLASSES: Mapping[str, type] = {"Bool": bool, "Float": float, "Double": float, "String": str, "Char": str, "Bytes": bytes}


def python_class(kind: Type) -> type | None:
    """What values of a type are in Python. None: it depends."""
    match kind:
        case Atom(name):
            return _CLASSES.get(name, int)
        case ListType():
            return list
        case TupleType():
            return tuple
        case RecordType():
            return dict
        case _:
            return None


def alternatives(kind: UnionType) -> tuple[Alternative, ...]:
    """In the union's own order."""
    names = Counter(alternative.name for alternative in kind.alternatives if isinstance(alternative, NamedType))
    classes = Counter(map(python_class, kind.alternatives))
    return tuple(
        Alternative(
            tag=alternative.name if isinstance(alternative, NamedType) and names[alternative.name] == 1 else str(alternative),
            type=alternative,
            is_bare=python_class(alternative) is not None and classes[python_class(alternative)] == 1,
        )
        for alternative in kind.alternatives
    )


def is_maybe(kind: Type) -> bool:
    """Whether a union is what a Maybe stands for."""
    if not isinstance(kind, UnionType):
        return False
    return (
        sorted(part.name for part in kind.alternatives if isinstance(part, NamedType)) == ["Just", "Nothing"]
        and len(kind.alternatives) == 2
    )
