"""Who is told to let go of what, and that nothing waits for it."""

import asyncio

import pytest
from platform_world import ALICE, World

from pie_deploy.launchers.fake import FakeLauncher


def told(launcher: FakeLauncher, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The containers that the launcher is told of, turn by turn."""
    turns: list[set[str]] = []

    async def prune(containers: set[str], now_ns: int) -> bool:
        turns.append(set(containers))
        return len(turns) == 1

    monkeypatch.setattr(launcher, "prune", prune)
    return turns


async def test_launchers_are_told_of_every_container_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World() as world:
        turns = told(world.launcher, monkeypatch)
        deployment = await world.deployed()
        known = {row.id for row in world.containers(deployment.id).values()}
        assert await world.controller.pruner.turn() is True
        world.services.deployments.undeploy(ALICE, deployment.id)
        assert await world.controller.pruner.turn() is False
        await world.settle()
        await world.controller.pruner.turn()
        assert turns == [known, known, set()]


async def test_one_that_cannot_keeps_nobody_else_from_it(caplog: pytest.LogCaptureFixture) -> None:
    async with World() as world:
        world.launcher.failing["prune"] = "out of order"
        unused = world.home.blobs / ("0" * 64)
        unused.touch()
        assert await world.controller.pruner.turn() is False
        assert "out of order" in caplog.text
        assert not unused.exists()


async def test_the_first_turn_comes_with_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async with World() as world:
        turns = told(world.launcher, monkeypatch)
        running = asyncio.create_task(world.controller.run())
        async with asyncio.timeout(60):
            while not turns:
                await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait((running,))
