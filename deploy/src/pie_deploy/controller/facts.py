"""What the controller needs to know of a backend's graph, drawn from it once for each state of the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pie_deploy.controller.graphs import Mirror
from pie_deploy.domain.duration import parse_duration
from pie_deploy.domain.graph import ComponentSource, Vertex
from pie_deploy.domain.manifest import ComponentManifest, Endpoint
from pie_deploy.domain.quantity import parse_bytes
from pie_deploy.domain.reference import reference_of
from pie_deploy.domain.shape import Manifests
from pie_deploy.domain.token import forwarding_token
from pie_deploy.domain.upkeep import Traits
from pie_flow.container import Direction, Transport


@dataclass(frozen=True, slots=True)
class Published:
    """An endpoint with an alias: it has a URL."""

    token: str
    vertex: str
    endpoint: str
    direction: Direction
    transports: tuple[Transport, ...]
    responds: bool
    timeout_ns: int
    body_bytes_max: int
    by_port: bool
    """A command's: reached at a port, not over a link."""
    answer: str | None = None
    """The egress endpoint that answers, if it responds."""
    takes_values: bool = False
    """Bodies become values of an input."""


@dataclass(frozen=True, slots=True)
class Facts:
    backend_id: str
    head: int
    graph_hash: str
    published: tuple[Published, ...]
    traits: Mapping[str, Traits] = field(default_factory=dict)
    """By vertex; of backends with a deployment."""
    talking: frozenset[str] = frozenset()
    """Vertices that the gateway has a link to; of backends with a deployment."""
    is_deployed: bool = False


def facts_of(mirror: Mirror, manifests: Manifests, mac_key: bytes, *, is_deployed: bool) -> Facts:
    tables = mirror.tables
    published = [
        _published(mirror, vertex, endpoint, manifests, mac_key)
        for vertex, endpoint in tables.aliases
        if endpoint in _endpoints(tables.vertices[vertex], manifests)
    ]
    facts = Facts(mirror.backend_id, mirror.seq, mirror.graph_hash, tuple(published))
    if not is_deployed:
        return facts
    traits, talking = {}, set()
    for name, vertex in tables.vertices.items():
        manifest = _manifest(vertex, manifests)
        traits[name] = _traits(vertex, manifest, mirror.value_seqs.get(name, 0))
        if manifest is not None and manifest.http and manifest.language != "command":
            talking.add(name)
    return Facts(mirror.backend_id, mirror.seq, mirror.graph_hash, facts.published, traits, frozenset(talking), is_deployed=True)


def _published(mirror: Mirror, vertex: str, name: str, manifests: Manifests, mac_key: bytes) -> Published:
    manifest = _manifest(mirror.tables.vertices[vertex], manifests)
    assert manifest is not None, "only components have endpoints"
    endpoint = manifest.http[name]
    return Published(
        token=forwarding_token(mac_key, mirror.backend_id, vertex, name, mirror.tables.rotations.get((vertex, name), 0)),
        vertex=vertex,
        endpoint=name,
        direction=endpoint.direction,
        transports=endpoint.transports,
        responds=endpoint.respond is not None,
        timeout_ns=parse_duration(endpoint.timeout),
        body_bytes_max=parse_bytes(endpoint.body_max),
        by_port=manifest.language == "command",
        answer=endpoint.respond,
        takes_values=endpoint.into is not None,
    )


def _traits(vertex: Vertex, manifest: ComponentManifest | None, value_seq: int) -> Traits:
    refers_to = _referred(vertex, manifest)
    if manifest is None:
        return Traits(config_seq=value_seq, refers_to=refers_to)
    ports = tuple(manifest.http) if manifest.language == "command" else ()
    return Traits(finite=manifest.worker.finite, ports=ports, config_seq=value_seq, refers_to=refers_to)


def _referred(vertex: Vertex, manifest: ComponentManifest | None) -> frozenset[str]:
    """Vertices whose endpoints its values name."""
    defaults = {} if manifest is None else {name: one.default for name, one in manifest.worker.config_schema.items()}
    references = (reference_of(value) for value in {**defaults, **vertex.parameters}.values() if value is not None)
    return frozenset(reference.vertex for reference in references if reference is not None)


def _endpoints(vertex: Vertex, manifests: Manifests) -> Mapping[str, Endpoint]:
    manifest = _manifest(vertex, manifests)
    return manifest.http if manifest is not None else {}


def _manifest(vertex: Vertex, manifests: Manifests) -> ComponentManifest | None:
    return manifests(vertex.source.version_id) if isinstance(vertex.source, ComponentSource) else None
