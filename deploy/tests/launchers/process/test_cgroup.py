"""Both layouts on fake folders (this machine has one of them); the real ones are tried in `test_faults`."""

from pathlib import Path

import pytest

from pie_deploy.launchers.process.cgroup import (
    NO_GROUP,
    Cgroups,
    Group,
    GroupLimits,
    Hierarchy,
    detect,
    hierarchies,
    settings_v1,
    settings_v2,
)

LIMITS = GroupLimits(cpu=0.5, cpu_max=1.5, memory_bytes=1 << 28, tasks_max=64)

V1 = """\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:9 - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
"""
V1_OWN = "9:name=systemd:/\n4:memory:/user/me\n1:cpu,cpuacct:/\n"
V2 = "25 30 0:23 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
CONTAINED = "25 30 0:23 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"


def test_in_version_1_every_controller_has_a_hierarchy() -> None:
    found = {tuple(sorted(one.controllers)): (one.version, str(one.folder)) for one in hierarchies(V1, V1_OWN)}
    assert found == {
        ("cpu",): (1, "/sys/fs/cgroup/cpu"),
        ("memory",): (1, "/sys/fs/cgroup/memory/user/me"),
        ("name=systemd",): (1, "/sys/fs/cgroup/systemd"),
    }


def test_in_version_2_there_is_one() -> None:
    (found,) = hierarchies(V2, "0::/user.slice/me.scope\n")
    assert (found.version, str(found.folder)) == (2, "/sys/fs/cgroup/user.slice/me.scope")


def test_both_may_be_there_at_once() -> None:
    found = hierarchies(V1 + V2.replace("/sys/fs/cgroup", "/sys/fs/cgroup/unified"), V1_OWN + "0::/\n")
    assert [one.version for one in found] == [1, 1, 1, 2]


def test_a_mount_may_show_only_a_part() -> None:
    (found,) = hierarchies(CONTAINED, "0::/docker/abc/inner\n")
    assert str(found.folder) == "/sys/fs/cgroup/inner"
    (found,) = hierarchies(CONTAINED, "0::/\n")
    assert str(found.folder) == "/sys/fs/cgroup"


@pytest.mark.parametrize(("mountinfo", "own"), [("", ""), (V1, ""), ("", V1_OWN), (V2, "4:memory:/\n")])
def test_what_is_not_there_is_not_found(mountinfo: str, own: str) -> None:
    assert hierarchies(mountinfo, own) == []


# --- Limits ----------------------------------------------------------------------------------------------------------


def make_folder(root: Path, container_id: str, *names: str) -> Path:
    """As the kernel makes it: with the files of its controllers."""
    folder = root / "pie-r" / container_id
    folder.mkdir(parents=True)
    for name in (*names, "cgroup.procs"):
        (folder / name).touch()
    return folder


def test_version_1_takes_limits_file_by_file(tmp_path: Path) -> None:
    memory, cpu = tmp_path / "memory", tmp_path / "cpu"
    memory_folder = make_folder(memory, "c-a", "memory.limit_in_bytes")
    cpu_folder = make_folder(cpu, "c-a", "cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us")
    available = [Hierarchy(1, frozenset({"memory"}), memory), Hierarchy(1, frozenset({"cpu"}), cpu)]
    group = Cgroups(available, "pie-r").create("c-a", LIMITS)
    assert group.controlled == {"memory", "cpu"}
    assert (memory_folder / "memory.limit_in_bytes").read_text() == str(1 << 28)
    assert (cpu_folder / "cpu.shares").read_text() == "512"
    assert (cpu_folder / "cpu.cfs_quota_us").read_text() == "150000"


