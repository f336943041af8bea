"""Named types. A named type is written `Name<arguments>`, stands for another type, and is not interchangeable with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pie_flow.types import NamedType, Type


@dataclass(frozen=True, slots=True)
class Definition:
    """`name<parameters> := type`."""

    name: str
    parameters: tuple[str, ...]
    """Names of the type variables in `type`."""
    type: Type
    domain: str = ""
    """What it belongs to: imaging, audio, …"""
    summary: str = ""

    def __str__(self) -> str:
        head = NamedType(self.name, tuple(map(_variable, self.parameters)))
        return f"{head} := {self.type}"


def _variable(name: str) -> Type:
    raise NotImplementedError


class Catalogue:
    """Definitions by name. Immutable."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        """Raises UnknownTypeError unless every name that a definition uses is defined before it: so none contains itself."""

    @property
    def names(self) -> Sequence[str]:
        """Sorted."""
        raise NotImplementedError

    def definition(self, name: str) -> Definition:
        """Raises UnknownTypeError."""
        raise NotImplementedError

    def base(self, named: NamedType) -> Type:
        """What a named type stands for, with its arguments in place. Raises UnknownTypeError."""
        raise NotImplementedError

    def check(self, kind: Type) -> None:
        """Raises UnknownTypeError when a named type in it is not defined, or has another number of arguments."""
        raise NotImplementedError

    def parse(self, text: str) -> Type:
        """`parse_type` and `check`: what everybody calls with a type that came from outside."""
        raise NotImplementedError


CATALOGUE = Catalogue(())
"""The types that come with the platform, and `Nothing`, `Just<t>`, `Maybe<t>`."""
