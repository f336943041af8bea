"""What the process launcher does on the side of the control plane."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest
from deep_folder import nest
from launcher_programs import behaviour_spec
from launcher_worlds import LIMITS, PATIENCE_S, ProcessWorld, exited, launch, texts

from pie_deploy.errors import LauncherError, NotFoundError
from pie_deploy.launchers.process.command import component_command, variables
from pie_deploy.launchers.process.launcher import ProcessLauncher
from pie_deploy.launchers.process.machine import describe_machine
from pie_flow.container import ContainerSpec, decode

SPEC = behaviour_spec(Path("/home/x"), "c-a", "idle")


def environment_of(spec: ContainerSpec = SPEC, *, cpu: float = 0.1, gpu: int = 0, **inherited: str) -> dict[str, str]:
    return variables(spec, environment=Path("/env"), spec_path=Path("/home/x/spec.json"), cpu=cpu, gpu=gpu, inherited=inherited)


def test_a_component_runs_in_its_environment_and_imports_nothing_from_where_it_stands() -> None:
    assert component_command(SPEC, Path("/env")) == ("/env/bin/python", "-P", "-m", "pie_component")


def test_a_container_is_told_where_its_spec_is_and_works_in_its_own_folder() -> None:
    environment = environment_of()
    assert environment["PIE_CONTAINER"] == "/home/x/spec.json"
    assert environment["HOME"] == SPEC.work_folder
    assert environment["TMPDIR"].startswith(SPEC.work_folder)
    assert environment["PATH"].startswith("/env/bin:")


@pytest.mark.parametrize(("cpu", "threads"), [(0.1, "1"), (1.0, "1"), (2.5, "3")])
def test_numerical_libraries_take_as_many_cores_as_were_asked_for(cpu: float, threads: str) -> None:
    assert environment_of(cpu=cpu)["OMP_NUM_THREADS"] == threads


def test_who_asked_for_no_gpu_sees_none() -> None:
    assert environment_of(CUDA_VISIBLE_DEVICES="0,1")["CUDA_VISIBLE_DEVICES"] == ""
    assert environment_of(gpu=1, CUDA_VISIBLE_DEVICES="0,1")["CUDA_VISIBLE_DEVICES"] == "0,1"


def test_debugging_shows_where_a_crash_was() -> None:
    assert "PYTHONFAULTHANDLER" not in environment_of()
    assert environment_of(msgspec.structs.replace(SPEC, debug=True))["PYTHONFAULTHANDLER"] == "1"


def test_a_node_has_what_this_process_may_use() -> None:
    node = describe_machine("r-abc")
    assert (node.id, node.runtime_id) == ("n-abc", "r-abc")
    assert node.cpu >= 1
    assert node.memory_bytes > 1 << 28


async def test_each_start_writes_the_spec_as_it_is_then(process_world: ProcessWorld) -> None:
    spec = await launch(process_world, "c-a", "exits_3")
    await exited(process_world.launcher, "c-a")
    path = process_world.home.containers / "c-a" / "spec.json"
    assert path.stat().st_mode & 0o777 == 0o600
    later = msgspec.structs.replace(spec, config_seq=7)
    await process_world.launcher.start(later, LIMITS, 2)
    assert decode(path.read_bytes()) == later


async def test_work_survives_a_restart_and_goes_with_the_container(
    process_world: ProcessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import pathlib; p = pathlib.Path('kept'); print(p.exists()); p.touch()"
    monkeypatch.setattr(process_world.launcher, "_command", lambda *_: (sys.executable, "-S", "-c", code))
    spec = await launch(process_world, "c-a", "idle")
    await exited(process_world.launcher, "c-a")
    await process_world.launcher.start(spec, LIMITS, 2)
    await exited(process_world.launcher, "c-a")
    assert await texts(process_world.launcher, "c-a") == ["False", "True"]
    await process_world.launcher.remove("c-a")
    assert not (process_world.home.containers / "c-a").exists()


async def test_folders_that_nest_without_end_go_with_the_container(process_world: ProcessWorld) -> None:
    spec = await launch(process_world, "c-a", "exits_3")
    await exited(process_world.launcher, "c-a")
    nest(Path(spec.work_folder))
    await process_world.launcher.remove("c-a")
    assert not (process_world.home.containers / "c-a").exists()


async def test_sockets_that_a_killed_container_has_left_go_with_it(process_world: ProcessWorld) -> None:
    await launch(process_world, "c-a", "exits_3")
    left, other = process_world.home.run / "c-a" / "0", process_world.home.run / "c-ab" / "0"
    for path in (left, other):
        path.parent.mkdir()
        path.touch()
    await process_world.launcher.remove("c-a")
    assert (left.exists(), other.exists()) == (False, True)


async def test_following_ends_when_a_container_is_not_going_to_be_started_again(
    process_world: ProcessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await launch(process_world, "c-a", "prints")
    await exited(process_world.launcher, "c-a")
    monkeypatch.setattr("pie_deploy.launchers.process.launcher.FOLLOW_AFTER_EXIT_NS", 0)
    async with asyncio.timeout(PATIENCE_S):
        followed = [line.text async for line in process_world.launcher.logs("c-a", follow=True) if line.stream == "stdout"]
    assert followed == ["one", "three"]


@pytest.mark.parametrize("container_id", ["", "../../etc", "a/b", ".", "c-" + "x" * 100, "c a"])
async def test_an_id_that_is_no_name_leads_nowhere(process_world: ProcessWorld, container_id: str) -> None:
    with pytest.raises(NotFoundError):
        [line async for line in process_world.launcher.logs(container_id)]
    with pytest.raises(NotFoundError):
        await process_world.launcher.remove(container_id)


async def test_a_launcher_that_is_not_open_says_so(process_world: ProcessWorld) -> None:
    with pytest.raises(LauncherError, match="not open"):
        await ProcessLauncher(process_world.home, "r-x").prepare(SPEC)


async def test_a_disk_that_refuses_is_told(process_world: ProcessWorld) -> None:
    spec = process_world.spec("c-a", "idle")
    (process_world.home.containers / "c-a").touch()
    try:
        with pytest.raises(LauncherError, match="folders cannot be made"):
            await process_world.launcher.prepare(spec)
    finally:
        (process_world.home.containers / "c-a").unlink()
