"""The API's application: resources, errors, description, behind one entrance."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.di import Provide
from litestar.exceptions import HTTPException

from pie_deploy.api import description, health
from pie_deploy.api.audit import AuditRoutes
from pie_deploy.api.backend import BackendRoutes
from pie_deploy.api.component import ComponentRoutes
from pie_deploy.api.container import ContainerRoutes
from pie_deploy.api.deployment import DeploymentRoutes
from pie_deploy.api.entrance import ACTOR, EVERYBODY, Authenticate, Entrance
from pie_deploy.api.file import FileRoutes
from pie_deploy.api.health import Parts
from pie_deploy.api.key import KeyRoutes
from pie_deploy.api.lease import LeaseRoutes
from pie_deploy.api.permission import check_routes, guard
from pie_deploy.api.refusals import on_any_error, on_deploy_error, on_http_error
from pie_deploy.api.runtime import RuntimeRoutes
from pie_deploy.api.type import TypeRoutes
from pie_deploy.errors import DeployError
from pie_deploy.limits import API_BODY_BYTES_MAX, API_UPLOADS_MAX
from pie_deploy.services import Services
from pie_deploy.services.actor import Actor
from pie_http.origin import is_trusted

LOOPBACK = "127.0.0.1"

RESOURCES = (
    BackendRoutes,
    DeploymentRoutes,
    ContainerRoutes,
    RuntimeRoutes,
    LeaseRoutes,
    FileRoutes,
    ComponentRoutes,
    TypeRoutes,
    AuditRoutes,
    KeyRoutes,
)
HEALTH = (health.healthz, health.readyz, health.metrics, health.status)


def create_app(
    services: Services,
    controller: Any,
    gateway: Any,
    authenticate: Authenticate,
    *,
    is_welcome: Callable[[Mapping[str, str]], bool] = lambda headers: is_trusted(headers, LOOPBACK),
    is_ready: Callable[[], bool] = lambda: True,
) -> Entrance:
    """The ASGI application. `controller` has `logs`, `pulse` and `statistics`, `gateway` has
    `deployment_status` and `statistics`; `is_welcome` looks at the headers of a request
    without a key; while `is_ready` is false, `/readyz` is 503.
    """
    uploads = ThreadPoolExecutor(API_UPLOADS_MAX, "upload")
    parts = Parts({"gateway": gateway, "controller": controller}, is_ready)
    application = Litestar(
        route_handlers=[*RESOURCES, *HEALTH, _schema],
        dependencies={
            "services": Provide(lambda: services, sync_to_thread=False),
            "uploads": Provide(lambda: uploads, sync_to_thread=False),
            "routed": Provide(lambda: gateway, sync_to_thread=False),
            "living": Provide(lambda: controller, sync_to_thread=False),
            "parts": Provide(lambda: parts, sync_to_thread=False),
            **_OF_REQUESTS,
        },
        guards=[guard],
        exception_handlers={DeployError: on_deploy_error, HTTPException: on_http_error, Exception: on_any_error},
        request_max_body_size=API_BODY_BYTES_MAX,
        openapi_config=None,  # its own pages load scripts from elsewhere
        logging_config=None,
    )
    check_routes(application)
    application.state.document = msgspec.json.encode(description.document(application))
    return Entrance(application, authenticate, is_welcome)


def openapi() -> dict[str, Any]:
    """The description of the API; it needs no services."""
    nothing = {name: Provide(lambda: None, sync_to_thread=False) for name in ("services", "uploads", "routed", "living", "parts")}
    dependencies = {**nothing, **_OF_REQUESTS}
    return description.document(
        Litestar([*RESOURCES, *HEALTH], dependencies=dependencies, openapi_config=None, logging_config=None)
    )


@get("/schema/openapi.json", permission=EVERYBODY, include_in_schema=False)
async def _schema(request: Request[Any, Any, Any]) -> Response[bytes]:
    return Response(request.app.state.document, media_type="application/json")


def _actor(request: Request[Any, Any, Any]) -> Actor:
    actor: Actor = request.scope[ACTOR]  # type: ignore[literal-required]
    return actor


_OF_REQUESTS = {"actor": Provide(_actor, sync_to_thread=False)}
