"""bwrap around containers: what it is told, and what a program inside can see."""

import socket
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from launcher_programs import behaviour_spec
from launcher_worlds import LIMITS, ProcessWorld, exited, launch, logged, observed, texts

from pie_deploy.config import Home
from pie_deploy.errors import LauncherError
from pie_deploy.launchers.process.bwrap import find_bwrap
from pie_deploy.launchers.process.command import needs_network, sandbox
from pie_flow.container import CommandProgram, ContainerSpec, InferletProgram, InputSpec, OutputSpec

needs_bwrap = pytest.mark.skipif(find_bwrap("auto") is None, reason="needs bwrap: apt-get install bubblewrap")

SPEC = behaviour_spec(Path("/home/x"), "c-a", "idle")


def options(spec: ContainerSpec, hidden: tuple[Path, ...] = ()) -> list[str]:
    spec_path = Path("/home/x/spec.json")
    return sandbox(spec, bwrap="bwrap", environment=Path("/env"), spec_path=spec_path, handed=Path("/handed"), hidden=hidden)


def mounts(argv: list[str], option: str) -> set[str]:
    return {argv[index + 1] for index, word in enumerate(argv) if word == option}


def test_component_environment_and_files_are_read_only() -> None:
    spec = msgspec.structs.replace(SPEC, component_folder="/components/1", files={"weights": "/blobs/w"})
    assert {"/components/1", "/env", "/blobs/w", "/home/x/spec.json"} <= mounts(options(spec), "--ro-bind-try")


def test_files_that_may_come_later_are_visible_to_those_who_may_be_given_any() -> None:
    assert "/handed" not in mounts(options(SPEC), "--ro-bind-try")
    assert "/handed" in mounts(options(msgspec.structs.replace(SPEC, mutable_files=("weights",))), "--ro-bind-try")


def test_only_its_own_folders_and_the_one_where_it_makes_sockets_can_be_written() -> None:
    spec = msgspec.structs.replace(
        SPEC,
        control_address="ipc:///run/control/r",
        inputs=(InputSpec(type="String", address="ipc:///run/c-a/1"),),
        outputs=(OutputSpec(type="String", addresses=("ipc:///run/c-b/2",)),),
    )
    assert mounts(options(spec), "--bind") == {SPEC.work_folder, SPEC.generated_folder, SPEC.cache_folder, "/run/c-a"}
    assert mounts(options(spec), "--ro-bind") == {"/run/control", "/run/c-b"}


def test_a_secret_folder_among_the_sockets_is_hidden() -> None:
    spec = msgspec.structs.replace(SPEC, control_address="ipc:///run/r")
    argv = options(spec, hidden=(Path("/run/supervisors"), Path("/elsewhere")))
    assert "/run/supervisors" in mounts(argv, "--tmpfs")
    assert "/elsewhere" not in mounts(argv, "--tmpfs")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),
        ({"network": True}, True),
        ({"ports": {"web": 8000}, "program": CommandProgram(argv=("serve",))}, True),
        ({"program": CommandProgram(argv=("count",))}, False),
        ({"program": InferletProgram(program="a@1", engine="ws://127.0.0.1:1")}, True),
    ],
    ids=["alone", "asks", "has ports", "command without ports", "inferlet"],
)
def test_the_network_is_for_those_who_need_it(changes: dict[str, object], expected: bool) -> None:
    spec = msgspec.structs.replace(SPEC, **changes)
    assert needs_network(spec) is expected
    assert ("--unshare-net" in options(spec)) is not expected


def test_isolation_that_is_asked_for_must_be_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie_deploy.launchers.process.bwrap._probe", lambda: ("", "it is not installed"))
    assert find_bwrap("auto") is None
    with pytest.raises(LauncherError, match="not installed"):
        find_bwrap("bwrap")


def test_a_folder_with_its_own_and_other_sockets_can_be_written() -> None:
    spec = msgspec.structs.replace(SPEC, control_address="ipc:///run/control", endpoint_address="ipc:///run/c-a.e")
    assert "/run" in mounts(options(spec), "--bind")
    assert mounts(options(spec), "--ro-bind") == set()


# --- Real sandboxes --------------------------------------------------------------------------------------------------

LOOKS = """
import os, pathlib, socket
def attempt(name, action):
    try:
        action()
        print(name, 'yes')
    except OSError:
        print(name, 'no')
home = pathlib.Path(os.environ['HOME'])
root = home.parents[2]
attempt('own folder', lambda: (home / 'x').write_text('x'))
attempt('spec', lambda: (home.parent / 'spec.json').read_bytes())
attempt('change spec', lambda: (home.parent / 'spec.json').write_text('x'))
attempt('credential', lambda: (root / 'credential').read_bytes())
attempt('other containers', lambda: (root / 'containers' / 'c-other').stat())
attempt('passwords', lambda: pathlib.Path('/etc/shadow').read_bytes())
attempt('system', lambda: pathlib.Path('/usr/x').write_text('x'))
attempt('kernel', lambda: os.close(os.open('/proc/sys/kernel/core_pattern', os.O_WRONLY)))
attempt('root folder', lambda: pathlib.Path('/x').write_text('x'))
attempt('devices', lambda: pathlib.Path('/dev/x').write_text('x'))
attempt('temporary', lambda: [pathlib.Path(folder, 'x').write_text('x') for folder in ('/tmp', '/dev/shm')])
attempt('null', lambda: pathlib.Path('/dev/null').write_text('x'))
attempt('network', lambda: socket.create_connection(('127.0.0.1', PORT), 5))
attempt('other processes', lambda: os.kill(SUPERVISOR, 0))
"""


