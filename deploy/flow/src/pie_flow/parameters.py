"""The parameters of a transformation: what it declares, and the literals that a vertex gives it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NoReturn

from pie_flow import limits
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError, TransformationError
from pie_flow.literals import parse_literal
from pie_flow.types import Type
from pie_flow.values import Value


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    type: str
    """A type; `t` in `Transformation.parameters` where the parameter `type` decides it."""
    default: str | None = None
    """A literal. None: must be given."""
    mutable: bool = False
    description: str = ""


OPEN = "t"
"""Type of a parameter whose real type stands in the parameter `type`."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """The literals that one vertex gives its transformation. What is read is checked; all errors name the parameter."""

    transformation: str
    declared: Mapping[str, ParameterInfo]
    given: Mapping[str, str]

    def infos(self) -> Mapping[str, ParameterInfo]:
        """The declared parameters, with the types that they have here."""
        return {
            name: replace(info, type=str(self.type("type"))) if info.type == OPEN else info for name, info in self.declared.items()
        }

    def check(self) -> None:
        """Raises TransformationError unless everything that is given is known and of its type."""
        self._check_names()
        for name in self.given:
            self.value(name)

    def with_values(self, changed: Mapping[str, str]) -> "Arguments":
        """With other literals of mutable parameters. Raises TransformationError."""
        for name in changed:
            if name not in self.declared or not self.declared[name].mutable:
                raise TransformationError(f"{self.transformation} has no mutable parameter {name!r}")
        arguments = replace(self, given={**self.given, **changed})
        arguments.check()
        return arguments

    def value(self, name: str) -> Value:
        info = self.declared[name]
        literal = self.given.get(name, info.default)
        if literal is None:
            self._check_names()  # a slip of the pen is why it is missing
            raise TransformationError(f"{self.transformation} needs the parameter {name}")
        kind = self.type("type") if info.type == OPEN else CATALOGUE.parse(info.type)
        try:
            return parse_literal(literal, kind)
        except FlowError as error:
            self.refuse(name, str(error))

    def type(self, name: str) -> Type:
        """The value of a parameter that is the text of a type."""
        return self._parsed(name, self.value(name))

    def types(self, name: str) -> tuple[Type, ...]:
        texts = self.value(name)
        if len(texts) > limits.POSITIONS_MAX:
            self.refuse(name, f"at most {limits.POSITIONS_MAX}")
        return tuple(self._parsed(name, text) for text in texts)

    def count(self, name: str, low: int, high: int) -> int:
        number: int = self.value(name)
        if not low <= number <= high:
            self.refuse(name, f"from {low} to {high}, not {number}")
        return number

    def refuse(self, name: str, reason: str) -> NoReturn:
        raise TransformationError(f"{self.transformation}: parameter {name}: {reason}")

    def _check_names(self) -> None:
        for name in self.given:
            if name not in self.declared:
                known = ", ".join(self.declared) or "none"
                raise TransformationError(f"{self.transformation} has no parameter {name!r}; it has {known}")

    def _parsed(self, name: str, text: str) -> Type:
        try:
            return CATALOGUE.parse(text)
        except FlowError as error:
            self.refuse(name, f"{text[:80]!r} is no type: {error}")
