"""Which token leads where."""

from dataclasses import replace

from gateway_serving import A_ROUTE

from pie_deploy.gateway.routing import RoutingTable, digest, fingerprint
from pie_deploy.ports.routes import BackendRoutes, Link, Route

LINK = Link(container_id="c-1", address="ipc:///tmp/x")
OTHER = Link(container_id="c-2", address="ipc:///tmp/y")
RUNNING = replace(A_ROUTE, upstream=LINK)
STOPPED = replace(A_ROUTE, state="not_running")


def routes(backend_id: str = "b-1", links: tuple[Link, ...] = (), **by_token: Route) -> BackendRoutes:
    return BackendRoutes(backend_id=backend_id, deployment_status="running", routes=by_token, links=links)


def test_a_token_is_found_by_its_digest_alone() -> None:
    table = RoutingTable()
    table.publish(routes(secret=RUNNING))
    found = table.find(digest("secret"))
    assert found is not None and found.route == RUNNING
    assert table.find(digest("secre")) is None


def test_what_logs_say_of_a_token_does_not_contain_it() -> None:
    table = RoutingTable()
    table.publish(routes(secret=RUNNING))
    found = table.find(digest("secret"))
    assert found is not None and found.fingerprint == fingerprint(digest("secret")) and len(found.fingerprint) == 12


def test_publishing_replaces_all_of_the_backend() -> None:
    table = RoutingTable()
    table.publish(routes(old=RUNNING))
    table.publish(routes(new=RUNNING))
    assert (table.find(digest("old")), len(table)) == (None, 1)


def test_other_backends_are_left_alone() -> None:
    table = RoutingTable()
    table.publish(routes("b-1", one=RUNNING))
    table.publish(routes("b-2", two=RUNNING))
    table.withdraw("b-1")
    assert table.find(digest("one")) is None and table.find(digest("two")) is not None


def test_the_status_that_was_published_last_is_known() -> None:
    table = RoutingTable()
    assert table.deployment_status("b-1") is None
    table.publish(routes(token=RUNNING))
    assert table.deployment_status("b-1") == "running"
    table.withdraw("b-1")
    assert table.deployment_status("b-1") is None


def test_withdrawing_an_unknown_backend_is_nothing() -> None:
    assert RoutingTable().withdraw("b-1").gone == frozenset()


def test_a_route_that_stops_running_is_gone_for_who_is_connected() -> None:
    table = RoutingTable()
    table.publish(routes(token=RUNNING))
    assert table.publish(routes(token=STOPPED)).gone == {digest("token")}


def test_a_route_that_leads_to_another_container_is_gone_too() -> None:
    table = RoutingTable()
    table.publish(routes(token=RUNNING))
    assert table.publish(routes(token=replace(RUNNING, upstream=OTHER))).gone == {digest("token")}


def test_a_route_that_stays_is_not_gone() -> None:
    table = RoutingTable()
    table.publish(routes(token=RUNNING))
    assert table.publish(routes(token=replace(RUNNING, timeout_ns=1))).gone == frozenset()


def test_a_route_that_never_ran_is_not_gone() -> None:
    table = RoutingTable()
    table.publish(routes(token=STOPPED))
    assert table.publish(routes()).gone == frozenset()


def test_links_are_those_of_the_backend_and_of_its_routes() -> None:
    assert RoutingTable().publish(routes(links=(OTHER,), token=RUNNING)).links == {LINK, OTHER}
