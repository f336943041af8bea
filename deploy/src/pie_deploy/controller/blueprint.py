"""The specs of a deployment's containers, from the recorded graph and rows: what runs is exactly what is written down (R04).

One container per vertex, one pair of sockets per edge: the consumer listens at an address named after it, the producer connects
there. Values that name an endpoint of another vertex, `vertex://NAME/ENDPOINT`, become that endpoint's URL.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.config import Home
from pie_deploy.controller.addresses import edge_address, endpoint_address
from pie_deploy.controller.graphs import Mirror
from pie_deploy.domain.graph import ComponentSource, Edge, Shape, TransformationSource, Vertex
from pie_deploy.domain.inference import Inference, SlotTypes
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.records import ComponentVersion, Container, Deployment
from pie_deploy.domain.reference import Reference, reference_of
from pie_deploy.domain.shape import Shapes
from pie_deploy.errors import LauncherError, NotFoundError
from pie_deploy.limits import LOG_BYTES_DEBUG_MAX, LOG_BYTES_MAX, TRANSFORMATION_MEMORY_MAX_BYTES
from pie_deploy.ports.launcher import ContainerLimits
from pie_flow.container import (
    CommandProgram,
    ContainerSpec,
    EndpointSpec,
    InferletProgram,
    InputSpec,
    OutputSpec,
    ParameterSpec,
    Program,
    PythonProgram,
    TransformationProgram,
)
from pie_flow.control import SetConfig
from pie_flow.unify import in_scope, variables

_PLACEHOLDER = re.compile(r"\{(?:(?P<kind>port|parameter|file):(?P<name>[^{}]+)|(?P<folder>work|cache))\}")


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the things lie that a graph refers to by id."""

    shapes: Shapes
    version: Callable[[str], ComponentVersion]
    """By id. Raises NotFoundError."""
    component_folder: Callable[[ComponentVersion], Path]
    file: Callable[[str], Path]
    """Path of a file by id. Raises NotFoundError."""


