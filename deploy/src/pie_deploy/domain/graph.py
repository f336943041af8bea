"""A graph at one point of its log: vertices, edges, values, bindings, aliases. Immutable; `pie_deploy.domain.operations` makes the
next one.

Inputs and outputs are positional. An output may feed many inputs, an input takes one edge. What a vertex offers (its `Shape`) comes
from its
component version's manifest or from its transformation and that one's parameters.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pie_deploy.domain.manifest import ComponentManifest, Endpoint, FileSlot, Parameter
from pie_flow.types import Type


@dataclass(frozen=True, slots=True)
class ComponentSource:
    """A vertex that runs a component version."""

    version_id: str


@dataclass(frozen=True, slots=True)
class TransformationSource:
    """A vertex that only reshapes."""

    name: str


Source = ComponentSource | TransformationSource


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """One end of an edge: a position of a vertex."""

    vertex: str
    position: int


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    output: Slot
    input: Slot

    def __str__(self) -> str:
        return f"{self.output.vertex}.out{self.output.position} -> {self.input.vertex}.in{self.input.position}"


@dataclass(frozen=True, slots=True)
class Vertex:
    name: str
    """Its id: chosen by the caller, unique in the graph, kept by `rename` operations of nothing but the label."""
    source: Source
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Literals that were given; defaults are not repeated here."""
    files: Mapping[str, str] = field(default_factory=dict)
    """File id by slot."""
    label: str = ""
    position: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    vertices: Mapping[str, Vertex] = field(default_factory=dict)
    edges: frozenset[Edge] = frozenset()
    aliases: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """Role by (vertex, endpoint name)."""
    rotations: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How often an endpoint's forwarding token was renewed; absent: never."""
    name: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a vertex offers, whatever it is."""

    inputs: tuple[Type, ...]
    outputs: tuple[Type, ...]
    parameters: Mapping[str, Parameter]
    files: Mapping[str, FileSlot]
    endpoints: Mapping[str, Endpoint]
    manifest: ComponentManifest | None
    """None: a transformation."""
