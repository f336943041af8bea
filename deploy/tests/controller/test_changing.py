"""Redeploys, moves, mutable configuration, restarts of the control plane, lost nodes."""

from msgspec.structs import replace
from platform_world import ALICE, SECOND_NS, World

from pie_deploy.domain.operations import AddVertex, ChangeParameter, Connect, Input, Output
from pie_deploy.launchers.fake import Behaviour
from pie_deploy.ports.launcher import ContainerLimits
from pie_deploy.services.views import NodeRequest

TWO_NODES = (NodeRequest(cpu=2, memory_bytes=1 << 30), NodeRequest(cpu=2, memory_bytes=1 << 30))


async def test_a_redeploy_replaces_every_container_and_keeps_the_deployment_and_its_urls() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        before, token = world.containers(deployment.id), set(world.routes.now[backend].routes)
        world.services.deployments.redeploy(ALICE, backend)
        await world.settle()
        after = world.containers(deployment.id)
        shown = world.show(deployment.id)
        assert (shown.status, shown.generation, shown.containers_ready) == ("running", 2, 3)
        assert not {row.id for row in before.values()} & {row.id for row in after.values()}
        assert set(world.routes.now[backend].routes) == token
        assert world.launcher.known() == sorted(row.id for row in after.values())


async def test_the_old_containers_serve_until_the_new_ones_stand_by() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        world.launcher.script = lambda _spec, _incarnation: Behaviour(step_ns=SECOND_NS)
        world.services.deployments.redeploy(ALICE, backend)
        await world.settle()
        shown = world.show(deployment.id)
        assert (shown.status, shown.redeploying, world.routes.only(backend).state) == ("running", True, "running")
        assert len(world.launcher.running()) == 6
        await world.advance(3 * SECOND_NS)
        assert (world.show(deployment.id).status, len(world.launcher.running())) == ("running", 3)
        assert world.statuses(deployment.id) == ["deploying", "running", "deploying", "running"]


async def test_new_containers_that_do_not_come_up_fail_the_deployment() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        world.launcher.script = lambda spec, _: Behaviour(refuses="broken") if spec.generation == 2 else Behaviour()
        world.services.deployments.redeploy(ALICE, backend)
        await world.settle()
        assert world.show(deployment.id).status == "failed"
        assert world.launcher.running() == []


async def test_a_failed_deployment_is_edited_and_redeployed() -> None:
    async with World() as world:
        backend = world.backend()
        world.launcher.script = lambda spec, _: Behaviour(refuses="broken") if spec.generation == 1 else Behaviour()
        deployment = await world.deployed(backend)
        d = AddVertex(vertex="d", component=world.component())
        world.edit(backend, d, Connect(output=Output("c"), input=Input("d")))
        world.services.deployments.redeploy(ALICE, backend)
        await world.settle()
        assert (world.show(deployment.id).status, sorted(world.containers(deployment.id))) == ("running", ["a", "b", "c", "d"])
        assert len(world.launcher.known()) == 4


async def test_a_mutable_value_reaches_the_running_container_without_a_restart() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        before = world.containers(deployment.id)["b"]
        world.edit(backend, ChangeParameter(vertex="b", name="greeting", value='"bye"'))
        await world.settle()
        after = world.containers(deployment.id)["b"]
        head = world.services.backends.show(ALICE, backend).backend.head
        assert (after.config_seq_wanted, after.config_seq_applied) == (head, head)
        assert (after.id, after.pid, after.started_at_ns) == (before.id, before.pid, before.started_at_ns)
        assert world.containers(deployment.id)["a"].config_seq_wanted < head


async def test_a_hook_that_raises_is_shown_and_nothing_restarts() -> None:
    async with World() as world:
        world.launcher.script = lambda _spec, _incarnation: Behaviour(config_error="too rude")
        backend = world.backend()
        deployment = await world.deployed(backend)
        world.edit(backend, ChangeParameter(vertex="b", name="greeting", value='"bye"'))
        await world.settle()
        row = world.containers(deployment.id)["b"]
        assert (row.state, row.restarts, row.config_error) == ("ready", 0, "value: too rude")


async def test_a_restarted_container_starts_with_the_newest_value() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        world.edit(backend, ChangeParameter(vertex="b", name="greeting", value='"bye"'))
        await world.settle()
        row = world.containers(deployment.id)["b"]
        world.launcher.crash(row.id)
        await world.settle()
        await world.advance(SECOND_NS)
        assert world.launcher.spec(row.id).parameters["greeting"].value == '"bye"'


async def test_a_new_control_plane_adopts_what_runs_and_changes_nothing() -> None:
    async with World() as world:
        deployment = await world.deployed()
        before, starts = world.containers(deployment.id), world.launcher.statistics().starts
        await world.restart()
        await world.settle()
        assert world.containers(deployment.id) == before
        assert world.launcher.statistics().starts == starts
        assert world.show(deployment.id).status == "running"


async def test_what_died_with_the_control_plane_is_started_again() -> None:
    async with World() as world:
        deployment = await world.deployed()
        row = world.containers(deployment.id)["b"]
        world.launcher.vanish(row.id)
        await world.restart()
        await world.settle()
        await world.advance(SECOND_NS)
        again = world.containers(deployment.id)["b"]
        assert (again.state, again.restarts) == ("ready", 1)


async def test_what_was_stopped_with_the_platform_comes_up_again_and_that_is_no_crash() -> None:
    async with World() as world:
        deployment = await world.deployed()
        await world.controller.close(stop_all=True)
        assert world.launcher.running() == []
        await world.restart()
        await world.settle()
        assert world.show(deployment.id).status == "running"
        assert all(row.recent_restarts_ns == () for row in world.containers(deployment.id).values())


async def test_containers_of_a_lost_node_move_to_another_one_once() -> None:
    async with World(nodes=TWO_NODES) as world:
        deployment = await world.deployed(world.backend(vertices=("a", "b")))
        first, second = (node.id for node in world.runtime.nodes)
        rows = world.containers(deployment.id)
        assert {row.node_id for row in rows.values()} == {first}
        world.launcher.lose_node(first, [row.id for row in rows.values()])
        await world.advance(3 * SECOND_NS, stride_ns=SECOND_NS)
        moved = world.containers(deployment.id)
        assert {(row.node_id, row.state) for row in moved.values()} == {(second, "ready")}
        world.launcher.lose_node(second, [row.id for row in rows.values()])
        await world.advance(3 * SECOND_NS, stride_ns=SECOND_NS)
        assert world.show(deployment.id).status_reason == "node_lost"


async def test_a_lost_node_without_another_one_fails_the_deployment() -> None:
    async with World() as world:
        deployment = await world.deployed()
        world.launcher.lose_node(world.runtime.nodes[0].id, world.launcher.running())
        await world.advance(3 * SECOND_NS)
        failed = world.show(deployment.id)
        assert (failed.status, failed.status_reason) == ("failed", "node_lost")


async def test_a_process_of_which_nothing_is_written_down_is_stopped() -> None:
    async with World() as world:
        deployment = await world.deployed()
        row = world.containers(deployment.id)["b"]
        spec = world.launcher.spec(row.id)
        stray = replace(spec, container_id="c-stray")
        await world.launcher.prepare(stray)
        await world.launcher.start(stray, ContainerLimits(cpu=1, memory_bytes=1), 1)
        await world.settle()
        assert "c-stray" not in world.launcher.known()
