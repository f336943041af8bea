"""Crashes, failing, undeploying, expiry, leases: everything that ends."""

from platform_world import ALICE, FINITE, SECOND_NS, World

from pie_deploy.domain.operations import AddVertex
from pie_deploy.launchers.fake import Behaviour

HOUR_NS = 3600 * SECOND_NS


async def test_a_crashed_container_restarts_after_its_backoff() -> None:
    async with World() as world:
        deployment = await world.deployed()
        row = world.containers(deployment.id)["b"]
        world.launcher.crash(row.id, exit_code=3)
        await world.settle()
        crashed = world.containers(deployment.id)["b"]
        assert (crashed.state, crashed.exit_code, crashed.restarts) == ("backoff", 3, 1)
        await world.advance(SECOND_NS)
        again = world.containers(deployment.id)["b"]
        assert (again.state, again.id) == ("ready", row.id)


async def test_while_a_container_restarts_the_deployment_runs_and_says_so() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        world.launcher.crash(world.containers(deployment.id)["a"].id)
        await world.settle()
        shown = world.show(deployment.id)
        assert (shown.status, shown.status_reason, shown.containers_ready) == ("running", "container_restarting", 2)
        assert world.routes.only(backend).state == "restarting"
        await world.advance(SECOND_NS)
        assert (world.show(deployment.id).status_reason, world.routes.only(backend).state) == ("", "running")


async def test_a_container_that_crashes_beyond_its_budget_fails_the_deployment() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(exits_after_ns=0) if spec.vertex == "b" else Behaviour()
        deployment = await world.deployed()
        await world.advance(60 * SECOND_NS, stride_ns=SECOND_NS)
        failed = world.show(deployment.id)
        assert (failed.status, failed.status_reason) == ("failed", "crashloop")
        assert world.containers(deployment.id)["b"].restarts == 5
        assert world.launcher.running() == []


async def test_a_failed_deployment_stays_failed_and_keeps_its_rows() -> None:
    async with World() as world:
        world.launcher.script = lambda spec, _: Behaviour(refuses="no") if spec.vertex == "b" else Behaviour()
        deployment = await world.deployed()
        world.launcher.script = lambda _spec, _incarnation: Behaviour()
        await world.advance(HOUR_NS)
        assert world.show(deployment.id).status == "failed"
        assert {row.state for row in world.containers(deployment.id).values()} == {"exited"}


async def test_undeploy_stops_and_removes_everything() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        world.services.deployments.undeploy(ALICE, backend)
        await world.settle()
        assert world.show(deployment.id).gone_at_ns is not None
        assert world.launcher.known() == []
        assert world.routes.only(backend).state == "not_running"
        assert world.statuses(deployment.id) == ["deploying", "running", "tearing_down", "gone"]


async def test_the_gateway_knows_before_the_first_container_is_stopped() -> None:
    async with World() as world:
        backend = world.backend()
        await world.deployed(backend)
        seen: list[str] = []
        world.on_action = lambda _: seen.append(world.routes.only(backend).state)
        world.services.deployments.undeploy(ALICE, backend)
        await world.settle()
        assert seen
        assert set(seen) == {"not_running"}


async def test_a_container_that_ignores_sigterm_is_gone_after_the_grace() -> None:
    async with World() as world:
        world.launcher.script = lambda _spec, _incarnation: Behaviour(ignores_term=True)
        deployment = await world.deployed()
        world.services.deployments.undeploy(ALICE, deployment.id)
        await world.settle()
        assert world.show(deployment.id).gone_at_ns is None
        await world.advance(10 * SECOND_NS)
        assert world.show(deployment.id).gone_at_ns is not None


async def test_a_fixed_duration_ends_on_time() -> None:
    async with World() as world:
        deployment = await world.deployed(world.backend(), fixed_duration="90m")
        await world.advance(90 * 60 * SECOND_NS - 1)
        assert world.show(deployment.id).status == "running"
        await world.advance(1)
        gone = world.show(deployment.id)
        assert (gone.gone_at_ns, gone.status_reason) == (world.clock.now_ns(), "expired")


async def test_a_running_deployment_is_extended_and_a_failed_one_is_reclaimed() -> None:
    async with World() as world:
        running = await world.deployed(world.backend("good"))
        world.launcher.script = lambda _spec, _incarnation: Behaviour(refuses="no")
        failed = await world.deployed(world.backend("bad"))
        await world.advance(25 * HOUR_NS, stride_ns=HOUR_NS)
        assert world.show(running.id).status == "running"
        assert world.show(failed.id).gone_at_ns is not None


async def test_closing_a_lease_reclaims_its_deployment_either_way() -> None:
    async with World() as world:
        for close in (world.services.leases.commit, world.services.leases.rollback):
            lease = world.services.leases.create(ALICE).id
            backend = world.services.backends.create(ALICE, f"leased-{lease}", lease).id
            world.edit(backend, AddVertex(vertex="job", component=world.component("job", FINITE)))
            deployment = await world.deployed(backend, lease=lease)
            assert deployment.status == "running"
            close(ALICE, lease)
            await world.settle()
            assert world.show(deployment.id).gone_at_ns is not None
            assert world.services.leases.show(ALICE, lease).lease.state in ("committed", "rolled_back")


async def test_a_lease_that_nobody_keeps_alive_is_rolled_back() -> None:
    async with World() as world:
        lease = world.services.leases.create(ALICE, ttl="10m").id
        deployment = await world.deployed(world.backend(), lease=lease)
        await world.advance(600 * SECOND_NS)
        assert world.show(deployment.id).status_reason == "lease_rollback"
        assert world.services.leases.show(ALICE, lease).lease.state == "rolled_back"


async def test_what_a_container_generated_becomes_a_file() -> None:
    async with World() as world:
        backend = world.backend()
        deployment = await world.deployed(backend)
        folder = world.home.containers / world.containers(deployment.id)["c"].id / "generated"
        folder.mkdir(parents=True)
        (folder / "report").write_text("42")
        (folder / "undeclared").write_text("no")
        world.services.deployments.undeploy(ALICE, backend)
        await world.settle()
        (file,) = world.services.files.list(ALICE)
        assert file.generated_by == f"{deployment.id}/c/report"
        assert world.services.files.content(ALICE, file.id).read_text() == "42"


async def test_an_undeploy_does_not_wait_for_environments_that_are_being_made() -> None:
    async with World() as world:
        world.launcher.script = lambda _spec, _incarnation: Behaviour(prepare_ns=HOUR_NS)
        deployment = await world.deployed(world.backend(vertices=("a", "b", "c", "d", "e", "f")))
        assert world.controller.effects.under_way() == 6
        world.services.deployments.undeploy(ALICE, deployment.id)
        await world.settle()
        assert world.show(deployment.id).gone_at_ns is not None
        assert world.controller.effects.under_way() == 0
