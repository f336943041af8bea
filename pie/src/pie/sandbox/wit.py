"""WIT types as values: what a component says about its functions, read by `pie.sandbox.introspection`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Scalar:
    """bool, s8 … u64, f32, f64, char."""

    name: str


@dataclass(frozen=True, slots=True)
class String:
    pass


@dataclass(frozen=True, slots=True)
class List:
    element: "WitType"


@dataclass(frozen=True, slots=True)
class Record:
    fields: tuple[tuple[str, "WitType"], ...]


@dataclass(frozen=True, slots=True)
class Tuple:
    elements: tuple["WitType", ...]


@dataclass(frozen=True, slots=True)
class Variant:
    cases: tuple[tuple[str, "WitType | None"], ...]


@dataclass(frozen=True, slots=True)
class Enum:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Option:
    inner: "WitType"


@dataclass(frozen=True, slots=True)
class Result:
    ok: "WitType | None"
    err: "WitType | None"


@dataclass(frozen=True, slots=True)
class Flags:
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Own:
    """An owned handle. Which resource it is, wasmtime checks."""


@dataclass(frozen=True, slots=True)
class Borrow:
    pass


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A type of a later component model (stream, future, map, …). Functions that use it cannot be linked."""

    kind: int


WitType = Scalar | String | List | Record | Tuple | Variant | Enum | Option | Result | Flags | Own | Borrow | Unsupported


@dataclass(frozen=True)
class Function:
    parameters: tuple[WitType, ...]
    result: WitType | None

    def is_supported(self) -> bool:
        return all(map(is_supported, (*self.parameters, self.result)))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.parameters, self.result))


@dataclass(frozen=True)
class InstanceType:
    """What an imported or exported interface consists of."""

    functions: Mapping[str, Function]
    resources: frozenset[str] = frozenset()
    types: Mapping[str, WitType] = field(default_factory=dict)


@dataclass(frozen=True)
class ComponentType:
    imports: Mapping[str, InstanceType]
    exports: Mapping[str, InstanceType]
    other_imports: tuple[str, ...] = ()
    """Names of imports that are no interfaces: functions, modules and components at the root."""


def is_supported(wit_type: WitType | None) -> bool:
    """Whether values of the type can cross."""
    match wit_type:
        case Unsupported():
            return False
        case List(inner) | Option(inner):
            return is_supported(inner)
        case Record(parts) | Variant(parts):
            return all(is_supported(inner) for _, inner in parts)
        case Tuple(elements):
            return all(map(is_supported, elements))
        case Result(ok, err):
            return is_supported(ok) and is_supported(err)
        case _:
            return True


_NAME = re.compile(r"(?P<interface>[^@]+)(@(?P<major>\d+)\.(?P<minor>\d+)\.(?P<patch>\d+)(?P<rest>[-+].*)?)?")


def compatible(name: str, other: str) -> bool:
    """Whether two interface names mean the same interface at versions that may stand for one another (semantic versioning)."""
    if name == other:
        return True
    one, two = _NAME.fullmatch(name), _NAME.fullmatch(other)
    return one is not None and two is not None and _track(one) is not None and _track(one) == _track(two)


def _track(match: re.Match[str]) -> tuple[str, str, str] | None:
    """(interface, major, minor while major is 0), None where only equal names are compatible."""
    major, minor, patch = match["major"], match["minor"], match["patch"]
    if major is None or match["rest"] or (major == "0" and minor == "0" and patch):
        return None
    return match["interface"], major, minor if major == "0" else ""
