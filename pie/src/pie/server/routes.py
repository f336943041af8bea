"""The HTTP routes that are not OpenAI's: is it alive, is it ready, how does it do."""

from collections.abc import Sequence
from http import HTTPStatus

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from pie.engine.engine import Engine
from pie.server.readiness import Readiness


def application(own: "OwnRoutes", others: Sequence[BaseRoute]) -> Starlette:
    return Starlette(
        routes=[
            Route("/healthz", own.health, methods=["GET"]),
            Route("/readyz", own.ready, methods=["GET"]),
            Route("/metrics", own.metrics, methods=["GET"]),
            *others,
        ]
    )


class OwnRoutes:
    def __init__(self, engine: Engine, readiness: Readiness, registry: CollectorRegistry) -> None:
        self._engine = engine
        self._readiness = readiness
        self._registry = registry

    async def health(self, _: Request) -> Response:
        """The event loop turns: restarting would not help."""
        return JSONResponse({"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """Whether something new may be sent here."""
        phase = "draining" if self._readiness.phase == "ready" and self._engine.draining else self._readiness.phase
        return JSONResponse({"status": phase}, HTTPStatus.OK if phase == "ready" else HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(self, _: Request) -> Response:
        return Response(generate_latest(self._registry), media_type=CONTENT_TYPE_LATEST)
