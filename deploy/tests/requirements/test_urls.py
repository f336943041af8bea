"""URLs belong to backends and outlive deployments (R15, R24 to R27). A caller asks the real gateway."""

import httpx
import pytest
from platform_world import ALICE, World

from pie_deploy.domain.operations import ChangeEndpointAlias
from pie_deploy.gateway import Gateway
from pie_deploy.launchers.fake import Behaviour


def url(world: World, backend: str) -> str:
    (endpoint,) = world.services.backends.endpoints(ALICE, backend)
    return endpoint.url


async def answer(world: World, url: str) -> tuple[int, str]:
    """Status and code of a request. Containers of the fake launcher have no sockets: 503 says that the route leads to one."""
    gateway = Gateway()
    for routes in world.routes.now.values():
        gateway.publish(routes)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app)) as http:
        response = await http.post(url, content="rose")
    return response.status_code, response.json()["error"]["code"]


NOT_RUNNING = (404, "endpoint_not_running")


async def test_R24_a_url_exists_as_soon_as_its_alias_does(world: World) -> None:
    backend = world.backend()
    await world.settle()
    assert await answer(world, url(world, backend)) == NOT_RUNNING


async def test_R15_undeploy_leaves_the_url_and_404_behind(world: World) -> None:
    backend = world.backend()
    await world.deployed(backend)
    world.services.deployments.undeploy(ALICE, backend)
    await world.settle()
    assert await answer(world, url(world, backend)) == NOT_RUNNING


async def test_R25_the_url_is_the_same_for_every_deployment(world: World) -> None:
    backend = world.backend()
    before = url(world, backend)
    for _ in range(2):
        await world.deployed(backend)
        assert url(world, backend) == before
        world.services.deployments.undeploy(ALICE, backend)
        await world.settle()


async def test_R26_it_answers_while_running(world: World) -> None:
    backend = world.backend()
    await world.deployed(backend)
    status, _ = await answer(world, url(world, backend))
    assert status == 503


@pytest.mark.parametrize("behaviour", [Behaviour(stalls_at="standby"), Behaviour(refuses="no")], ids=["deploying", "failed"])
async def test_R26_it_is_404_in_every_other_state(world: World, behaviour: Behaviour) -> None:
    world.launcher.script = lambda _spec, _incarnation: behaviour
    backend = world.backend()
    await world.deployed(backend)
    assert await answer(world, url(world, backend)) == NOT_RUNNING


async def test_R26_it_is_404_while_it_is_torn_down(world: World) -> None:
    world.launcher.script = lambda _spec, _incarnation: Behaviour(ignores_term=True)
    backend = world.backend()
    deployment = await world.deployed(backend)
    world.services.deployments.undeploy(ALICE, backend)
    await world.settle()
    assert world.show(deployment.id).status == "tearing_down"
    assert await answer(world, url(world, backend)) == NOT_RUNNING


async def test_R27_a_fork_has_urls_of_its_own(world: World) -> None:
    backend = world.backend()
    await world.deployed(backend)
    fork = world.services.backends.fork(ALICE, backend, "twin").id
    await world.settle()
    assert url(world, fork) != url(world, backend)
    assert await answer(world, url(world, fork)) == NOT_RUNNING


async def test_R24_an_alias_that_is_taken_away_unpublishes_and_comes_back_with_the_same_url(world: World) -> None:
    backend = world.backend()
    before = url(world, backend)
    world.edit(backend, ChangeEndpointAlias(vertex="a", endpoint="ask", role=None))
    await world.settle()
    assert await answer(world, before) == (404, "endpoint_unknown")
    world.edit(backend, ChangeEndpointAlias(vertex="a", endpoint="ask", role="other"))
    await world.settle()
    assert url(world, backend) == before
