"""What the rules ask about vertices and the values that are given to them."""

import math
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

from pie_deploy.domain.graph import Shape, Slot, Source, Vertex
from pie_deploy.domain.inference import Inference
from pie_deploy.domain.manifest import NAME_PATTERN, NAME_RULE, Parameter
from pie_deploy.domain.manifest_checks import literal_message
from pie_deploy.domain.shape import Shapes
from pie_deploy.domain.suggestion import hint
from pie_deploy.domain.tables import Tables
from pie_deploy.errors import InvalidOperationError, LiteralError, ManifestError, NotFoundError
from pie_flow.catalogue import CATALOGUE
from pie_flow.errors import FlowError
from pie_flow.literals import parse_literal
from pie_flow.types import Type

_NAME = re.compile(NAME_PATTERN.removesuffix("$") + r"\Z")

FileTypes = Callable[[str], str | None]
"""The `file_type` of a file, by id; None: there is no such file."""


class State(Protocol):
    """What the rules look at."""

    @property
    def tables(self) -> Tables: ...

    @property
    def inference(self) -> Inference: ...

    @property
    def shapes(self) -> Shapes: ...

    @property
    def files(self) -> FileTypes | None:
        """None: files are not looked up."""
        ...

    def shape(self, vertex: str) -> Shape:
        """Of a vertex that is there."""
        ...


def check_name(name: str, what: str) -> None:
    if not _NAME.match(name):
        raise InvalidOperationError(f"{name[:80]!r} cannot be {what}", hint=NAME_RULE)


def vertex_of(state: State, name: str) -> Vertex:
    vertex = state.tables.vertices.get(name)
    if vertex is None:
        raise InvalidOperationError(f"there is no vertex {name[:80]!r}", hint=hint(name, state.tables.vertices))
    return vertex


def shape_of_new(state: State, vertex: str, source: Source, parameters: Mapping[str, str]) -> Shape:
    """The shape that the vertex would have with that source and those parameters."""
    try:
        return state.shapes(source, parameters)
    except (NotFoundError, ManifestError, LiteralError) as error:
        raise error.within(f"vertex {vertex}") from error


def check_slot(slot: Slot, count: int, kind: str) -> None:
    if not 0 <= slot.position < count:
        raise InvalidOperationError(f"vertex {slot.vertex} has no {kind} {slot.position}: there {there_are(count, kind)}")


def there_are(count: int, kind: str) -> str:
    return f"is 1 {kind}" if count == 1 else f"are {count} {kind}s"


def check_endpoint(state: State, vertex: str, endpoint: str) -> None:
    endpoints = state.shape(vertex_of(state, vertex).name).endpoints
    if endpoint not in endpoints:
        raise InvalidOperationError(f"vertex {vertex} has no endpoint {endpoint[:80]!r}", hint=hint(endpoint, endpoints))


def check_file(state: State, vertex: str, shape: Shape, slot: str, file: str) -> None:
    declared = shape.files.get(slot)
    if declared is None:
        raise InvalidOperationError(f"vertex {vertex} has no file slot {slot[:80]!r}", hint=hint(slot, shape.files))
    if state.files is None:
        return
    file_type = state.files(file)
    if file_type is None:
        raise NotFoundError(f"vertex {vertex}, slot {slot}: there is no file {file[:80]!r}")
    if declared.type not in ("any", file_type):
        raise InvalidOperationError(f"vertex {vertex}, slot {slot}: {file} is of type {file_type}, wanted is {declared.type}")


def declared_parameter(vertex: str, shape: Shape, name: str) -> Parameter:
    parameter = shape.parameters.get(name)
    if parameter is None:
        raise InvalidOperationError(f"vertex {vertex} has no parameter {name[:80]!r}", hint=hint(name, shape.parameters))
    return parameter


def check_literal(vertex: str, shape: Shape, name: str, literal: str) -> None:
    kind = _type(declared_parameter(vertex, shape, name).type)
    try:
        parse_literal(literal, kind)
    except FlowError as error:
        raise LiteralError(f"vertex {vertex}, parameter {name}: {literal_message(error, literal, kind)}") from error


@lru_cache(maxsize=1024)
def _type(text: str) -> Type:
    try:
        return CATALOGUE.parse(text)
    except FlowError as error:
        raise ManifestError(str(error)) from error


def check_text(text: str, what: str, characters_max: int) -> None:
    if len(text) > characters_max:
        raise InvalidOperationError(f"{what} has at most {characters_max} characters")
    if any((character < " " and character not in "\n\t") or "\ud800" <= character <= "\udfff" for character in text):
        raise InvalidOperationError(f"{what} has no control characters")


def check_position(position: tuple[float, float] | None) -> None:
    if position is not None and not all(map(math.isfinite, position)):
        raise InvalidOperationError("a position is two finite numbers")
