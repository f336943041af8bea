"""What services answer where a row alone is not enough. The API shows them as JSON, as they are."""

import msgspec

from pie_deploy.domain.operations import Operation, OperationRecord
from pie_deploy.domain.records import Backend, ComponentVersion, Deployment, File, Lease
from pie_deploy.domain.role import Role
from pie_deploy.errors import Detail
from pie_flow.container import Direction, Transport


class _View(msgspec.Struct, frozen=True, kw_only=True):
    pass


class SlotView(_View, frozen=True, kw_only=True):
    type: str
    """Resolved over the whole graph: variables stand only where nothing binds them."""
    declared: str
    """As the manifest or the transformation says it."""


class VertexView(_View, frozen=True, kw_only=True):
    name: str
    component: str | None = None
    """`name@version`."""
    version_id: str | None = None
    transformation: str | None = None
    inputs: tuple[SlotView, ...] = ()
    outputs: tuple[SlotView, ...] = ()
    parameters: dict[str, str] = {}
    """Literals that were given; defaults are in the manifest."""
    files: dict[str, str] = {}
    """File id by slot."""
    endpoints: dict[str, Direction] = {}
    label: str = ""
    position: tuple[float, float] | None = None
    note: str = ""


class EdgeView(_View, frozen=True, kw_only=True):
    from_vertex: str
    from_position: int
    to_vertex: str
    to_position: int
    type: str


class AliasView(_View, frozen=True, kw_only=True):
    vertex: str
    endpoint: str
    role: str


class BackendView(_View, frozen=True, kw_only=True):
    backend: Backend
    description: str = ""
    vertices: tuple[VertexView, ...]
    edges: tuple[EdgeView, ...]
    aliases: tuple[AliasView, ...]
    problems: tuple[Detail, ...] = ()
    """Why it could not be deployed as it is. Empty: it could, if there is room."""
    deployment: Deployment | None = None
    """The one that is not gone."""


class Appended(_View, frozen=True, kw_only=True):
    records: tuple[OperationRecord, ...]
    inserted: tuple[str, ...] = ()
    """Vertices that were added to bridge types, in the order of the edges that asked for it."""
    warnings: tuple[Detail, ...] = ()
    """What landed, and yet keeps the graph from being deployed: a cycle without a delay."""
    names: dict[str, str] = {}
    """What people call the versions (`name@version`) and files that the records name by id."""


class AppliedDocument(_View, frozen=True, kw_only=True):
    backend_id: str | None
    """None: a dry run for a backend that does not exist yet."""
    created: bool
    operations: tuple[Operation, ...]
    """What was, or with `dry_run` would be, appended. Empty: nothing to change."""
    records: tuple[OperationRecord, ...] = ()
    inserted: tuple[str, ...] = ()
    problems: tuple[Detail, ...] = ()
    """Why the graph could not be deployed then. Told only where something was, or would be, appended."""
    names: dict[str, str] = {}
    """What people call the versions (`name@version`) and files that the operations name by id."""


class EndpointView(_View, frozen=True, kw_only=True):
    role: str
    vertex: str
    endpoint: str
    direction: Direction
    transports: tuple[Transport, ...]
    type: str
    url: str
    rotation: int = 0


class LeaseView(_View, frozen=True, kw_only=True):
    lease: Lease
    versions: tuple[ComponentVersion, ...] = ()
    backends: tuple[Backend, ...] = ()
    deployments: tuple[Deployment, ...] = ()
    files: tuple[File, ...] = ()


class NodeLoad(_View, frozen=True, kw_only=True):
    """What a node has and what is reserved on it."""

    node_id: str
    cpu: float
    cpu_used: float
    memory_bytes: int
    memory_used_bytes: int
    gpu: int = 0
    gpu_used: int = 0
    lost: bool = False


class KeyView(_View, frozen=True, kw_only=True):
    """An API key, but for what it is known by."""

    id: str
    name: str
    prefix: str
    """Its first characters."""
    user: str
    role: Role
    granted_by: str
    made_with: str
    created_at_ns: int
    expires_at_ns: int


class MadeKey(_View, frozen=True, kw_only=True):
    key: KeyView
    secret: str
    """The key itself. Nobody can show it again."""


class TypeView(_View, frozen=True, kw_only=True):
    name: str
    parameters: tuple[str, ...] = ()
    """Its type variables."""
    definition: str
    """What it stands for."""
    domain: str = ""
    """What it belongs to: imaging, audio, …"""
    description: str = ""


class NodeRequest(_View, frozen=True, kw_only=True):
    """One machine of a runtime that is being made."""

    cpu: float
    memory_bytes: int
    gpu: int = 0
