"""Graphs are followed entry by entry, and are what a replay of the whole log gives."""

import random

from platform_world import ALICE, World

from pie_deploy.controller.facts import facts_of
from pie_deploy.controller.graphs import Graphs
from pie_deploy.domain.graph import Graph
from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, ChangeParameter, DeleteVertex, RotateEndpoint


def _followed(world: World, graphs: Graphs, backend: str) -> Graph:
    with world.store.reading() as reading:
        row = reading.find_backend(backend)
        assert row is not None
        return graphs.at_head(reading, row).tables.graph()


async def test_a_followed_graph_equals_a_replay() -> None:
    async with World() as world:
        backend, chance, graphs = world.backend(), random.Random(7), Graphs()
        for number in range(30):
            world.edit(backend, ChangeParameter(vertex=chance.choice("abc"), name="greeting", value=f'"{number}"'))
            if number % 7 == 0:
                world.edit(backend, AddVertex(vertex=f"v{number}", component=world.component()))
            if number % 10 == 9:
                world.services.backends.undo(ALICE, backend, 2)
            assert _followed(world, graphs, backend) == _followed(world, Graphs(), backend)


async def test_a_compacted_log_is_read_again() -> None:
    async with World() as world:
        backend, graphs = world.backend(), Graphs()
        world.edit(backend, AddVertex(vertex="x", component=world.component()), DeleteVertex(vertex="x"))
        before = _followed(world, graphs, backend)
        world.services.backends.compact(ALICE, backend)
        for number in range(4):
            world.edit(backend, ChangeParameter(vertex="a", name="greeting", value=f'"{number}"'))
        after = _followed(world, graphs, backend)
        assert after == _followed(world, Graphs(), backend)
        assert after.vertices["a"].parameters != before.vertices["a"].parameters


async def test_few_graphs_are_kept_and_the_newest_stays() -> None:
    async with World() as world:
        backends = [world.backend(f"b{number}") for number in range(4)]
        graphs = Graphs(vertices_max=8)
        for backend in backends:
            _followed(world, graphs, backend)
        assert [graphs.has(backend) for backend in backends] == [False, False, True, True]


async def test_a_rotated_endpoint_has_another_token_and_a_value_changes_none() -> None:
    async with World() as world:
        backend = world.backend()

        def tokens() -> list[str]:
            with world.store.reading() as reading:
                row = reading.find_backend(backend)
                assert row is not None
                mirror = Graphs().at_head(reading, row)
                versions = {version.id: version.manifest for version in reading.versions()}
            return [one.token for one in facts_of(mirror, versions.__getitem__, bytes(32), is_deployed=False).published]

        first = tokens()
        world.edit(backend, ChangeParameter(vertex="a", name="greeting", value='"x"'))
        assert tokens() == first
        world.edit(backend, RotateEndpoint(vertex="a", endpoint="ask"))
        assert tokens() != first
        world.edit(backend, ChangeEndpointAlias(vertex="a", endpoint="ask", role=None))
        assert tokens() == []


async def test_editing_without_a_deployment_changes_what_the_gateway_knows() -> None:
    async with World() as world:
        backend = world.backend()
        await world.settle()
        (token,) = world.routes.now[backend].routes
        published = len(world.routes.history)
        world.edit(backend, ChangeParameter(vertex="a", name="greeting", value='"x"'))
        await world.settle()
        assert len(world.routes.history) == published
        world.edit(backend, RotateEndpoint(vertex="a", endpoint="ask"))
        await world.settle()
        assert token not in world.routes.now[backend].routes
        world.services.backends.delete(ALICE, backend)
        await world.settle()
        assert backend not in world.routes.now
