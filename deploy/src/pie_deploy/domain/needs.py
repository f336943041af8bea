"""What an application needs of a backend, and whether the backend has it: a role, its direction, its transports."""

from collections.abc import Iterable

import msgspec

from pie_deploy.domain.endpoints import GraphEndpoint, endpoints
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.manifest import Name
from pie_deploy.domain.shape import Shapes
from pie_deploy.errors import Detail
from pie_flow.container import Direction, Transport


class Need(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    """What the application calls it."""
    role: Name
    """The alias that it consumes."""
    kind: Direction
    transports: tuple[Transport, ...] = ("http",)
    """All of them are needed."""
    required: bool = True


def satisfies(graph: Graph, needs: Iterable[Need], shapes: Shapes) -> list[Detail]:
    """Every need that the graph does not meet; empty: none. An optional one may be absent, but not be something else."""
    by_role = {endpoint.role: endpoint for endpoint in endpoints(graph, shapes) if endpoint.role is not None}
    reasons = ((need.name, _unmet(need, by_role.get(need.role))) for need in needs)
    return [Detail(code="need_unmet", message=f"need {name}: {reason}", subject=name) for name, reason in reasons if reason]


def _unmet(need: Need, endpoint: GraphEndpoint | None) -> str:
    if endpoint is None:
        return f"no endpoint has the role {need.role}" if need.required else ""
    declared = endpoint.declared
    if declared.direction != need.kind:
        return f"{need.role} is an {declared.direction}, not an {need.kind}"
    missing = [transport for transport in need.transports if transport not in declared.transports]
    return f"{need.role} does not speak {', '.join(missing)}" if missing else ""
