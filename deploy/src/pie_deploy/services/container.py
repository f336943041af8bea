"""Containers, as recorded. Logs come from the launcher, through the controller."""

from collections.abc import Sequence

from pie_deploy.domain.records import Container
from pie_deploy.services.actor import Actor


class Containers:
    def list(self, actor: Actor, deployment: str) -> Sequence[Container]:
        """Of a deployment (its id, or its backend's id or name), also a gone one; by vertex. Raises NotFoundError."""
        raise NotImplementedError

    def show(self, actor: Actor, container_id: str) -> Container:
        """Raises NotFoundError."""
        raise NotImplementedError
