"""The one place where it is checked whether a role may use a route: a guard of the application, before anything is read.

A handler says its permission: `@get("/…", permission=Permission.READ)`, or EVERYBODY. Whoever forgets it cannot start the
application. What a permission reaches, the services check when they have the row: `services.access`.
"""

from collections.abc import Iterator
from typing import Any

from litestar import Litestar
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from pie_deploy.api.entrance import ACTOR, EVERYBODY, OPEN_PATHS
from pie_deploy.domain.role import Permission, check
from pie_deploy.services.actor import Actor

_KEY = "permission"


def permission_of(handler: BaseRouteHandler) -> Permission | None:
    """What a handler needs; None: nothing, it is for everybody. An AssertionError if it does not say so: a bug of ours, and nobody
    gets in by it.
    """
    said = handler.opt.get(_KEY)
    if said == EVERYBODY:
        return None
    assert isinstance(said, Permission), f"{handler} does not say who may use it"
    return said


def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Raises ForbiddenError."""
    permission = None if _is_about_methods(handler) else permission_of(handler)
    if permission is not None:
        actor: Actor = connection.scope[ACTOR]  # type: ignore[literal-required]
        check(actor.role, permission)


def check_routes(application: Litestar) -> None:
    """That every route says its permission, and that those for everybody are those that are answered without a key."""
    for path, handler in routes(application):
        is_open = permission_of(handler) is None
        assert is_open == (path in OPEN_PATHS), f"{path} is for everybody in one place and not in the other"


def routes(application: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """By path. An AssertionError for what is none and would be served without being guarded."""
    for route in application.routes:
        assert isinstance(route, HTTPRoute), f"{route.path} is no route that is guarded"
        yield from ((route.path_format, handler) for handler in route.route_handlers if not _is_about_methods(handler))


def _is_about_methods(handler: BaseRouteHandler) -> bool:
    """The framework's own answer to OPTIONS, which tells nothing but the methods of a path."""
    return isinstance(handler, HTTPRouteHandler) and set(handler.http_methods) == {"OPTIONS"}