class Blueprint:
    """Of one generation of a deployment, at one entry of the log."""

    def __init__(
        self,
        deployment: Deployment,
        containers: Mapping[str, Container],
        mirror: Mirror,
        sources: Sources,
        home: Home,
        control_address: str | None,
    ) -> None:
        """containers: of the generation, by vertex."""
        self._deployment = deployment
        self._containers = containers
        self._tables = mirror.tables
        self._sources = sources
        self._home = home
        self._control_address = control_address
        self._inference = Inference(self._declared, self._tables.incident)

    def spec(self, row: Container) -> ContainerSpec:
        """Raises LauncherError for what cannot be: a reference into nothing, a version or file that is gone, a path too long."""
        vertex = self._vertex(row.vertex)
        try:
            return self._spec(row, vertex, self._shape(vertex))
        except NotFoundError as error:
            raise LauncherError(f"vertex {row.vertex}: {error.message}") from error

    def config(self, row: Container, seq: int) -> SetConfig:
        """All mutable values of a container as they are now. Raises LauncherError."""
        vertex = self._vertex(row.vertex)
        shape = self._shape(vertex)
        mutable = {name: spec.value for name, spec in self._parameters(vertex, shape).items() if spec.mutable}
        files = {slot: path for slot, path in self._files(vertex).items() if slot in shape.files and shape.files[slot].mutable}
        return SetConfig(seq=seq, parameters=mutable, files=files)

    def limits(self, row: Container) -> ContainerLimits:
        """Memory is what was reserved; cores are a share, so that a container may use what is idle, below its ceiling if any."""
        vertex = self._vertex(row.vertex)
        is_component = isinstance(vertex.source, ComponentSource)
        manifest = self._shape(vertex).manifest
        return ContainerLimits(
            cpu=row.cpu,
            cpu_max=None if manifest is None else manifest.worker.resources.cpu_max,
            memory_bytes=row.memory_bytes if is_component else max(row.memory_bytes, TRANSFORMATION_MEMORY_MAX_BYTES),
            gpu=row.gpu,
            log_bytes_max=LOG_BYTES_DEBUG_MAX if self._deployment.debug else LOG_BYTES_MAX,
        )

    def _spec(self, row: Container, vertex: Vertex, shape: Shape) -> ContainerSpec:
        folder = self._home.containers / row.id
        manifest, run = shape.manifest, self._home.run
        parameters, files = self._parameters(vertex, shape), self._files(vertex)
        cache = self._home.caches / self._cache_name(vertex, manifest)
        speaks = manifest is not None and bool(manifest.http) and manifest.language != "command"
        return ContainerSpec(
            container_id=row.id,
            deployment_id=row.deployment_id,
            vertex=row.vertex,
            generation=row.generation,
            secret=row.secret,
            program=self._program(row, vertex, manifest, parameters, files, folder / "work", cache),
            component_folder=self._component_folder(vertex),
            inputs=self._inputs(row),
            outputs=self._outputs(row),
            endpoints=_endpoints(manifest),
            endpoint_address=endpoint_address(run, row.id) if speaks else None,
            ports=dict(row.ports),
            control_address=self._control_address,
            parameters=parameters,
            config_seq=row.config_seq_wanted,
            files=files,
            mutable_files=tuple(slot for slot, declared in shape.files.items() if declared.mutable),
            work_folder=str(folder / "work"),
            generated_folder=str(folder / "generated"),
            cache_folder=str(cache),
            stateful=manifest is not None and manifest.worker.stateful,
            finite=manifest is not None and manifest.worker.finite,
            debug=self._deployment.debug,
            network=manifest is not None and manifest.worker.network,
        )

    # --- Edges ---

    def _inputs(self, row: Container) -> tuple[InputSpec, ...]:
        fed = {edge.input.position for edge in self._tables.incident(row.vertex) if edge.input.vertex == row.vertex}
        return tuple(
            InputSpec(type=str(kind), address=edge_address(self._home.run, row.id, position) if position in fed else None)
            for position, kind in enumerate(self._inference.types(row.vertex).inputs)
        )

    def _outputs(self, row: Container) -> tuple[OutputSpec, ...]:
        edges = [edge for edge in self._tables.incident(row.vertex) if edge.output.vertex == row.vertex]
        kinds = self._inference.types(row.vertex).outputs
        addresses: list[list[str]] = [[] for _ in kinds]
        for edge in sorted(edges, key=_input_of):
            consumer = self._container(edge.input.vertex)
            addresses[edge.output.position].append(edge_address(self._home.run, consumer.id, edge.input.position))
        return tuple(OutputSpec(type=str(kind), addresses=tuple(found)) for kind, found in zip(kinds, addresses, strict=True))

    def _declared(self, name: str) -> SlotTypes:
        shape = self._shape(self._vertex(name))
        inputs = tuple(in_scope(kind, name) for kind in shape.inputs)
        outputs = tuple(in_scope(kind, name) for kind in shape.outputs)
        return SlotTypes(inputs, outputs, generic=any(variables(kind) for kind in (*inputs, *outputs)))

    # --- Values ---

    def _parameters(self, vertex: Vertex, shape: Shape) -> dict[str, ParameterSpec]:
        found = {}
        for name, declared in shape.parameters.items():
            value = vertex.parameters.get(name, declared.default)
            if value is not None:
                found[name] = ParameterSpec(type=declared.type, value=self._resolved(value), mutable=declared.mutable)
        return found

    def _resolved(self, literal: str) -> str:
        """A reference to another vertex's endpoint becomes its URL."""
        reference = reference_of(literal)
        return literal if reference is None else json.dumps(self._url(reference))

    def _url(self, reference: Reference) -> str:
        vertex = self._tables.vertices.get(reference.vertex)
        manifest = None if vertex is None else self._shape(vertex).manifest
        declared = None if manifest is None else manifest.http.get(reference.endpoint)
        if declared is None:
            raise LauncherError(f"{reference} names no endpoint of the graph")
        port = self._container(reference.vertex).ports.get(reference.endpoint)
        if port is None:
            raise LauncherError(f"{reference} has no port: only endpoints of commands can be referred to")
        scheme = "ws" if "ws" in declared.transports and "http" not in declared.transports else "http"
        return f"{scheme}://127.0.0.1:{port}{reference.rest}"

    def _files(self, vertex: Vertex) -> dict[str, str]:
        return {slot: str(self._sources.file(file_id)) for slot, file_id in vertex.files.items()}

    # --- Programs ---

    def _program(
        self,
        row: Container,
        vertex: Vertex,
        manifest: ComponentManifest | None,
        parameters: Mapping[str, ParameterSpec],
        files: Mapping[str, str],
        work: Path,
        cache: Path,
    ) -> Program:
        if isinstance(vertex.source, TransformationSource):
            return TransformationProgram(name=vertex.source.name)
        assert manifest is not None, "a component has a manifest"
        if manifest.language == "inferlet":
            return _inferlet(row.vertex, manifest, parameters, files)
        if manifest.language == "py":
            return PythonProgram(entry=manifest.worker.entry)

        def replaced(text: str) -> str:
            return _replaced(text, row, parameters, files, {"work": str(work), "cache": str(cache)})

        environment = {name: replaced(value) for name, value in manifest.worker.environment.items()}
        return CommandProgram(argv=tuple(map(replaced, manifest.worker.argv)), environment=environment)

    def _component_folder(self, vertex: Vertex) -> str | None:
        if not isinstance(vertex.source, ComponentSource):
            return None
        return str(self._sources.component_folder(self._sources.version(vertex.source.version_id)))

    def _cache_name(self, vertex: Vertex, manifest: ComponentManifest | None) -> str:
        """One cache for all versions of a component; anybody may publish prereleases of any name, so its owner's, too. Of an agent
        nothing stays, so not in there either.
        """
        if manifest is None or not isinstance(vertex.source, ComponentSource):
            return "transformations"
        version = self._sources.version(vertex.source.version_id)
        owner = f"{version.owner} {version.agent}".rstrip()
        return f"{manifest.name}.{hashlib.sha256(owner.encode(errors='surrogateescape')).hexdigest()[:12]}"

    # --- Looking up ---

    def _vertex(self, name: str) -> Vertex:
        vertex = self._tables.vertices.get(name)
        if vertex is None:
            raise LauncherError(f"the graph has no vertex {name} any more")
        return vertex

    def _container(self, vertex: str) -> Container:
        container = self._containers.get(vertex)
        if container is None:
            raise LauncherError(f"vertex {vertex} has no container")
        return container

    def _shape(self, vertex: Vertex) -> Shape:
        return self._sources.shapes(vertex.source, vertex.parameters)


