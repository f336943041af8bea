"""What the controller tells the gateway: where each forwarding token leads right now."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from pie_flow.container import Direction, Transport

RouteState = Literal["not_running", "restarting", "running"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A container that speaks `pie_flow.endpoint_link`."""

    container_id: str
    address: str
    """`ipc://…`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A command's endpoint: HTTP and WebSocket on a loopback port."""

    container_id: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    vertex: str
    endpoint: str
    direction: Direction
    transports: tuple[Transport, ...]
    state: RouteState
    """`not_running`: 404; `restarting`: 503 with Retry-After; `running`: upstream is there."""
    upstream: Link | Port | None
    respond: bool
    """Ingress: the caller waits for an `Emitted` with its id, from whichever link it comes."""
    timeout_ns: int
    body_bytes_max: int
    answer: str | None = None
    """With `respond`: the egress endpoint whose value is the answer; what others say about the request is not for the caller.
    None: whichever speaks first.
    """
    takes_values: bool = False
    """Ingress: a request's body is a value for the graph; there is nothing to GET. Else the component handles every method."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendRoutes:
    """Everything of one backend. An alias without a deployment is a route too: its URL exists and is 404."""

    backend_id: str
    deployment_status: str | None
    routes: Mapping[str, Route]
    """By forwarding token."""
    links: tuple[Link, ...] = ()
    """All containers of the deployment with endpoints, also those whose endpoints have no alias: answers may come from them."""


class Routes(Protocol):
    def publish(self, routes: BackendRoutes) -> None:
        """Replace what is known of the backend, at once: a request that comes after the call sees the new routes."""
        ...

    def withdraw(self, backend_id: str) -> None:
        """The backend is deleted: its tokens are unknown from now on."""
        ...
