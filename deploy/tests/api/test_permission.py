"""Which role may use which route: every one of them, by the table; and that no route can do without."""

from collections.abc import Iterator
from typing import Any

import pytest
from api_serving import USERS, ApiServing, asking, code
from litestar import Controller, Litestar, get, post

from pie_deploy.api import permission as permissions
from pie_deploy.api.app import openapi
from pie_deploy.api.entrance import EVERYBODY, OPEN_PATHS
from pie_deploy.api.permission import check_routes, guard
from pie_deploy.domain.role import Permission, Reach, a, enough, reach

DOCUMENT = openapi()


def routes() -> Iterator[tuple[str, str, Permission]]:
    """Method, path with names of things that are not there, permission: of every route that is not open."""
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            if path not in OPEN_PATHS:
                yield method.upper(), path.replace("{", "no-").replace("}", ""), Permission(operation["x-permission"])


ROUTES = list(routes())


async def test_a_route_is_refused_to_exactly_the_roles_that_the_table_refuses(api: ApiServing) -> None:
    for method, path, permission in ROUTES:
        for name, role in USERS.items():
            answer = await api.client.request(method, path, headers=asking(name))
            refused = answer.status_code == 403 and f"{a(role)} may not do this ({permission})" in answer.text
            assert refused == (reach(role, permission) is Reach.NOWHERE), (method, path, name, answer.text)
            if refused:
                assert answer.json()["error"]["hint"] == f"the role {enough(permission)} would be enough"


async def test_the_role_is_looked_at_before_the_body(api: ApiServing) -> None:
    answer = await api.client.post("/v1/backends", content=b"{", headers=asking("vera"))
    assert code(answer)[0] == 403


async def test_the_methods_of_a_path_are_told_to_everybody_with_a_key(api: ApiServing) -> None:
    answer = await api.client.options("/v1/backends", headers=asking("vera"))
    assert answer.status_code == 204 and "POST" in answer.headers["allow"]


async def test_every_route_that_is_served_is_among_them(api: ApiServing) -> None:
    served = [path for path, _ in permissions.routes(api.app._application)]
    assert sorted(path for path in served if path in OPEN_PATHS) == sorted(OPEN_PATHS)
    assert len(served) == len(ROUTES) + len(OPEN_PATHS) > 40


class Forgetful(Controller):
    path = "/v1/forgotten"

    @get()
    async def show(self) -> None: ...


@post("/v1/careless", permission="anybody")
async def careless() -> None: ...


@get("/healthz", permission=None)
async def free() -> None: ...


@pytest.mark.parametrize("handler", [Forgetful, careless, free])
def test_an_application_with_a_route_that_does_not_say_who_may_use_it_does_not_start(handler: Any) -> None:
    with pytest.raises(AssertionError, match="does not say who may use it"):
        check_routes(Litestar([handler], guards=[guard], openapi_config=None))


@get("/v1/healthz", permission=EVERYBODY)
async def let_in() -> None: ...


@get("/metrics", permission=Permission.READ)
async def shut_out() -> None: ...


@pytest.mark.parametrize("handler", [let_in, shut_out])
def test_nor_does_one_that_is_open_where_a_key_is_asked_or_the_other_way_round(handler: Any) -> None:
    with pytest.raises(AssertionError, match="for everybody in one place and not in the other"):
        check_routes(Litestar([handler], guards=[guard], openapi_config=None))


@pytest.mark.parametrize("path", ["/healthz", "/healthz/", "/metrics", "/schema/openapi.json"])
async def test_open_routes_are_open_to_every_role(api: ApiServing, path: str) -> None:
    for name in USERS:
        assert (await api.client.get(path, headers=asking(name))).status_code == 200
