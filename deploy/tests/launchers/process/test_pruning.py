"""What goes from a machine, and what stays, whatever happens at the same time."""

import asyncio
import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from launcher_programs import behaviour_spec
from launcher_worlds import LIMITS, ProcessWorld, exited, launch, observed

from pie_deploy.config import Home
from pie_deploy.launchers.process import shelf
from pie_deploy.launchers.process.claims import claim_environment, claims
from pie_deploy.launchers.process.environments import Environments
from pie_deploy.launchers.process.pruning import Machine, prune_machine
from pie_deploy.launchers.process.shelf import prune_shelf, put_aside
from pie_deploy.limits import PRUNE_ENTRIES_MAX
from pie_deploy.ports.launcher import DAY_NS, Retention
from pie_flow.container import encode

NOW_NS = time.time_ns()
KEEP = Retention()
VARIABLES = {"PATH": os.defpath, "PIP_NO_INDEX": "1"}


def aged(path: Path, days: float) -> Path:
    """Needed last that long ago."""
    path.mkdir(parents=True, exist_ok=True)
    then_ns = NOW_NS - int(days * DAY_NS)
    os.utime(path, ns=(then_ns, then_ns))
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}


def claiming(home: Home, container_id: str, environment: str, cache: str) -> None:
    """A container that needs them, and has been started."""
    folder = home.containers / container_id
    folder.mkdir(parents=True)
    spec = msgspec.structs.replace(behaviour_spec(home.root, container_id, "idle"), cache_folder=str(home.caches / cache))
    (folder / "spec.json").write_bytes(encode(spec))
    claim_environment(folder, home.environments / environment)


def turn(home: Home, *containers: str, environments: Environments | None = None) -> bool:
    environments = environments or Environments(home.environments, VARIABLES)
    return prune_machine(Machine(home, KEEP), environments, frozenset(containers), NOW_NS)


# --- A shelf ---------------------------------------------------------------------------------------------------------


def test_what_is_old_goes_with_all_that_is_in_it_and_the_rest_stays(tmp_path: Path) -> None:
    (tmp_path / "old" / "deep").mkdir(parents=True)
    (tmp_path / "old" / "deep" / "file").write_text("x")
    for name, days in (("old", 9), ("young", 1), ("needed", 9)):
        aged(tmp_path / name, days)
    (tmp_path / "a file").write_text("no folder")
    assert prune_shelf(tmp_path, {"needed"}, 7 * DAY_NS, NOW_NS) is False
    assert names(tmp_path) == {"young", "needed"}
    assert list((tmp_path / ".pruned").iterdir()) == []


def test_what_is_needed_now_is_as_if_new_when_it_is_not_needed_any_more(tmp_path: Path) -> None:
    aged(tmp_path / "a", 9)
    prune_shelf(tmp_path, {"a"}, 7 * DAY_NS, NOW_NS)
    prune_shelf(tmp_path, (), 7 * DAY_NS, NOW_NS + 6 * DAY_NS)
    assert names(tmp_path) == {"a"}
    prune_shelf(tmp_path, (), 7 * DAY_NS, NOW_NS + 8 * DAY_NS)
    assert names(tmp_path) == set()


def test_what_a_killed_one_has_put_aside_goes_at_the_next_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def die(_: Path) -> None:
        raise Killed

    aged(tmp_path / "a", 9)
    monkeypatch.setattr(shelf, "remove_tree", die)
    with pytest.raises(Killed):
        prune_shelf(tmp_path, (), 0, NOW_NS)
    assert names(tmp_path) == set()
    monkeypatch.undo()
    prune_shelf(tmp_path, (), 0, NOW_NS)
    assert list((tmp_path / ".pruned").iterdir()) == []


def test_what_begins_to_be_needed_in_the_middle_of_a_turn_stays(tmp_path: Path) -> None:
    aged(tmp_path / "a", 9)

    def used_first(path: Path, used_before_ns: int) -> bool:
        os.utime(path)
        return put_aside(path, used_before_ns)

    prune_shelf(tmp_path, (), 0, NOW_NS, used_first)
    assert names(tmp_path) == {"a"}


