"""Where tokens lead, from rows."""

from pathlib import Path

import pytest
from msgspec.structs import replace
from platform_rows import START_NS, a_container, a_deployment

from pie_deploy.controller.addresses import endpoint_address
from pie_deploy.controller.facts import Facts, Published
from pie_deploy.controller.routing import routes_of
from pie_deploy.domain.records import Container, Deployment
from pie_deploy.ports.routes import BackendRoutes, Link, Port, Route

RUN = Path("/tmp/pie-0/x")
ASK = Published("t-1", "tokenise", "ask", "ingress", ("http",), True, 30 * 10**9, 1 << 20, by_port=False)
WEB = Published("t-2", "web", "site", "ingress", ("http", "ws"), False, 30 * 10**9, 1 << 20, by_port=True)
FACTS = Facts("b-1", 3, "ff", (ASK,), talking=frozenset({"tokenise"}), is_deployed=True)
RUNNING = a_deployment(status="running", started_at_ns=START_NS)
READY = a_container(state="ready")
LINK = Link(container_id="c-1", address=endpoint_address(RUN, "c-1"))


def _routes(deployment: Deployment | None, *containers: Container, facts: Facts = FACTS) -> BackendRoutes:
    return routes_of(facts, deployment, containers, RUN)


def _route(deployment: Deployment | None, *containers: Container) -> Route:
    return _routes(deployment, *containers).routes["t-1"]


def test_an_alias_without_a_deployment_is_a_route_to_nowhere() -> None:
    route = _route(None)
    assert (route.state, route.upstream) == ("not_running", None)


@pytest.mark.parametrize("status", ["deploying", "failed", "tearing_down"])
def test_only_what_runs_serves(status: str) -> None:
    assert _route(a_deployment(status=status), READY).state == "not_running"


def test_a_ready_container_is_where_callers_go() -> None:
    route = _route(RUNNING, READY)
    assert (route.state, route.upstream, route.respond) == ("running", LINK, True)


@pytest.mark.parametrize("state", ["pending", "starting", "standby", "backoff"])
def test_who_restarts_is_waited_for(state: str) -> None:
    assert _route(RUNNING, a_container(state=state)).state == "restarting"


def test_who_has_ended_well_is_not_waited_for() -> None:
    assert _route(RUNNING, a_container(state="exited", exit_code=0)).state == "not_running"


def test_while_redeploying_callers_go_to_the_old_generation() -> None:
    new = replace(READY, id="c-2", generation=2)
    redeploying = replace(RUNNING, generation=2, redeploying=True)
    assert _route(redeploying, READY, new).upstream == LINK


def test_links_are_made_while_containers_come_up_and_not_to_what_goes() -> None:
    assert _routes(a_deployment(status="deploying"), READY).links == (LINK,)
    assert _routes(a_deployment(status="tearing_down"), READY).links == ()


def test_a_command_is_reached_at_its_port() -> None:
    facts = Facts("b-1", 3, "ff", (WEB,), is_deployed=True)
    row = a_container(vertex="web", state="ready", ports={"site": 20_001})
    routes = _routes(RUNNING, row, facts=facts)
    assert routes.routes["t-2"].upstream == Port(container_id="c-1", port=20_001)
    assert routes.links == ()


def test_a_command_without_a_port_is_not_reached() -> None:
    facts = Facts("b-1", 3, "ff", (WEB,), is_deployed=True)
    route = _routes(RUNNING, a_container(vertex="web", state="ready"), facts=facts).routes["t-2"]
    assert (route.state, route.upstream) == ("restarting", None)
