"""`/healthz`, `/readyz`, `/metrics`, `/v1/status`: how the platform itself is."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Protocol

import msgspec
from litestar import Response, get
from litestar.di import NamedDependency

from pie_deploy.api.entrance import EVERYBODY
from pie_deploy.api.metrics import exposition
from pie_deploy.api.provided import Actor
from pie_deploy.domain.role import Permission, Role

TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Counted(Protocol):
    """A part of the platform that counts."""

    def statistics(self) -> Any: ...


class Health(msgspec.Struct, frozen=True):
    status: str


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The platform at a glance."""

    version: str
    actor: str
    """Who you are to the platform."""
    role: Role
    key: str
    """With which of your keys you ask."""
    statistics: dict[str, Any]
    """Of the gateway, the controller, the store's heads."""


class Parts:
    """What is asked when somebody wants to know."""

    def __init__(self, counted: dict[str, Counted], is_ready: Callable[[], bool]) -> None:
        self._counted = counted
        self.is_ready = is_ready

    def statistics(self) -> dict[str, Any]:
        return {name: msgspec.to_builtins(part.statistics()) for name, part in self._counted.items()}


@get("/healthz", permission=EVERYBODY)
async def healthz() -> Health:
    """The process answers."""
    return Health("ok")


@get("/readyz", permission=EVERYBODY)
async def readyz(parts: NamedDependency[Parts]) -> Response[Health]:
    """Requests are served: 200, else 503."""
    is_ready = parts.is_ready()
    return Response(Health("ready" if is_ready else "starting"), status_code=200 if is_ready else 503)


@get("/metrics", permission=EVERYBODY, media_type=TEXT)
async def metrics(parts: NamedDependency[Parts]) -> Response[str]:
    """Counters and gauges, as Prometheus reads them."""
    return Response(exposition(parts.statistics()), media_type=TEXT)


@get("/v1/status", permission=Permission.READ)
async def status(parts: NamedDependency[Parts], actor: Actor) -> Status:
    """Version and statistics."""
    return Status(version=version("pie-deploy"), actor=actor.name, role=actor.role, key=actor.key, statistics=parts.statistics())
