"""The types of slots, parameters and files. A type is a value: equal types are `==`, whatever order they were written in.

    Atom        Int64, String, …                        one of `ATOMS`
    ListType    [t]
    TupleType   (a, b), (a,), ()
    RecordType  {x: A, y: B}                            unordered: the fields stand sorted by name
    UnionType   A | B                                   unordered: flat, without duplicates, sorted by printed form
    NamedType   Image, Maybe<t>                         defined in a catalogue; never interchangeable with what it stands for
    Variable    t                                       bound by what is connected

Text becomes a type in `pie_flow.parse`, a type becomes text by `str`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

ATOMS = ("Bool", "Bytes", "Char", "Double", "Float", "Int32", "Int64", "String", "UInt32", "UInt64")


@dataclass(frozen=True, slots=True)
class Atom:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListType:
    item: "Type"

    def __str__(self) -> str:
        return f"[{self.item}]"


@dataclass(frozen=True, slots=True)
class TupleType:
    items: tuple["Type", ...]

    def __str__(self) -> str:
        return f"({self.items[0]},)" if len(self.items) == 1 else f"({', '.join(map(str, self.items))})"


@dataclass(frozen=True, slots=True)
class RecordType:
    fields: tuple[tuple[str, "Type"], ...]
    """Sorted by name, each name once; make records with `record`."""

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name}: {kind}" for name, kind in self.fields) + "}"


@dataclass(frozen=True, slots=True)
class UnionType:
    alternatives: tuple["Type", ...]
    """At least two, none of them a union, sorted by printed form; make unions with `union`."""

    def __str__(self) -> str:
        return " | ".join(map(str, self.alternatives))


@dataclass(frozen=True, slots=True)
class NamedType:
    name: str
    arguments: tuple["Type", ...] = ()

    def __str__(self) -> str:
        return f"{self.name}<{', '.join(map(str, self.arguments))}>" if self.arguments else self.name


@dataclass(frozen=True, slots=True)
class Variable:
    name: str
    scope: str = ""
    """Whose variable it is: the vertex, once the type stands in a graph. Equal names in two scopes are two variables."""

    def __str__(self) -> str:
        return self.name


Type = Atom | ListType | TupleType | RecordType | UnionType | NamedType | Variable

UNIT = TupleType(())


def record(fields: Iterable[tuple[str, Type]]) -> RecordType:
    """A record type. Raises ValueError when a name stands twice."""
    ordered = tuple(sorted(fields, key=lambda field: field[0]))
    if len({name for name, _ in ordered}) < len(ordered):
        raise ValueError("a record names each field once")
    return RecordType(ordered)


def union(alternatives: Iterable[Type]) -> Type:
    """The union of types: flat and without duplicates, so one alternative is that type itself. Raises ValueError without any."""
    flat: set[Type] = set()
    for alternative in alternatives:
        flat.update(alternative.alternatives if isinstance(alternative, UnionType) else (alternative,))
    if not flat:
        raise ValueError("a union has at least one alternative")
    ordered = tuple(sorted(flat, key=str))
    return ordered[0] if len(ordered) == 1 else UnionType(ordered)