@pytest.fixture
async def world(shared_home: Home) -> AsyncIterator[ProcessWorld]:
    async with ProcessWorld(shared_home, isolation="bwrap").opened() as world:
        shared_home.credential.write_text("secret")
        (shared_home.containers / "c-other").mkdir(exist_ok=True)
        yield world
    assert world.processes() == []


@pytest.fixture
def port() -> Iterator[int]:
    """Where somebody listens on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


async def look(world: ProcessWorld, port: int, monkeypatch: pytest.MonkeyPatch, *, network: bool = False) -> dict[str, str]:
    """What a program inside can do."""
    program = LOOKS.replace("PORT", str(port)).replace("SUPERVISOR", str(world.launcher.supervisor_pid))
    monkeypatch.setattr(world.launcher, "_command", lambda *_: (sys.executable, "-S", "-c", program))
    spec = msgspec.structs.replace(world.spec("c-a", "idle"), network=network)
    await world.launcher.prepare(spec)
    await world.launcher.start(spec, LIMITS, 1)
    await exited(world.launcher, "c-a")
    answers = [line.rpartition(" ") for line in await texts(world.launcher, "c-a")]
    return {name: answer for name, _, answer in answers}


@needs_bwrap
async def test_a_program_inside_sees_its_own_and_nothing_else(
    world: ProcessWorld, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await look(world, port, monkeypatch) == {
        "own folder": "yes",
        "spec": "yes",
        "change spec": "no",
        "credential": "no",
        "other containers": "no",
        "passwords": "no",
        "system": "no",
        "kernel": "no",
        "root folder": "no",
        "devices": "no",
        "temporary": "yes",
        "null": "yes",
        "network": "no",
        "other processes": "no",
    }


CONNECTS = """
import pathlib, socket
with socket.socket(socket.AF_UNIX) as peer:
    peer.connect('PATH')
    print('connected')
try:
    pathlib.Path('PATH').with_name('another').touch()
    print('written')
except OSError:
    print('not written')
"""


@needs_bwrap
async def test_a_program_inside_reaches_the_sockets_of_others_and_cannot_replace_them(
    world: ProcessWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = world.home.run / "others" / "socket"
    monkeypatch.setattr(world.launcher, "_command", lambda *_: (sys.executable, "-S", "-c", CONNECTS.replace("PATH", str(path))))
    spec = msgspec.structs.replace(world.spec("c-a", "idle"), control_address=f"ipc://{path}")
    await world.launcher.prepare(spec)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        await world.launcher.start(spec, LIMITS, 1)
        await exited(world.launcher, "c-a")
    assert await texts(world.launcher, "c-a") == ["connected", "not written"]


@needs_bwrap
async def test_a_component_that_asks_for_the_network_has_it(
    world: ProcessWorld, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await look(world, port, monkeypatch, network=True))["network"] == "yes"


@needs_bwrap
async def test_an_exit_code_comes_out_of_the_sandbox(world: ProcessWorld) -> None:
    await launch(world, "c-a", "exits_3")
    assert (await exited(world.launcher, "c-a")).exit_code == 3


@needs_bwrap
async def test_a_signal_comes_out_of_the_sandbox_as_a_signal(world: ProcessWorld) -> None:
    await launch(world, "c-a", "idle")
    await world.launcher.stop("c-a", grace_s=30)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.exit_code == -15


@needs_bwrap
async def test_a_program_in_a_sandbox_may_end_in_its_own_way(world: ProcessWorld) -> None:
    await launch(world, "c-a", "polite")
    await logged(world.launcher, "c-a", "ready")
    await world.launcher.stop("c-a", grace_s=30)
    container = await observed(world.launcher, "c-a")
    assert container is not None
    assert container.exit_code == 0


@needs_bwrap
async def test_too_much_memory_in_a_sandbox_is_told_as_such(world: ProcessWorld) -> None:
    await launch(world, "c-a", "hoards", limits=replace(LIMITS, memory_bytes=64 << 20))
    container = await exited(world.launcher, "c-a")
    assert (container.exit_code, container.reason) == (-9, "out of memory")


@needs_bwrap
async def test_what_a_sandboxed_program_has_started_ends_with_it(world: ProcessWorld) -> None:
    await launch(world, "c-a", "children")
    await logged(world.launcher, "c-a", "ready")
    await world.launcher.stop("c-a", grace_s=30)
    assert world.processes("c-a") == []