def test_version_2_takes_limits_in_one_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, "c-a", "memory.max", "memory.swap.max", "cpu.weight", "cpu.max", "pids.max")
    group = Cgroups([Hierarchy(2, frozenset(), tmp_path)], "pie-r").create("c-a", LIMITS)
    assert group.controlled == {"memory", "cpu", "pids"}
    assert {
        name: (folder / name).read_text() for name in ("memory.max", "memory.swap.max", "cpu.weight", "cpu.max", "pids.max")
    } == {
        "memory.max": str(1 << 28),
        "memory.swap.max": "0",
        "cpu.weight": "50",
        "cpu.max": "150000 100000",
        "pids.max": "64",
    }


def test_a_controller_that_was_not_delegated_controls_nothing(tmp_path: Path) -> None:
    make_folder(tmp_path, "c-a", "pids.max")
    group = Cgroups([Hierarchy(2, frozenset(), tmp_path)], "pie-r").create("c-a", LIMITS)
    assert group.controlled == {"pids"}
    assert group.is_exact


def test_without_a_ceiling_there_is_no_quota() -> None:
    free = GroupLimits(cpu=0.001, cpu_max=None, memory_bytes=1, tasks_max=1)
    assert settings_v1(free)["cpu"] == [("cpu.shares", "2"), ("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "-1")]
    assert settings_v2(free)["cpu"] == [("cpu.weight", "1"), ("cpu.max", "max 100000")]


def test_a_hierarchy_that_cannot_be_written_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    group = Cgroups([Hierarchy(2, frozenset(), tmp_path / "file")], "pie-r").create("c-a", LIMITS)
    assert (group.controlled, group.is_exact, group.join) == (frozenset(), False, ())


def test_a_hierarchy_without_any_of_our_controllers_is_left_alone(tmp_path: Path) -> None:
    Cgroups([Hierarchy(1, frozenset({"devices"}), tmp_path)], "pie-r")
    assert list(tmp_path.iterdir()) == []


def test_where_there_are_no_groups_at_all_nothing_is_controlled(tmp_path: Path) -> None:
    assert detect("pie-r", tmp_path).create("c-a", LIMITS).controlled == frozenset()


@pytest.mark.parametrize(("containers", "shares"), [(0, "1024"), (3, "3072"), (10_000, str(1 << 18))])
def test_containers_together_weigh_as_much_as_so_many_processes(tmp_path: Path, containers: int, shares: str) -> None:
    (tmp_path / "pie-r").mkdir()
    (tmp_path / "pie-r" / "cpu.shares").touch()
    Cgroups([Hierarchy(1, frozenset({"cpu"}), tmp_path)], "pie-r").weigh(containers)
    assert (tmp_path / "pie-r" / "cpu.shares").read_text() == shares


# --- Members ---------------------------------------------------------------------------------------------------------


def group_of(folder: Path) -> Group:
    return Group({Hierarchy(2, frozenset(), folder.parent): folder}, frozenset())


def test_members_are_read_and_joined_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("12\n34\n")
    assert group_of(tmp_path).pids() == {12, 34}
    assert group_of(tmp_path).join == (str(tmp_path / "cgroup.procs"),)


def test_version_2_kills_all_members_at_once(tmp_path: Path) -> None:
    (tmp_path / "cgroup.kill").touch()
    group_of(tmp_path).kill()
    assert (tmp_path / "cgroup.kill").read_text() == "1"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n"),
        ("memory.events", "low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\n"),
    ],
    ids=["version 1", "version 2"],
)
def test_kills_for_memory_are_counted(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert group_of(tmp_path).out_of_memory_kills() == 2
    assert NO_GROUP.out_of_memory_kills() == 0


def test_what_an_earlier_supervisor_left_is_found_and_removed(tmp_path: Path) -> None:
    (tmp_path / "pie-r" / "c-old").mkdir(parents=True)
    (tmp_path / "other").mkdir()
    groups = Cgroups([Hierarchy(2, frozenset(), tmp_path)], "pie-r")
    (left,) = groups.leftovers()
    assert left.remove()
    assert groups.leftovers() == []
    groups.close()
    assert [path.name for path in tmp_path.iterdir()] == ["other"]
