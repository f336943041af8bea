"""The loop itself, on the system's clock."""

import asyncio
import contextlib
from collections.abc import Callable

from platform_world import ALICE, World

PATIENCE_S = 30


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)


async def test_it_works_off_what_is_recorded_and_goes_on_after_errors() -> None:
    async with World() as world:
        running = asyncio.create_task(world.controller.run())
        try:
            deployment = world.services.deployments.deploy(ALICE, world.backend())
            await _until(lambda: world.show(deployment.id).status == "running")
            world.launcher.failing["stop"] = "out of order"
            world.services.deployments.redeploy(ALICE, deployment.id)
            await _until(lambda: world.show(deployment.id).generation == 2 and world.show(deployment.id).status == "running")
            assert not running.done()
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running


async def test_logs_are_found_where_the_container_is() -> None:
    async with World() as world:
        deployment = await world.deployed()
        container = world.containers(deployment.id)["a"]
        lines = [line.text async for line in world.controller.logs(container.id)]
        assert lines == ["started, incarnation 1"]


async def test_a_step_tells_what_it_took() -> None:
    async with World() as world:
        await world.deployed()
        statistics = world.controller.statistics()
        assert (statistics.deployments, statistics.containers, statistics.links.known) == (1, 3, 3)
        assert statistics.longest_step_s >= statistics.last_step_s > 0
