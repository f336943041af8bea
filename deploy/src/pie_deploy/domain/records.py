"""The rows of the platform, as the store keeps them and the API shows them. Times are nanoseconds since 1970 UTC."""

from typing import Literal

import msgspec

from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.role import Role

DeploymentStatus = Literal["deploying", "running", "failed", "tearing_down"]
StatusReason = Literal[
    "",
    "crashloop",
    "transport",
    "precondition",
    "startup_timeout",
    "node_lost",
    "container_restarting",
    "undeploy",
    "lease_commit",
    "lease_rollback",
    "expired",
]
ContainerState = Literal["pending", "starting", "standby", "ready", "backoff", "stopping", "exited"]
LeaseState = Literal["open", "committing", "committed", "rolling_back", "rolled_back"]
VersionState = Literal["prerelease", "released"]


class _Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    pass


class ComponentVersion(_Row, frozen=True, kw_only=True):
    id: str
    """`cv-…`; never changes, not on promotion either."""
    name: str
    version: str
    """`1`, `2`, … per component, counted by the platform."""
    state: VersionState
    manifest: ComponentManifest
    content_hash: str
    """blake3 of the archive, hex; the archive lies in the blob folder under it."""
    owner: str
    lease_id: str | None = None
    agent: str = ""
    """The agent's key that published it: what it caches is kept from what its user's versions cache."""
    created_at_ns: int
    released_at_ns: int | None = None
    readme: str = ""


class Backend(_Row, frozen=True, kw_only=True):
    id: str
    name: str
    owner: str
    head: int
    """seq of the newest operation."""
    graph_hash: str
    forked_from: str | None = None
    forked_at: int | None = None
    lease_id: str | None = None
    created_at_ns: int
    deleted_at_ns: int | None = None


class Deployment(_Row, frozen=True, kw_only=True):
    id: str
    backend_id: str
    backend_seq: int
    graph_hash: str
    runtime_id: str
    status: DeploymentStatus
    status_reason: StatusReason = ""
    status_message: str = ""
    containers: int
    containers_ready: int = 0
    debug: bool = False
    generation: int = 1
    expires_at_ns: int | None
    hard_deadline_ns: int | None = None
    """Beyond which no extension goes; None: none."""
    fixed_duration: str | None = None
    startup_timeout_ns: int
    lease_id: str | None = None
    created_by: str
    created_at_ns: int
    status_since_ns: int
    started_at_ns: int | None = None
    """When it first became `running`."""
    redeploying: bool = False
    """New containers are being prepared while the old ones serve."""
    gone_at_ns: int | None = None


class Container(_Row, frozen=True, kw_only=True):
    id: str
    deployment_id: str
    vertex: str
    generation: int
    node_id: str
    state: ContainerState
    secret: str
    pid: int | None = None
    started_at_ns: int | None = None
    ready_at_ns: int | None = None
    restarts: int = 0
    recent_restarts_ns: tuple[int, ...] = ()
    """When it crashed, inside the budget's window."""
    retry_at_ns: int | None = None
    exit_code: int | None = None
    """Of its last end; negative: killed by that signal."""
    last_error: str = ""
    config_seq_wanted: int = 0
    config_seq_applied: int = 0
    config_error: str = ""
    ports: dict[str, int] = {}
    cpu: float = 0.0
    """Cores, reserved on the node until the container is deleted."""
    memory_bytes: int = 0
    """Reserved on the node."""
    gpu: int = 0
    """Reserved on the node."""
    rescheduled: bool = False
    """Its node was lost and it went to another one; that is done once."""
    created_at_ns: int


class Node(_Row, frozen=True, kw_only=True):
    id: str
    runtime_id: str
    cpu: float
    memory_bytes: int
    gpu: int = 0
    lost_since_ns: int | None = None


class Runtime(_Row, frozen=True, kw_only=True):
    id: str
    name: str
    launcher: str
    """`process`, `fake`, …"""
    labels: tuple[str, ...] = ("cpu",)
    """The class: what a graph may ask for."""
    nodes: tuple[Node, ...]
    locked: bool = False
    draining: bool = False
    expires_at_ns: int | None = None
    ceiling_ns: int | None = None
    """Longest life of a deployment."""
    crash_budget: int = 5
    crash_window_ns: int = 600 * 10**9
    created_at_ns: int


class Lease(_Row, frozen=True, kw_only=True):
    id: str
    state: LeaseState
    label: str = ""
    runtime_id: str | None
    ttl_ns: int
    """Longest time without a heartbeat."""
    heartbeat_at_ns: int
    reason: str = ""
    """Why it closed: commit, rollback, ttl."""
    result: dict[str, object] | None = None
    """The verdict that was attached."""
    owner: str
    key: str = ""
    """The API key that has opened it: an agent is one key, and works in the leases of that key alone."""
    created_at_ns: int
    closed_at_ns: int | None = None


class File(_Row, frozen=True, kw_only=True):
    id: str
    name: str
    file_type: str
    size_bytes: int
    content_hash: str
    owner: str
    lease_id: str | None = None
    generated_by: str | None = None
    """`deployment/vertex/slot` of a generated file."""
    created_at_ns: int


class ApiKey(_Row, frozen=True, kw_only=True):
    """A key that is kept here. The key itself is not: only what is needed to know it again."""

    id: str
    """`k-…`"""
    name: str
    """For people; one key of a user has it."""
    prefix: str
    """The key's first characters: what whoever finds one somewhere can ask about."""
    digest: str
    """SHA-256 of the key, hex. A key is 256 random bits, so a fast hash does."""
    user: str
    """As whom it asks."""
    role: Role
    granted_by: str
    """The user, of the configuration or the local one, whose authority it goes back to: without him it is void."""
    made_with: str
    """The key that asked for it; it goes when that one is revoked."""
    created_at_ns: int
    expires_at_ns: int


class Event(_Row, frozen=True, kw_only=True):
    seq: int
    at_ns: int
    type: str
    """`deployment.running`, `container.exited`, …"""
    actor: str = ""
    backend_id: str | None = None
    deployment_id: str | None = None
    lease_id: str | None = None
    data: dict[str, object] = {}
