"""The one place where it is checked whether a role may use a route: a guard of the application, before anything is read.

A handler says its permission: `@get("/…", permission=Permission.READ)`. Whoever forgets it cannot start the application. What a
permission reaches, the services check when they have the row: `services.access`.
"""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from pie_deploy.api.entrance import ACTOR, OPEN_PATHS
from pie_deploy.domain.role import Permission, check
from pie_deploy.services.actor import Actor

_KEY = "permission"


def permission_of(handler: BaseRouteHandler) -> Permission:
    """What a handler needs. An AssertionError if it does not say so: a bug of ours, and nobody gets in by it."""
    permission = handler.opt.get(_KEY)
    assert isinstance(permission, Permission), f"{handler} does not say who may use it"
    return permission


def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises ForbiddenError."""
    actor: Actor | None = connection.scope.get(ACTOR)  # type: ignore[assignment]
    if actor is None:
        assert connection.scope["path"] in OPEN_PATHS, "nobody comes here without a key"
    elif not _is_about_methods(handler):
        check(actor.role, permission_of(handler))


def check_routes(application: Litestar) -> None:
    """That every route says its permission, or is open to everybody."""
    for path, handler in guarded(application):
        assert path not in OPEN_PATHS, f"{path} is open and needs no permission"
        permission_of(handler)


def guarded(application: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """The routes that are not open, by path."""
    for route in application.routes:
        assert isinstance(route, HTTPRoute), f"{route.path} is no route that is guarded"
        for handler in route.route_handlers:
            if route.path_format not in OPEN_PATHS and not _is_about_methods(handler):
                yield route.path_format, handler


def _is_about_methods(handler: BaseRouteHandler) -> bool:
    """The framework's own answer to OPTIONS, which tells nothing but the methods of a path."""
    return isinstance(handler, HTTPRouteHandler) and set(handler.http_methods) == {"OPTIONS"}