def test_there_may_be_no_shelf_or_one_that_refuses(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert prune_shelf(tmp_path / "none", (), 0, NOW_NS) is False

    def refuse(path: Path, used_before_ns: int) -> bool:
        raise PermissionError(1, "Operation not permitted")

    aged(tmp_path / "a", 9)
    assert prune_shelf(tmp_path, (), 0, NOW_NS, refuse) is False
    assert "Operation not permitted" in caplog.text


# --- A machine -------------------------------------------------------------------------------------------------------


def test_what_containers_have_left_goes_and_what_is_theirs_stays(home: Home) -> None:
    home.create()
    for folder in (home.containers, home.run, home.logs):
        for name in ("c-there", "c-gone"):
            aged(folder / name, 9)
    (home.logs / "supervisor.log").touch()
    for name in ("control", "supervisors"):
        aged(home.run / name, 9)
    turn(home, "c-there")
    assert (names(home.containers), names(home.logs)) == ({"c-there"}, {"c-there"})
    assert names(home.run) == {"c-there", "control", "supervisors"}
    assert (home.logs / "supervisor.log").exists()


def test_logs_stay_longer_than_their_containers(home: Home) -> None:
    home.create()
    for folder in (home.containers, home.logs):
        aged(folder / "c-gone", 6.9)
    turn(home)
    assert (names(home.containers), names(home.logs)) == (set(), {"c-gone"})


def test_environments_and_caches_stay_as_long_as_a_container_has_them(home: Home) -> None:
    home.create()
    claiming(home, "c-a", "e-used", "words.1")
    for folder, used in ((home.environments, "e-used"), (home.caches, "words.1")):
        aged(folder / used, 99)
        aged(folder / "idle", 31)
        aged(folder / "young", 29)
    (home.environments / "idle.lock").touch()
    turn(home, "c-a")
    assert names(home.environments) == {"e-used", "young"}
    assert names(home.caches) == {"words.1", "young"}
    assert not (home.environments / "idle.lock").exists()


async def test_a_container_that_does_not_say_what_it_needs_keeps_all(process_world: ProcessWorld) -> None:
    await launch(process_world, "c-a", "idle")
    home = process_world.home
    (home.containers / "c-a" / "environment").unlink()  # as an older platform has started it
    aged(home.environments / "e", 99)
    aged(home.caches / "c", 99)
    turn(home, "c-a")
    assert not claims(home.containers).are_complete
    assert ("e" in names(home.environments), "c" in names(home.caches)) == (True, True)
    shutil.rmtree(home.environments / "e")
    shutil.rmtree(home.caches / "c")


def test_a_turn_says_whether_there_is_more(home: Home) -> None:
    home.create()
    for number in range(PRUNE_ENTRIES_MAX + 1):
        aged(home.caches / f"cache{number}", 99)
    assert turn(home) is True
    assert turn(home) is False
    assert names(home.caches) == set()


def test_a_cache_that_is_found_is_not_pruned_after(home: Home) -> None:
    home.create()
    machine = Machine(home, KEEP)
    cache = aged(home.caches / "words", 99)
    machine.use_cache(cache)
    assert machine.put_cache_aside(cache, NOW_NS - DAY_NS) is False
    assert cache.is_dir()


# --- Environments ----------------------------------------------------------------------------------------------------


async def test_an_environment_that_was_pruned_is_made_again(home: Home) -> None:
    home.create()
    environments = Environments(home.environments, VARIABLES)
    spec = behaviour_spec(home.root, "c-a", "idle")
    path = await environments.ensure(spec)
    aged(path, 99)
    turn(home, environments=environments)
    assert not path.exists()
    assert await environments.ensure(spec) == path
    assert (path / ".complete").exists()


async def test_an_environment_that_is_asked_for_is_needed_from_then_on(home: Home) -> None:
    home.create()
    environments = Environments(home.environments, VARIABLES)
    path = await environments.ensure(behaviour_spec(home.root, "c-a", "idle"))
    aged(path, 99)
    await environments.ensure(behaviour_spec(home.root, "c-b", "idle"))
    assert environments.put_aside(path, NOW_NS - DAY_NS) is False


def test_an_environment_that_is_being_made_stays(home: Home) -> None:
    home.create()
    path = aged(home.environments / "half", 99)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        turn(home)
        assert path.is_dir()
    turn(home)
    assert not path.exists()


async def test_builders_and_a_pruner_never_meet(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has been given an environment finds it whole, however often others prune with an age of nothing."""
    home.create()
    monkeypatch.setattr(Environments, "_build", lambda _self, path, *_: path.mkdir())
    environments = Environments(home.environments, VARIABLES)
    spec = behaviour_spec(home.root, "c-a", "idle")
    path = await environments.ensure(spec)
    stop = threading.Event()

    def prune() -> None:
        while not stop.is_set():
            with contextlib.suppress(FileNotFoundError):  # it was just taken
                environments.put_aside(path, NOW_NS - DAY_NS)

    pruning = asyncio.create_task(asyncio.to_thread(prune))
    try:
        for _ in range(200):
            aged(path, 99)
            assert await environments.ensure(spec) == path
            assert (path / ".complete").exists()
    finally:
        stop.set()
        await pruning
    assert len(list((home.environments / ".pruned").iterdir())) > 0


# --- The launcher ----------------------------------------------------------------------------------------------------


async def test_a_running_container_loses_nothing(process_world: ProcessWorld) -> None:
    spec = await launch(process_world, "c-a", "idle")
    home = process_world.home
    theirs = [Path(spec.work_folder), Path(spec.cache_folder), home.logs / "c-a", home.containers / "c-a"]
    for path in theirs:
        aged(path, 99)
    aged(home.caches / "other", 99)
    assert await process_world.launcher.prune({"c-a"}, NOW_NS) is False
    assert all(path.is_dir() for path in theirs)
    assert not (home.caches / "other").exists()
    container = await observed(process_world.launcher, "c-a")
    assert container is not None
    assert container.state == "running"


async def test_a_container_is_started_again_after_a_turn(process_world: ProcessWorld) -> None:
    spec = await launch(process_world, "c-a", "prints")
    await exited(process_world.launcher, "c-a")
    await process_world.launcher.prune({"c-a"}, NOW_NS)
    await process_world.launcher.start(spec, LIMITS, 2)
    assert (await exited(process_world.launcher, "c-a")).exit_code == 0


_REMOVES = "import pathlib, sys; from pie_deploy.launchers.process.shelf import remove_tree; remove_tree(pathlib.Path(sys.argv[1]))"
_NOT_ALMIGHTY = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


@pytest.mark.skipif(bool(_NOT_ALMIGHTY) and shutil.which("setpriv") is None, reason="root may everything")
def test_folders_that_a_container_has_closed_go_too_and_nothing_that_it_leads_to(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir(mode=0o500)
    inner = tmp_path / "cache" / "read only" / "closed"
    inner.mkdir(parents=True)
    (inner / "content").touch()
    (inner / "link").symlink_to(foreign)
    inner.chmod(0)
    inner.parent.chmod(0o555)
    subprocess.run([*_NOT_ALMIGHTY, sys.executable, "-c", _REMOVES, str(tmp_path / "cache")], check=True)
    assert not (tmp_path / "cache").exists()
    assert foreign.stat().st_mode & 0o777 == 0o500
