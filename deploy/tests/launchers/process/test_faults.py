"""Programs that behave badly, and what is killed under them. Real processes; nothing may be left behind."""

import asyncio
import contextlib
import os
import resource
import signal
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from launcher_worlds import (
    LIMITS,
    PATIENCE_S,
    ProcessWorld,
    exited,
    launch,
    lines,
    logged,
    observe_until,
    observed,
    texts,
)

from pie_deploy.config import Home
from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.container_record import read_record

MIB = 1 << 20


@pytest.fixture(params=[True, False], ids=["cgroups", "rlimits"])
async def world(request: pytest.FixtureRequest, shared_home: Home) -> AsyncIterator[ProcessWorld]:
    runtime_id = "r-cgroups" if request.param else "r-rlimits"
    async with ProcessWorld(shared_home, runtime_id, use_cgroups=request.param).opened() as world:
        yield world
    assert world.processes() == []


async def gone(pid: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while _is_alive(pid):
            await asyncio.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_children_that_left_session_parents_and_mark_end_with_their_container(world: ProcessWorld) -> None:
    await launch(world, "c-a", "children")
    await logged(world.launcher, "c-a", "ready")
    pids = world.processes("c-a")
    assert len(pids) >= 4
    await world.launcher.stop("c-a", grace_s=30)
    assert world.processes("c-a") == []
    assert not any(map(_is_alive, pids))


async def test_what_outlives_its_main_process_is_killed(world: ProcessWorld) -> None:
    await launch(world, "c-a", "children")
    await logged(world.launcher, "c-a", "ready")
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.pid is not None
    os.kill(container.pid, signal.SIGKILL)
    assert (await exited(world.launcher, "c-a")).exit_code == -9
    assert world.processes("c-a") == []


async def test_a_program_that_takes_too_much_memory_ends_out_of_memory(world: ProcessWorld) -> None:
    await launch(world, "c-a", "hoards", limits=replace(LIMITS, memory_bytes=64 * MIB))
    container = await exited(world.launcher, "c-a")
    assert (container.exit_code, container.reason) == (-9, "out of memory")
    assert (await lines(world.launcher, "c-a"))[-1].text == "was ended by SIGKILL: out of memory"


async def test_address_space_that_is_only_reserved_is_not_memory(world: ProcessWorld) -> None:
    await launch(world, "c-a", "reserves", limits=replace(LIMITS, memory_bytes=64 * MIB))
    await logged(world.launcher, "c-a", "reserved")


async def test_a_program_that_forks_without_end_is_stopped(world: ProcessWorld) -> None:
    await launch(world, "c-a", "bombs", limits=replace(LIMITS, processes_max=30))
    await logged(world.launcher, "c-a", "ready")
    await world.launcher.kill("c-a")
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.exit_code == -9
    assert world.processes("c-a") == []


async def test_a_flood_of_output_stays_in_its_ring_and_holds_up_nobody(world: ProcessWorld) -> None:
    limits = replace(LIMITS, log_bytes_max=MIB)
    await launch(world, "c-flood", "floods", limits=limits)
    await observe_until(world.launcher, "c-flood", lambda _: _size_bytes(world, "c-flood") > MIB // 2)
    await launch(world, "c-a", "prints")
    await exited(world.launcher, "c-a")
    assert await texts(world.launcher, "c-a") == ["one", "three"]
    await world.launcher.kill("c-flood")
    assert _size_bytes(world, "c-flood") <= MIB


def _size_bytes(world: ProcessWorld, container_id: str) -> int:
    folder, size_bytes = world.home.logs / container_id, 0
    for file in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # the ring has just turned
            size_bytes += file.stat().st_size
    return size_bytes


async def test_a_program_that_is_not_there_is_told(world: ProcessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = world.spec("c-a", "idle")
    monkeypatch.setattr(world.launcher, "_command", lambda *_: ("/nonexistent/program",))
    await world.launcher.prepare(spec)
    with pytest.raises(LauncherError, match=r"does not start.*No such file"):
        await world.launcher.start(spec, LIMITS, 1)
    assert await world.launcher.observe() == []
    assert read_record(world.home.containers, "c-a") is None


async def test_a_failed_start_leaves_what_was_known(world: ProcessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = await launch(world, "c-a", "exits_3")
    before = await exited(world.launcher, "c-a")
    monkeypatch.setattr(world.launcher, "_command", lambda *_: ("/nonexistent/program",))
    with pytest.raises(LauncherError):
        await world.launcher.start(spec, LIMITS, 2)
    assert await observed(world.launcher, "c-a") == before


async def test_a_second_incarnation_does_not_start_beside_the_first(world: ProcessWorld) -> None:
    spec = await launch(world, "c-a", "idle")
    with pytest.raises(LauncherError, match="incarnation 1 still runs"):
        await world.launcher.start(spec, LIMITS, 2)


async def test_a_container_sees_only_its_own_environment(world: ProcessWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    await launch(world, "c-a", "says_environment")
    await exited(world.launcher, "c-a")
    names = {line.partition("=")[0] for line in await texts(world.launcher, "c-a")}
    assert {"PIE_CONTAINER", "HOME", "PATH"} <= names
    assert not names & {"AWS_SECRET_ACCESS_KEY", "PIE_DEPLOY_HOME", "PYTHONPATH", "VIRTUAL_ENV_PROMPT"}


async def test_a_full_disk_stops_nobody(world: ProcessWorld) -> None:
    await launch(world, "c-a", "idle")
    supervisor = world.launcher.supervisor_pid
    assert supervisor is not None
    soft, hard = resource.prlimit(supervisor, resource.RLIMIT_FSIZE)
    resource.prlimit(supervisor, resource.RLIMIT_FSIZE, (0, hard))  # the supervisor cannot write a byte more
    await launch(world, "c-b", "prints")
    assert (await exited(world.launcher, "c-b")).exit_code == 0
    resource.prlimit(supervisor, resource.RLIMIT_FSIZE, (soft, hard))
    await world.launcher.start(world.spec("c-b", "prints"), LIMITS, 2)
    await exited(world.launcher, "c-b")
    assert "one" in await texts(world.launcher, "c-b")
    assert any("bytes of the log are lost" in text for text in await texts(world.launcher, "c-b", "platform"))
    assert world.launcher.supervisor_pid == supervisor


# --- The supervisor is killed ----------------------------------------------------------------------------------------


async def test_containers_die_with_their_supervisor_and_that_is_observed(world: ProcessWorld) -> None:
    await launch(world, "c-a", "children")
    await logged(world.launcher, "c-a", "ready")
    pids = world.processes("c-a")
    assert set(pids) < world.branded(), "one of its children has no mark"
    changes = world.launcher.changes()
    killed = world.launcher.supervisor_pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await gone(killed)
    container = await exited(world.launcher, "c-a")
    assert (container.incarnation, container.exit_code, container.reason) == (1, -9, "supervisor lost")
    assert not any(map(_is_alive, pids))
    assert not world.branded()
    async with asyncio.timeout(PATIENCE_S):
        assert await anext(changes) == "c-a"


async def test_after_a_killed_supervisor_the_next_incarnation_starts(world: ProcessWorld) -> None:
    spec = await launch(world, "c-a", "idle")
    assert world.launcher.supervisor_pid is not None
    os.kill(world.launcher.supervisor_pid, signal.SIGKILL)
    await exited(world.launcher, "c-a")
    await world.launcher.start(spec, LIMITS, 1)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.state == "exited"
    await world.launcher.start(spec, LIMITS, 2)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert (container.state, container.incarnation) == ("running", 2)


async def test_a_container_that_kills_its_supervisor_takes_itself_down(world: ProcessWorld) -> None:
    await launch(world, "c-a", "idle")
    spec = world.spec("c-b", "kills_parent")
    await world.launcher.prepare(spec)
    await world.launcher.start(spec, LIMITS, 1)
    for container_id in ("c-a", "c-b"):
        assert (await exited(world.launcher, container_id)).reason == "supervisor lost"


async def test_a_supervisor_that_is_told_to_end_lets_its_containers_end_well(world: ProcessWorld) -> None:
    await launch(world, "c-a", "polite")
    await logged(world.launcher, "c-a", "ready")
    told = world.launcher.supervisor_pid
    assert told is not None
    os.kill(told, signal.SIGTERM)
    await gone(told)
    container = await exited(world.launcher, "c-a")
    assert (container.exit_code, container.reason) == (0, "")
    assert world.launcher.supervisor_pid != told


# --- The control plane is killed -------------------------------------------------------------------------------------


async def test_another_control_plane_adopts_what_runs(world: ProcessWorld) -> None:
    await launch(world, "c-a", "idle")
    before = await observed(world.launcher, "c-a")
    await world.launcher.close(stop_all=False)
    await world.launcher.open()
    assert await observed(world.launcher, "c-a") == before


async def test_what_ended_while_no_control_plane_was_there_is_known_to_the_next(world: ProcessWorld) -> None:
    await launch(world, "c-a", "idle")
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.pid is not None
    await world.launcher.close(stop_all=False)
    os.kill(container.pid, signal.SIGTERM)
    await gone(container.pid)
    await world.launcher.open()
    assert (await exited(world.launcher, "c-a")).exit_code == -15


async def test_without_a_control_plane_everything_ends_after_the_orphan_grace(home: Home) -> None:
    world = ProcessWorld(home, orphan_grace_s=0.2)
    await world.launcher.open()
    await launch(world, "c-a", "children")
    await logged(world.launcher, "c-a", "ready")
    pids = [*world.processes("c-a"), world.launcher.supervisor_pid or 0]
    await world.launcher.close(stop_all=False)
    for pid in pids:
        await gone(pid)
    assert world.processes() == []


async def test_the_orphan_grace_of_the_newest_control_plane_counts(home: Home) -> None:
    patient = ProcessWorld(home, orphan_grace_s=3600)
    await patient.launcher.open()
    await launch(patient, "c-a", "idle")
    supervisor = patient.launcher.supervisor_pid or 0
    await patient.launcher.close(stop_all=False)
    hasty = ProcessWorld(home, orphan_grace_s=0.2)
    await hasty.launcher.open()
    assert hasty.launcher.supervisor_pid == supervisor
    await hasty.launcher.close(stop_all=False)
    await gone(supervisor)
    assert hasty.processes() == []


async def test_two_control_planes_share_one_supervisor(world: ProcessWorld) -> None:
    other = ProcessWorld(world.home, world.runtime_id)
    await asyncio.gather(other.launcher.open(), world.launcher.open())
    await launch(other, "c-a", "idle")
    assert await observed(world.launcher, "c-a") is not None
    assert world.launcher.supervisor_pid == other.launcher.supervisor_pid
    await other.launcher.close(stop_all=False)
