"""Containers, as recorded. Logs come from the launcher, through the controller."""

from collections.abc import Sequence

from msgspec.structs import replace

from pie_deploy.domain.records import Container
from pie_deploy.errors import NotFoundError
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
            return list(map(_shown, reading.containers(deployment_of(reading, deployment).id)))

    def show(self, actor: Actor, container_id: str) -> Container:
        """Raises NotFoundError."""
        with self._ledger.reading() as reading:
            container = reading.find_container(container_id)
        if container is None:
            raise NotFoundError(f"there is no container {container_id[:80]!r}")
        return _shown(container)


def _shown(container: Container) -> Container:
    return replace(container, secret="")
