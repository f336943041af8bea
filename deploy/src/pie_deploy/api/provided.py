"""What handlers are given besides what the caller sends: named in their arguments, provided by the application."""

from collections.abc import AsyncIterator
from concurrent.futures import Executor
from typing import Protocol

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from pie_deploy.ports.launcher import LogLine
from pie_deploy.services import Services as _Services
from pie_deploy.services.actor import Actor as _Actor
from pie_flow.control import Pulse


class LivingContainers(Protocol):
    """Of the controller: it is in touch with containers and knows which launcher has them."""

    def pulse(self, container_id: str) -> Pulse | None:
        """What a container last said about its work."""
        ...

    def logs(
        self, container_id: str, *, follow: bool = False, since_ns: int = 0, tail: int | None = None
    ) -> AsyncIterator[LogLine]: ...


class Routing(Protocol):
    """Of the gateway: what it goes by."""

    def deployment_status(self, backend_id: str) -> str | None:
        """None: the backend has no deployment."""
        ...


Routed = NamedDependency[SkipValidation[Routing]]
Services = NamedDependency[_Services]
Actor = NamedDependency[_Actor]
Uploads = NamedDependency[SkipValidation[Executor]]
"""Threads for bodies that are written to disk as they come."""
Living = NamedDependency[SkipValidation[LivingContainers]]
