"""Whether a request may go to its endpoint. Pure."""

from pie_deploy.gateway import failures
from pie_deploy.gateway.failures import Refusal
from pie_deploy.gateway.routing import Target
from pie_deploy.ports.routes import Port, Route

_OF_AN_INGRESS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_OF_VALUES = frozenset(("POST", "PUT", "PATCH"))
_OF_AN_EGRESS = frozenset(("GET", "HEAD"))
_WRONG_METHOD_OF_AN_INGRESS = failures.wrong_method(", ".join(sorted(_OF_AN_INGRESS)))
_WRONG_METHOD_OF_VALUES = failures.wrong_method(", ".join(sorted(_OF_VALUES)))
_WRONG_METHOD_OF_AN_EGRESS = failures.wrong_method(", ".join(sorted(_OF_AN_EGRESS)))


def refusal(target: Target | None, method: str | None) -> Refusal | None:
    """None: it may. `method` is None for a WebSocket."""
    if target is None:
        return failures.ENDPOINT_UNKNOWN
    route = target.route
    if route.state == "not_running":
        return failures.ENDPOINT_NOT_RUNNING
    wrong = _wrong_transport(route) if method is None else _wrong_request(route, method)
    if wrong is not None:
        return wrong
    return failures.RESTARTING if route.state == "restarting" or route.upstream is None else None


def _wrong_transport(route: Route) -> Refusal | None:
    return None if "ws" in route.transports else failures.NO_TRANSPORT


def _wrong_request(route: Route, method: str) -> Refusal | None:
    if "http" not in route.transports and "sse" not in route.transports:
        return failures.NO_TRANSPORT
    if route.takes_values and not isinstance(route.upstream, Port):
        return None if method in _OF_VALUES else _WRONG_METHOD_OF_VALUES
    if isinstance(route.upstream, Port) or route.direction == "ingress":
        return None if method in _OF_AN_INGRESS else _WRONG_METHOD_OF_AN_INGRESS
    return None if method in _OF_AN_EGRESS else _WRONG_METHOD_OF_AN_EGRESS
