"""What launchers say, and what their silence means."""

from platform_world import ALICE, SECOND_NS, World


async def test_nothing_is_concluded_from_a_silent_launcher() -> None:
    async with World() as world:
        deployment = await world.deployed()
        world.launcher.failing["observe"] = "out of order"
        await world.restart()
        await world.settle()
        await world.advance(60 * SECOND_NS)
        assert world.show(deployment.id).status == "running"
        world.launcher.failing.clear()
        await world.settle()
        assert all(row.restarts == 0 for row in world.containers(deployment.id).values())


async def test_a_stop_that_does_not_work_is_tried_again() -> None:
    async with World() as world:
        deployment = await world.deployed()
        world.launcher.failing["stop"] = "out of order"
        world.services.deployments.undeploy(ALICE, deployment.id)
        await world.settle()
        assert len(world.launcher.running()) == 3
        world.launcher.failing.clear()
        await world.advance(30 * SECOND_NS)
        assert world.show(deployment.id).gone_at_ns is not None
