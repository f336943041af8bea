"""Backends, deployments, forks: what belongs to what (R01 to R04, R06, R08, R09, R21)."""

import pytest
from platform_world import ALICE, World

from pie_deploy.domain.operations import AddVertex, ChangeParameter, Connect, Input, Output
from pie_deploy.errors import DeploymentLiveError, GraphLockedError
from pie_deploy.launchers.fake import Behaviour

ROW = {"id", "status", "runtime_id", "backend_id", "containers", "expires_at_ns", "debug"}


async def test_R01_a_backend_has_at_most_one_live_deployment(world: World) -> None:
    backend = world.backend()
    first = await world.deployed(backend)
    with pytest.raises(DeploymentLiveError):
        world.services.deployments.deploy(ALICE, backend)
    assert [row.id for row in world.services.deployments.list(ALICE)] == [first.id]


async def test_R01_a_failed_deployment_counts_as_one(world: World) -> None:
    world.launcher.script = lambda _spec, _incarnation: Behaviour(refuses="no")
    backend = world.backend()
    assert (await world.deployed(backend)).status == "failed"
    with pytest.raises(DeploymentLiveError):
        world.services.deployments.deploy(ALICE, backend)


async def test_R02_the_same_graph_runs_twice_as_a_fork(world: World) -> None:
    backend = world.backend()
    original = await world.deployed(backend)
    fork = world.services.backends.fork(ALICE, backend, "twin")
    twin = await world.deployed(fork.id)
    assert [world.show(one.id).status for one in (original, twin)] == ["running", "running"]
    assert len(world.launcher.running()) == 6


async def test_R03_a_fork_has_a_log_urls_and_a_deployment_of_its_own(world: World) -> None:
    backend = world.backend()
    fork = world.services.backends.fork(ALICE, backend, "twin").id
    world.edit(fork, ChangeParameter(vertex="a", name="greeting", value='"bye"'))
    shown = world.services.backends.show
    assert shown(ALICE, fork).backend.head == shown(ALICE, backend).backend.head + 1
    assert shown(ALICE, fork).backend.forked_from == backend
    (here,), (there,) = (world.services.backends.endpoints(ALICE, ref) for ref in (backend, fork))
    assert here.role == there.role
    assert here.url != there.url
    assert shown(ALICE, backend).deployment is shown(ALICE, fork).deployment is None


async def test_R04_what_runs_is_exactly_what_is_recorded(world: World) -> None:
    backend = world.backend()
    deployment = await world.deployed(backend)
    graph = world.services.backends.show(ALICE, backend)
    assert set(world.containers(deployment.id)) == {vertex.name for vertex in graph.vertices}
    assert (deployment.backend_seq, deployment.graph_hash) == (graph.backend.head, graph.backend.graph_hash)
    assert await world.controller.problems(at_rest=True) == []


async def test_R06_a_deployment_is_made_from_the_log(world: World) -> None:
    """Nothing but the operations leads to what runs: the same log elsewhere gives the same containers."""
    backend = world.backend()
    other = world.services.backends.create(ALICE, "replayed").id
    world.edit(other, *[record.operation for record in world.services.backends.operations(ALICE, backend)])
    one, two = await world.deployed(backend), await world.deployed(other)
    assert one.graph_hash == two.graph_hash
    assert set(world.containers(one.id)) == set(world.containers(two.id))


async def test_R08_fork_edit_deploy_leaves_the_original_serving_throughout(world: World) -> None:
    backend = world.backend()
    await world.deployed(backend)
    published = len(world.routes.history)
    fork = world.services.backends.fork(ALICE, backend, "next").id
    world.edit(fork, AddVertex(vertex="d", component=world.component()), Connect(output=Output("c"), input=Input("d")))
    with pytest.raises(GraphLockedError):
        world.edit(backend, AddVertex(vertex="d", component=world.component()))
    await world.deployed(fork)
    world.services.deployments.undeploy(ALICE, fork)
    await world.settle()
    since = [routes for routes in world.routes.history[published:] if routes.backend_id == backend]
    assert all(route.state == "running" for routes in since for route in routes.routes.values())
    assert world.routes.only(backend).state == "running"


async def test_R09_a_row_has_the_seven_fields(world: World) -> None:
    deployment = await world.deployed()
    assert set(deployment.__struct_fields__) >= ROW
    assert (deployment.status, deployment.runtime_id, deployment.containers) == ("running", world.runtime.id, 3)
    assert deployment.expires_at_ns is not None


async def test_R09_containers_and_undeploy_go_by_the_deployments_id(world: World) -> None:
    deployment = await world.deployed()
    assert len(world.services.containers.list(ALICE, deployment.id)) == 3
    assert world.services.deployments.undeploy(ALICE, deployment.id).status == "tearing_down"


async def test_R21_one_container_per_vertex_and_one_transport_per_edge(world: World) -> None:
    backend = world.backend()
    world.edit(backend, AddVertex(vertex="d", transformation="tee"), Connect(output=Output("c"), input=Input("d")))
    deployment = await world.deployed(backend)
    rows = world.containers(deployment.id)
    specs = {vertex: world.launcher.spec(row.id) for vertex, row in rows.items()}
    assert set(specs) == {"a", "b", "c", "d"}
    heard = {slot.address for spec in specs.values() for slot in spec.inputs if slot.address}
    spoken = [address for spec in specs.values() for slot in spec.outputs for address in slot.addresses]
    assert len(heard) == len(spoken) == len(world.services.backends.show(ALICE, backend).edges)
    assert heard == set(spoken)
