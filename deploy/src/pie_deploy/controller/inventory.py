"""Everything there is, for the checker."""

from collections.abc import Iterable, Mapping

from pie_deploy.controller.snapshot import Snapshot
from pie_deploy.domain.checker import Inventory
from pie_deploy.domain.deployment import is_locking
from pie_deploy.domain.observation import Process
from pie_deploy.ports.routes import BackendRoutes


def inventory_of(snapshot: Snapshot, processes: Mapping[str, Process], published: Iterable[BackendRoutes]) -> Inventory:
    desired = snapshot.desired.values()
    # A graph that is not locked may have been edited since its containers were made.
    locked = [one for one in desired if is_locking(one.deployment)]
    return Inventory(
        backends=list(snapshot.backends.values()),
        deployments=[one.deployment for one in desired],
        containers=list(snapshot.containers.values()),
        runtimes=list(snapshot.runtimes.values()),
        leases=snapshot.leases,
        vertices={one.deployment.id: frozenset(one.traits) for one in locked},
        finite={one.deployment.id: frozenset(name for name, traits in one.traits.items() if traits.finite) for one in locked},
        processes=processes,
        serving={routes.backend_id: _serving(routes) for routes in published},
    )


def _serving(routes: BackendRoutes) -> frozenset[str]:
    upstreams = (route.upstream for route in routes.routes.values() if route.state == "running")
    return frozenset(upstream.container_id for upstream in upstreams if upstream is not None)