def _input_of(edge: Edge) -> tuple[str, int]:
    return edge.input.vertex, edge.input.position


def _endpoints(manifest: ComponentManifest | None) -> tuple[EndpointSpec, ...]:
    return tuple(
        EndpointSpec(
            name=name,
            direction=endpoint.direction,
            transports=endpoint.transports,
            type=endpoint.type,
            into=endpoint.into,
            of=endpoint.of,
            respond=endpoint.respond is not None,
        )
        for name, endpoint in (manifest.http if manifest is not None else {}).items()
    )


def _inferlet(
    vertex: str, manifest: ComponentManifest, parameters: Mapping[str, ParameterSpec], files: Mapping[str, str]
) -> InferletProgram:
    binding = manifest.worker.inferlet
    if binding is None:
        raise LauncherError(f"vertex {vertex}: its component names no program")
    name = binding.engine or "engine"
    if name not in parameters:
        raise LauncherError(f"vertex {vertex}: the parameter {name} with the engine's URL has no value")
    url = re.sub(r"^http(s?)://", r"ws\1://", _plain(parameters[name].value))
    return InferletProgram(program=binding.program, engine=url, api_key_file=files.get("api_key"))


def _replaced(
    text: str, row: Container, parameters: Mapping[str, ParameterSpec], files: Mapping[str, str], folders: Mapping[str, str]
) -> str:
    """A word of a command, with what its placeholders stand for."""

    def one(match: re.Match[str]) -> str:
        if match["folder"]:
            return folders[match["folder"]]
        kind, name = match["kind"], match["name"]
        values: Mapping[str, str] = files
        if kind == "port":
            values = {endpoint: str(port) for endpoint, port in row.ports.items()}
        elif kind == "parameter":
            values = {parameter: _plain(spec.value) for parameter, spec in parameters.items()}
        if name not in values:
            raise LauncherError(f"vertex {row.vertex}: its command says {match[0]}, which has no value")
        return values[name]

    return _PLACEHOLDER.sub(one, text)


def _plain(literal: str) -> str:
    """A String's text; other literals as they are written."""
    if not literal.startswith('"'):
        return literal
    try:
        text = json.loads(literal)
    except ValueError:
        return literal
    assert isinstance(text, str)
    return text
