"""Containers, as recorded. Logs come from the launcher, through the controller."""

from collections.abc import Sequence
from heapq import nsmallest
from operator import attrgetter

from msgspec.structs import replace

from pie_deploy.domain.records import Container
from pie_deploy.domain.role import Permission
from pie_deploy.errors import NotFoundError
from pie_deploy.limits import CONTAINERS_LISTED_MAX
from pie_deploy.services.access import check_reach, sees
from pie_deploy.services.actor import Actor
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.lookup import deployment_of


class Containers:
    """What callers see: without the secret, which is between the control plane and the container."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def list(self, actor: Actor, deployment: str) -> Sequence[Container]:
        """Of a deployment (its id, or its backend's id or name), also a gone one; by generation and vertex. Raises
        NotFoundError.
        """
        with self._ledger.reading() as reading:
            return list(map(_shown, reading.containers(deployment_of(reading, actor, deployment).id)))

    def page(self, actor: Actor, *, after: str = "", limit: int = CONTAINERS_LISTED_MAX) -> Sequence[Container]:
        """Of all deployments that are not gone, by id: those after one, no more than `CONTAINERS_LISTED_MAX` at once."""
        bound = max(0, min(limit, CONTAINERS_LISTED_MAX))
        with self._ledger.reading() as reading:
            seen = sees(reading, actor)
            deployments = {deployment.id for deployment in reading.deployments() if seen(deployment.lease_id)}
            rows = (row for row in reading.containers() if row.id > after and row.deployment_id in deployments)
            return list(map(_shown, nsmallest(bound, rows, key=attrgetter("id"))))

    def show(self, actor: Actor, container_id: str, permission: Permission = Permission.READ) -> Container:
        """permission: for what. Raises NotFoundError, ForbiddenError."""
        with self._ledger.reading() as reading:
            container = reading.find_container(container_id)
            deployment = None if container is None else reading.find_deployment(container.deployment_id)
            if container is None or deployment is None or not sees(reading, actor)(deployment.lease_id):
                raise NotFoundError(f"there is no container {container_id[:80]!r}")
            check_reach(reading, actor, permission, f"container {container.vertex}", deployment.lease_id)
        return _shown(container)


def _shown(container: Container) -> Container:
    return replace(container, secret="")
