"""What every launcher does. The fake one and the real ones run the same tests."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from launcher_worlds import LIMITS, PATIENCE_S, FakeWorld, ProcessWorld, World, exited, launch, lines, logged, observed, texts

from pie_deploy.config import Home
from pie_deploy.errors import NotFoundError


@pytest.fixture(params=["process", "fake"])
async def world(request: pytest.FixtureRequest, shared_home: Home) -> AsyncIterator[World]:
    async with ProcessWorld(shared_home).opened() if request.param == "process" else FakeWorld().opened() as world:
        yield world


async def test_a_runtime_has_a_node_with_processors_and_memory(world: World) -> None:
    (node,) = await world.launcher.nodes("r-test")
    assert (node.runtime_id, node.cpu > 0, node.memory_bytes > 0) == ("r-test", True, True)


async def test_what_was_only_prepared_is_not_observed(world: World) -> None:
    await world.launcher.prepare(world.spec("c-a", "idle"))
    assert await world.launcher.observe() == []


async def test_what_was_started_runs(world: World) -> None:
    await launch(world, "c-a", "idle")
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert (container.state, container.incarnation, container.deployment_id) == ("running", 1, "d-test")
    assert container.pid is not None
    assert container.started_at_ns > 0


async def test_starting_an_incarnation_again_changes_nothing(world: World) -> None:
    spec = await launch(world, "c-a", "idle")
    before = await observed(world.launcher, "c-a")
    await world.launcher.start(spec, LIMITS, 1)
    assert await observed(world.launcher, "c-a") == before


async def test_an_exit_code_is_observed(world: World) -> None:
    await launch(world, "c-a", "exits_3")
    container = await exited(world.launcher, "c-a")
    assert (container.exit_code, container.pid, container.reason) == (3, None, "")
    assert container.exited_at_ns is not None
    assert container.exited_at_ns >= container.started_at_ns


async def test_starting_an_incarnation_that_has_exited_changes_nothing(world: World) -> None:
    spec = await launch(world, "c-a", "exits_3")
    before = await exited(world.launcher, "c-a")
    await world.launcher.start(spec, LIMITS, 1)
    assert await observed(world.launcher, "c-a") == before


async def test_the_next_incarnation_starts_after_an_exit(world: World) -> None:
    spec = await launch(world, "c-a", "exits_3")
    await exited(world.launcher, "c-a")
    await world.launcher.start(spec, LIMITS, 2)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.incarnation == 2


async def test_a_stopped_container_has_exited(world: World) -> None:
    await launch(world, "c-a", "idle")
    await world.launcher.stop("c-a", grace_s=30)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert (container.state, container.exit_code) == ("exited", -15)


async def test_who_is_asked_to_end_may_do_so_in_its_own_way(world: World) -> None:
    await launch(world, "c-a", "polite")
    await logged(world.launcher, "c-a", "ready")
    await world.launcher.stop("c-a", grace_s=30)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.exit_code == 0


async def test_who_does_not_want_to_end_is_killed_after_the_grace(world: World) -> None:
    await launch(world, "c-a", "stubborn")
    await logged(world.launcher, "c-a", "ready")
    await world.launcher.stop("c-a", grace_s=0.1)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert (container.state, container.exit_code) == ("exited", -9)


async def test_a_killed_container_has_exited(world: World) -> None:
    await launch(world, "c-a", "stubborn")
    await world.launcher.kill("c-a")
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert (container.state, container.exit_code) == ("exited", -9)


async def test_unknown_containers_may_be_stopped_killed_and_removed(world: World) -> None:
    await world.launcher.stop("c-unknown", grace_s=1)
    await world.launcher.kill("c-unknown")
    await world.launcher.remove("c-unknown")


async def test_a_removed_container_is_not_observed(world: World) -> None:
    await launch(world, "c-a", "exits_3")
    await exited(world.launcher, "c-a")
    await world.launcher.remove("c-a")
    assert await world.launcher.observe() == []


async def test_containers_do_not_touch_each_other(world: World) -> None:
    await launch(world, "c-a", "idle")
    await launch(world, "c-b", "idle")
    await world.launcher.stop("c-a", grace_s=30)
    container = await observed(world.launcher, "c-b")
    assert container is not None
    assert container.state == "running"


async def test_a_change_is_told(world: World) -> None:
    changes = world.launcher.changes()
    await launch(world, "c-a", "exits_3")
    async with asyncio.timeout(PATIENCE_S):
        assert await anext(changes) == "c-a"
        container = await observed(world.launcher, "c-a")
        while container is None or container.state != "exited":
            assert await anext(changes) == "c-a"
            container = await observed(world.launcher, "c-a")


async def test_a_log_has_what_the_program_wrote_stream_by_stream(world: World) -> None:
    await launch(world, "c-a", "prints")
    await exited(world.launcher, "c-a")
    assert await texts(world.launcher, "c-a", "stdout") == ["one", "three"]
    assert await texts(world.launcher, "c-a", "stderr") == ["two"]


async def test_the_lines_of_a_log_have_times_and_their_incarnation(world: World) -> None:
    spec = await launch(world, "c-a", "prints")
    first = await exited(world.launcher, "c-a")
    await world.launcher.start(spec, LIMITS, 2)
    await exited(world.launcher, "c-a")
    written = [line for line in await lines(world.launcher, "c-a") if line.stream == "stdout"]
    assert [(line.incarnation, line.text) for line in written] == [(1, "one"), (1, "three"), (2, "one"), (2, "three")]
    assert all(line.at_ns >= first.started_at_ns for line in written)


async def test_a_log_can_be_read_after_its_container_was_removed(world: World) -> None:
    await launch(world, "c-a", "prints")
    await exited(world.launcher, "c-a")
    await world.launcher.remove("c-a")
    assert await texts(world.launcher, "c-a") == ["one", "three"]


async def test_a_log_can_be_read_from_its_end(world: World) -> None:
    await launch(world, "c-a", "prints")
    await exited(world.launcher, "c-a")
    everything = await lines(world.launcher, "c-a")
    assert [line async for line in world.launcher.logs("c-a", tail=2)] == everything[-2:]


async def test_a_log_can_be_read_from_a_moment_on(world: World) -> None:
    spec = await launch(world, "c-a", "prints")
    await exited(world.launcher, "c-a")
    await world.launcher.start(spec, LIMITS, 2)
    second = await exited(world.launcher, "c-a")
    later = [line async for line in world.launcher.logs("c-a", since_ns=second.started_at_ns)]
    assert {line.incarnation for line in later} == {2}


async def test_a_followed_log_grows_and_ends_with_its_container(world: World) -> None:
    seen: list[str] = []

    async def follow() -> None:
        async for line in world.launcher.logs("c-a", follow=True):
            seen.append(line.text)  # noqa: PERF401  (looked at while it grows)

    await launch(world, "c-a", "polite")
    following = asyncio.create_task(follow())
    async with asyncio.timeout(PATIENCE_S):
        while "ready" not in seen:
            await asyncio.sleep(0.01)
        await world.launcher.stop("c-a", grace_s=30)
        await world.launcher.remove("c-a")
        await following
    assert seen.index("ready") < seen.index("asked")


async def test_there_is_no_log_of_a_container_that_never_was(world: World) -> None:
    with pytest.raises(NotFoundError):
        await lines(world.launcher, "c-unknown")


async def test_pruning_takes_nothing_from_a_container_that_is_there(world: World) -> None:
    await launch(world, "c-a", "idle")
    assert await world.launcher.prune({"c-a"}, time.time_ns()) is False
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.state == "running"
    assert await lines(world.launcher, "c-a") != []
