"""From accepted to running, with the fake launcher."""

from platform_world import World


async def test_every_vertex_becomes_a_running_container() -> None:
    async with World() as world:
        deployment = await world.deployed()
        assert deployment.status == "running"
        assert (deployment.containers, deployment.containers_ready) == (3, 3)
        assert world.launcher.running() == sorted(row.id for row in world.containers(deployment.id).values())
