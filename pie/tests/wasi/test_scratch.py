import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pie.wasi.confinement import located
from pie.wasi.scratch import Scratch
from wasi.fakes import at, opened


@pytest.fixture
def scratch(tmp_path):
    made = Scratch(tmp_path / "scratch", size_bytes_max=1000, entries_max=10, descriptors_max=5)
    yield made
    made.remove()


def made(scratch, path, data=b""):
    """A file with that content, closed."""
    file = opened(scratch, path, create=True)
    scratch.write(file, data, 0)
    file.release()


def usage(scratch):
    found = scratch.statistics()
    return found.size_bytes, found.entries, found.descriptors


def test_the_folder_is_private_and_new(tmp_path):
    scratch = Scratch(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    with pytest.raises(FileExistsError):
        Scratch(tmp_path / "a" / "b")
    scratch.remove()


def test_removing_takes_everything_along(scratch, tmp_path):
    (tmp_path / "keep").write_text("keep")
    for path in ("d", "d/e"):
        with at(scratch, path) as place:
            scratch.make_folder(place)
    made(scratch, "d/e/file", b"x")
    with at(scratch, "d/e/link") as place:
        scratch.make_symlink("../../../keep", place)
    scratch.remove()
    scratch.remove()
    assert [path.name for path in tmp_path.iterdir()] == ["keep"]


def test_removing_manages_any_depth(tmp_path):
    scratch = Scratch(tmp_path / "scratch")
    below = scratch.root()
    for _ in range(1100):  # deeper than Python recurses
        with located(below.fd, "d", follow=False) as place:
            scratch.make_folder(place)
            deeper = scratch.open(place, access=os.O_RDONLY)
        below.release()
        below = deeper
    below.release()
    scratch.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_file_counts_its_bytes_and_its_name(scratch):
    made(scratch, "file", b"12345")
    assert usage(scratch) == (5, 1, 0)


def test_overwriting_costs_nothing(scratch):
    made(scratch, "file", b"12345")
    made(scratch, "file", b"abcde")
    assert usage(scratch) == (5, 1, 0)


def test_a_hole_counts_like_bytes(scratch):
    file = opened(scratch, "file", create=True)
    with pytest.raises(OSError):
        scratch.write(file, b"x", 1 << 40)
    scratch.write(file, b"x", 99)
    assert scratch.statistics().size_bytes == 100
    file.release()


def test_resizing_counts_both_ways(scratch):
    file = opened(scratch, "file", create=True)
    scratch.resize(file, 1000)
    with pytest.raises(OSError):
        scratch.resize(file, 1001)
    scratch.resize(file, 10)
    assert scratch.statistics().size_bytes == 10
    file.release()


def test_an_unlinked_file_counts_until_it_is_closed(scratch):
    made(scratch, "file", b"12345")
    file = opened(scratch, "file")
    with at(scratch, "file") as place:
        scratch.unlink(place)
    scratch.write(file, b"67890", 5)
    assert usage(scratch) == (10, 0, 1)
    file.release()
    assert usage(scratch) == (0, 0, 0)


def test_a_file_with_two_names_counts_once(scratch):
    made(scratch, "one", b"12345")
    with at(scratch, "one") as source, at(scratch, "two") as target:
        scratch.make_link(source, target)
    assert usage(scratch) == (5, 2, 0)
    for name, left in (("one", (5, 1, 0)), ("two", (0, 0, 0))):
        with at(scratch, name) as place:
            scratch.unlink(place)
        assert usage(scratch) == left


def test_renaming_over_a_file_gives_its_bytes_back(scratch):
    made(scratch, "new", b"12")
    made(scratch, "old", b"12345")
    with at(scratch, "new") as source, at(scratch, "old") as target:
        scratch.rename(source, target)
    assert usage(scratch) == (2, 1, 0)


def test_renaming_one_name_of_a_file_to_another_changes_nothing(scratch):
    made(scratch, "one", b"12345")
    with at(scratch, "one") as source, at(scratch, "two") as target:
        scratch.make_link(source, target)
        scratch.rename(source, target)
    assert usage(scratch) == (5, 2, 0)


def test_entries_are_bounded(scratch):
    for number in range(10):
        made(scratch, f"file{number}")
    for make in (scratch.make_folder, lambda place: scratch.make_symlink("x", place)):
        with pytest.raises(OSError), at(scratch, "more") as place:
            make(place)
    made(scratch, "file3", b"still usable")


def test_open_files_are_bounded(scratch):
    made(scratch, "file")
    files = [opened(scratch, "file") for _ in range(4)]
    with pytest.raises(OSError):
        opened(scratch, "file")
    for file in files:
        file.release()
    opened(scratch, "file").release()


def test_a_file_stays_open_until_its_last_user_lets_go(scratch):
    file = opened(scratch, "file", create=True)
    shared = file.share()
    file.release()
    assert shared.status().st_size == 0
    shared.release()
    assert scratch.statistics().descriptors == 0


def test_a_listing_counts_as_a_descriptor(scratch):
    made(scratch, "file")
    root = scratch.root()
    entries = scratch.entries(root)
    assert scratch.statistics().descriptors == 2
    assert entries.next().name == "file"
    assert entries.next() is None
    entries.close()
    root.release()
    assert scratch.statistics().descriptors == 0


def test_pipes_and_devices_are_not_opened(scratch, tmp_path):
    os.mkfifo(tmp_path / "scratch" / "pipe")
    with pytest.raises(PermissionError):
        opened(scratch, "pipe", access=os.O_RDONLY)
    assert scratch.statistics().descriptors == 0


def test_create_and_exclusive_never_finds(scratch):
    made(scratch, "file")
    with pytest.raises(FileExistsError):
        opened(scratch, "file", create=True, exclusive=True)


def test_a_folder_cannot_be_made_by_opening(scratch):
    with pytest.raises(OSError):
        opened(scratch, "new", access=os.O_RDONLY, create=True, folder=True)
    with pytest.raises(OSError):
        opened(scratch, "new/", create=True)
    assert usage(scratch) == (0, 0, 0)


def test_a_symlink_to_an_absolute_path_is_not_made(scratch):
    with pytest.raises(PermissionError), at(scratch, "link") as place:
        scratch.make_symlink("/etc/passwd", place)


NAMES = st.sampled_from(["a", "b", "d/a", "d/b", "e"])


class Accounting(RuleBasedStateMachine):
    """Whatever a guest does, the counts equal what a look at the file system says."""

    def __init__(self):
        super().__init__()
        self.top = tempfile.TemporaryDirectory()
        self.folder = Path(self.top.name) / "scratch"
        self.scratch = Scratch(self.folder, size_bytes_max=100, entries_max=6, descriptors_max=4)
        self.files = []

    def attempt(self, action, *paths):
        try:
            places = [at(self.scratch, path) for path in paths]
            with places[0] as first:
                if len(places) == 1:
                    return action(first)
                with places[1] as second:
                    return action(first, second)
        except OSError:
            return None

    @rule(path=NAMES)
    def open(self, path):
        file = self.attempt(lambda place: self.scratch.open(place, access=os.O_RDWR, create=True), path)
        if file is not None:
            self.files.append(file)

    @rule(size=st.integers(0, 60), offset=st.integers(0, 60), index=st.integers(0, 3))
    def write(self, size, offset, index):
        if index < len(self.files):
            self.attempt(lambda _: self.scratch.write(self.files[index], bytes(size), offset), "a")

    @rule(size=st.integers(0, 120), index=st.integers(0, 3))
    def resize(self, size, index):
        if index < len(self.files):
            self.attempt(lambda _: self.scratch.resize(self.files[index], size), "a")

    @rule(index=st.integers(0, 3))
    def close(self, index):
        if index < len(self.files):
            self.files.pop(index).release()

    @rule(path=st.sampled_from(["d", "e"]))
    def make_folder(self, path):
        self.attempt(self.scratch.make_folder, path)

    @rule(path=st.sampled_from(["d", "e"]))
    def remove_folder(self, path):
        self.attempt(self.scratch.remove_folder, path)

    @rule(path=NAMES)
    def unlink(self, path):
        self.attempt(self.scratch.unlink, path)

    @rule(path=NAMES, leads_to=NAMES)
    def symlink(self, path, leads_to):
        self.attempt(lambda place: self.scratch.make_symlink(leads_to, place), path)

    @rule(old=NAMES, new=NAMES)
    def link(self, old, new):
        self.attempt(self.scratch.make_link, old, new)

    @rule(old=st.sampled_from(["a", "d", "e", "d/a"]), new=st.sampled_from(["b", "d", "e", "d/b"]))
    def rename(self, old, new):
        self.attempt(self.scratch.rename, old, new)

    @invariant()
    def counts_are_those_of_the_file_system(self):
        statuses = [path.lstat() for path in self.folder.rglob("*")]
        files = {status.st_ino: status.st_size for status in statuses if status.st_mode & 0o170000 == 0o100000}
        files |= {file.inode[1]: file.status().st_size for file in self.files if not file.is_folder}
        assert usage(self.scratch) == (sum(files.values()), len(statuses), len(self.files))

    def teardown(self):
        for file in self.files:
            file.release()
        self.scratch.remove()
        assert usage(self.scratch)[2] == 0
        self.top.cleanup()


TestAccounting = Accounting.TestCase
TestAccounting.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
