"""Where each forwarding token leads, from the rows. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from pie_deploy.controller.addresses import endpoint_address
from pie_deploy.controller.facts import Facts, Published
from pie_deploy.domain.deployment import serving_generation
from pie_deploy.domain.records import Container, Deployment
from pie_deploy.ports.routes import BackendRoutes, Link, Port, Route, RouteState


def routes_of(facts: Facts, deployment: Deployment | None, containers: Sequence[Container], run: Path) -> BackendRoutes:
    """What the gateway is to know of a backend. Only `running` serves; links are made while containers come up."""
    status = None if deployment is None else deployment.status
    serving: Mapping[str, Container] = {}
    if deployment is not None and deployment.status in ("running", "deploying"):
        generation = serving_generation(deployment)
        serving = {container.vertex: container for container in containers if container.generation == generation}
    routes = {one.token: _route(one, serving.get(one.vertex), status == "running", run) for one in facts.published}
    links = tuple(
        Link(container_id=container.id, address=endpoint_address(run, container.id))
        for vertex, container in sorted(serving.items())
        if vertex in facts.talking and container.state != "exited"
    )
    return BackendRoutes(backend_id=facts.backend_id, deployment_status=status, routes=routes, links=links)


def _route(published: Published, container: Container | None, is_running: bool, run: Path) -> Route:
    state: RouteState = "not_running"
    upstream: Link | Port | None = None
    if is_running and container is not None and not _has_ended(container):
        upstream = _upstream(published, container, run)
        state = "running" if container.state == "ready" and upstream is not None else "restarting"
    return Route(
        vertex=published.vertex,
        endpoint=published.endpoint,
        direction=published.direction,
        transports=published.transports,
        state=state,
        upstream=upstream,
        respond=published.responds,
        timeout_ns=published.timeout_ns,
        body_bytes_max=published.body_bytes_max,
        answer=published.answer,
        takes_values=published.takes_values,
    )


def _has_ended(container: Container) -> bool:
    """A finite one: it will not come back, so its endpoints are not to be waited for."""
    return container.state == "exited" and container.exit_code == 0


def _upstream(published: Published, container: Container, run: Path) -> Link | Port | None:
    if published.by_port:
        port = container.ports.get(published.endpoint)
        return None if port is None else Port(container_id=container.id, port=port)
    return Link(container_id=container.id, address=endpoint_address(run, container.id))
