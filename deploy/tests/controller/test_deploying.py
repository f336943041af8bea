"""From accepted to running, and what comes in between."""

import json
import socket

from platform_world import ALICE, COMMAND, FINITE, SECOND_NS, World

from pie_deploy.domain.operations import AddVertex, ChangeEndpointAlias, ChangeParameter
from pie_deploy.launchers.fake import Behaviour
from pie_deploy.ports.routes import Link, Port


async def test_every_vertex_becomes_a_running_container() -> None:
    async with World() as world:
        deployment = await world.deployed()
        assert deployment.status == "running"
        assert (deployment.containers, deployment.containers_ready) == (3, 3)
        assert world.launcher.running() == sorted(row.id for row in world.containers(deployment.id).values())


async def test_a_settled_platform_has_nothing_to_do_and_nothing_wrong() -> None:
    async with World() as world:
        await world.deployed()
        assert await world.controller.step() == 0
        assert await world.controller.problems(at_rest=True) == []


async def test_it_is_not_running_before_every_container_is_ready() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(stalls_at="ready") if spec.vertex == "b" else Behaviour()
        deployment = await world.deployed()
        assert deployment.status == "deploying"
        assert deployment.containers_ready == 2


async def test_nobody_goes_before_all_stand_by() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(step_ns=SECOND_NS) if spec.vertex == "b" else Behaviour()
        deployment = await world.deployed()
        assert {row.state for row in world.containers(deployment.id).values()} == {"standby", "starting"}
        await world.advance(3 * SECOND_NS)
        assert world.show(deployment.id).status == "running"


async def test_edges_join_the_sockets_of_the_containers() -> None:
    async with World() as world:
        deployment = await world.deployed()
        rows = world.containers(deployment.id)
        a, b = world.launcher.spec(rows["a"].id), world.launcher.spec(rows["b"].id)
        assert a.inputs[0].address is None
        assert a.outputs[0].addresses == (b.inputs[0].address,)
        assert b.inputs[0].address == f"ipc://{world.home.run}/{rows['b'].id}/i0/s"


async def test_what_does_not_come_up_in_time_fails() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(stalls_at="configured") if spec.vertex == "b" else Behaviour()
        deployment = await world.deployed(world.backend(), startup_timeout="10s")
        await world.advance(10 * SECOND_NS)
        failed = world.show(deployment.id)
        assert (failed.status, failed.status_reason) == ("failed", "startup_timeout")
        assert "b" in failed.status_message
        assert world.launcher.running() == []


async def test_an_environment_that_cannot_be_made_fails_the_deployment() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(prepare_error="no such package") if spec.vertex == "b" else Behaviour()
        failed = await world.deployed()
        assert (failed.status, failed.status_reason) == ("failed", "precondition")
        assert "no such package" in failed.status_message


async def test_a_container_that_refuses_fails_the_deployment_at_once() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(refuses="no weights") if spec.vertex == "c" else Behaviour()
        failed = await world.deployed()
        assert (failed.status, failed.status_reason, failed.status_message) == ("failed", "precondition", "vertex c: no weights")


async def test_routes_are_known_before_the_deployment_and_lead_somewhere_while_it_runs() -> None:
    async with World() as world:
        backend = world.backend()
        await world.settle()
        assert world.routes.only(backend).state == "not_running"
        deployment = await world.deployed(backend)
        route = world.routes.only(backend)
        container = world.containers(deployment.id)["a"].id
        assert route.state == "running"
        assert route.upstream == Link(container_id=container, address=f"ipc://{world.home.run}/{container}/g/s")


async def test_a_finite_container_that_ends_well_counts_as_ready() -> None:
    async with World() as world:
        backend = world.services.backends.create(ALICE, "once").id
        world.edit(backend, AddVertex(vertex="job", component=world.component("job", FINITE)))
        world.launcher.script = lambda _spec, _incarnation: Behaviour(exits_after_ns=SECOND_NS, exit_code=0)
        deployment = await world.deployed(backend)
        await world.advance(SECOND_NS)
        row = world.containers(deployment.id)["job"]
        assert (row.state, row.exit_code, row.restarts) == ("exited", 0, 0)
        assert world.show(deployment.id).containers_ready == 1


async def test_a_commands_endpoint_gets_a_port_that_its_words_name() -> None:
    async with World() as world:
        backend = world.services.backends.create(ALICE, "site").id
        world.edit(
            backend,
            AddVertex(vertex="web", component=world.component("web", COMMAND)),
            ChangeEndpointAlias(vertex="web", endpoint="web", role="web"),
        )
        deployment = await world.deployed(backend)
        row = world.containers(deployment.id)["web"]
        port = row.ports["web"]
        spec = world.launcher.spec(row.id)
        assert spec.program.argv == ("serve", "--port", str(port))  # type: ignore[union-attr]
        assert world.routes.only(backend).upstream == Port(container_id=row.id, port=port)


def _site(world: World) -> str:
    """A command with an alias, and a worker that is told its URL."""
    backend = world.services.backends.create(ALICE, "site").id
    world.edit(
        backend,
        AddVertex(vertex="web", component=world.component("web", COMMAND)),
        ChangeEndpointAlias(vertex="web", endpoint="web", role="web"),
        AddVertex(vertex="asks", component=world.component()),
        ChangeEndpointAlias(vertex="asks", endpoint="ask", role="ask"),
        ChangeParameter(vertex="asks", name="greeting", value='"vertex://web/web/now"'),
    )
    return backend


async def test_a_command_whose_port_is_taken_before_it_starts_gets_another_one() -> None:
    async with World() as world:
        backend = _site(world)
        deployment = world.services.deployments.deploy(ALICE, backend)
        while not (ports := world.containers(deployment.id)["web"].ports):
            await world.controller.step()
            await world.finish_effects()
        with socket.create_server(("127.0.0.1", ports["web"])):
            await world.advance(2 * SECOND_NS, stride_ns=SECOND_NS)
        row = world.containers(deployment.id)["web"]
        assert (row.state, row.restarts, row.last_error) == ("ready", 1, f"port {ports['web']} was taken by another program")
        assert row.ports["web"] != ports["web"]
        (upstream,) = (route.upstream for route in world.routes.now[backend].routes.values() if route.vertex == "web")
        assert upstream == Port(container_id=row.id, port=row.ports["web"])
        assert world.show(deployment.id).status == "running"


async def test_when_a_command_moves_to_another_port_those_that_refer_to_it_are_told_at_a_new_start() -> None:
    async with World() as world:
        backend = _site(world)
        world.launcher.script = lambda spec, incarnation: Behaviour(
            exits_after_ns=SECOND_NS if spec.vertex == "web" and incarnation == 1 else None
        )
        deployment = await world.deployed(backend)
        before = world.containers(deployment.id)
        await world.advance(SECOND_NS)
        assert {route.state for route in world.routes.now[backend].routes.values()} == {"restarting"}
        await world.advance(SECOND_NS)
        after = world.containers(deployment.id)
        assert world.show(deployment.id).containers_ready == 2
        assert before["web"].ports != after["web"].ports
        told = world.launcher.spec(after["asks"].id).parameters["greeting"].value
        assert json.loads(told) == f"http://127.0.0.1:{after['web'].ports['web']}/now"
        assert (after["asks"].restarts, after["asks"].recent_restarts_ns) == (1, ())
        assert await world.controller.problems(at_rest=True) == []
