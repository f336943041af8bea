"""The control plane is killed after each single action of a deploy, a redeploy and an undeploy; the next one brings it to its end.

Nothing is lost (what was accepted comes to be) and nothing is doubled (no container twice, no process without a row).
"""

import contextlib
from collections.abc import Awaitable, Callable

import pytest
from platform_world import ALICE, SECOND_NS, EndOfTheWorld, World

from pie_deploy.domain.actions import Action

Verb = Callable[[World, str], Awaitable[None]]


async def _deploy(world: World, backend: str) -> None:
    world.services.deployments.deploy(ALICE, backend)


async def _redeploy(world: World, backend: str) -> None:
    world.services.deployments.redeploy(ALICE, backend)


async def _undeploy(world: World, backend: str) -> None:
    world.services.deployments.undeploy(ALICE, backend)


class Killer:
    """Ends the control plane at its n-th action."""

    def __init__(self, world: World, at: int) -> None:
        self._world = world
        self._at = at
        self._actions = 0
        self.has_struck = False
        world.on_action = self._count

    def _count(self, _: Action) -> None:
        self._actions += 1
        if self._actions == self._at:
            self.has_struck = True
            self._world.kill()


async def _sweep(verb: Verb, at: int, *, is_deployed: bool, status: str | None, generation: int) -> bool:
    """Kill at the n-th action; returns whether there was one."""
    async with World() as world:
        backend = world.backend()
        if is_deployed:
            await world.deployed(backend)
        killer = Killer(world, at)
        await verb(world, backend)
        with contextlib.suppress(EndOfTheWorld):
            await world.settle()
        world.on_action = None
        await world.restart()
        await world.settle()
        await world.advance(2 * SECOND_NS)
        assert await world.controller.problems(at_rest=True) == []
        deployments = [row for row in world.services.deployments.list(ALICE) if row.gone_at_ns is None]
        assert [(row.status, row.generation) for row in deployments] == ([] if status is None else [(status, generation)])
        expected = 0 if status is None else 3
        assert len(world.launcher.running()) == len(world.launcher.known()) == expected
        with world.store.reading() as reading:
            rows = reading.containers() if deployments else []
        assert len(rows) == expected
        assert all(row.restarts == 0 for row in rows), "being killed is no container's fault"
        return killer.has_struck


@pytest.mark.parametrize("part", range(4))
async def test_a_deploy_survives_a_kill_after_any_action(part: int) -> None:
    await _sweep_all(_deploy, part, is_deployed=False, status="running", generation=1)


@pytest.mark.parametrize("part", range(4))
async def test_a_redeploy_survives_a_kill_after_any_action(part: int) -> None:
    await _sweep_all(_redeploy, part, is_deployed=True, status="running", generation=2)


@pytest.mark.parametrize("part", range(4))
async def test_an_undeploy_survives_a_kill_after_any_action(part: int) -> None:
    await _sweep_all(_undeploy, part, is_deployed=True, status=None, generation=1)


async def _sweep_all(verb: Verb, part: int, *, is_deployed: bool, status: str | None, generation: int) -> None:
    """Every fourth action, beginning with one of the first four, until there are no more."""
    at = part + 1
    while await _sweep(verb, at, is_deployed=is_deployed, status=status, generation=generation):
        at += 4
    assert at > 4, "there are actions to be killed after"
