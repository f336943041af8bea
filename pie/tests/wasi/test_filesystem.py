"""The functions of `wasi:filesystem` as a guest calls them."""

import pytest

from pie.clock import ManualClock
from pie.limits import WASI_READ_BYTES_MAX
from pie.sandbox.interface import GuestFault
from pie.wasi.clocks import Datetime
from pie.wasi.filesystem import PREOPENS, TYPES
from pie.wasi.scratch import Scratch
from pie.wasi.streams import IoError
from wasi.fakes import process

FOLLOW = frozenset(["symlink-follow"])
NONE = frozenset()
READ = frozenset(["read"])
READ_WRITE = frozenset(["read", "write"])
U64_MAX = (1 << 64) - 1


class Guest:
    """Calls the interface's functions on one process, WIT names with underscores."""

    def __init__(self, scratch, clock):
        self.state = process(scratch=scratch, clock=clock)
        self.scratch = scratch
        ((self.root, self.root_name),) = PREOPENS.functions["get-directories"](self.state)

    def __getattr__(self, name):
        function = TYPES.functions[f"[method]descriptor.{name.replace('_', '-')}"]
        return lambda descriptor, *arguments: function(self.state, descriptor, *arguments)

    def open(self, path, open_flags=(), flags=READ_WRITE, follow=FOLLOW, base=None):
        return self.open_at(base or self.root, follow, path, frozenset(open_flags), flags)

    def make(self, path, data=b""):
        file = self.open(path, ["create", "truncate"])
        self.write(file, data, 0)
        file.drop()

    def text(self, path):
        file = self.open(path, flags=READ)
        data, _ = self.read(file, 1000, 0)
        file.drop()
        return data

    def listing(self, descriptor):
        stream = self.read_directory(descriptor)
        following = TYPES.functions["[method]directory-entry-stream.read-directory-entry"]
        found = {}
        while (entry := following(self.state, stream)) is not None:
            found[entry.name] = entry.type
        stream.drop()
        return found

    def denied(self, name, *arguments):
        """The error code of a call that must fail."""
        with pytest.raises(GuestFault) as caught:
            getattr(self, name)(*arguments)
        return caught.value.payload


@pytest.fixture
def guest(tmp_path):
    (tmp_path / "secret").write_text("secret")
    scratch = Scratch(tmp_path / "scratch", size_bytes_max=4 << 20)
    acting = Guest(scratch, ManualClock(1_000_000_000_000_000_000))
    yield acting
    acting.root.drop()
    assert scratch.statistics().descriptors == 0
    scratch.remove()


def test_without_a_scratch_there_is_no_folder():
    assert PREOPENS.functions["get-directories"](process()) == []


def test_the_one_folder_is_called_scratch(guest):
    assert guest.root_name == "/scratch"
    assert guest.get_type(guest.root) == "directory"
    assert guest.get_flags(guest.root) == {"read", "mutate-directory"}


def test_what_is_written_can_be_read(guest):
    file = guest.open("file", ["create"])
    assert guest.write(file, b"hello", 0) == 5
    assert guest.write(file, b"HE", 0) == 2
    assert guest.read(file, 100, 0) == (b"HEllo", True)
    assert guest.read(file, 2, 3) == (b"lo", False)
    assert guest.read(file, 100, 5) == (b"", True)
    file.drop()


def test_open_flags_do_what_they_say(guest):
    assert guest.denied("open", "file") == "no-entry"
    guest.make("file", b"hello")
    assert guest.denied("open", "file", ["create", "exclusive"]) == "exist"
    assert guest.denied("open", "file", ["directory"], READ) == "not-directory"
    assert guest.denied("open", "new", ["create", "directory"], READ) == "invalid"
    guest.open("file", ["truncate"]).drop()
    assert guest.text("file") == b""


def test_a_folder_cannot_be_opened_for_writing(guest):
    guest.create_directory_at(guest.root, "folder")
    assert guest.denied("open", "folder", [], READ_WRITE) == "is-directory"


def test_what_a_descriptor_may_do_is_what_it_was_opened_for(guest):
    guest.make("file", b"hello")
    reader, writer = guest.open("file", flags=READ), guest.open("file", flags=frozenset(["write"]))
    assert guest.denied("write", reader, b"x", 0) == "bad-descriptor"
    assert guest.denied("set_size", reader, 0) == "bad-descriptor"
    assert guest.denied("write_via_stream", reader, 0) == "bad-descriptor"
    assert guest.denied("append_via_stream", reader) == "bad-descriptor"
    assert guest.denied("read", writer, 1, 0) == "bad-descriptor"
    assert guest.denied("read_via_stream", writer, 0) == "bad-descriptor"
    assert guest.denied("read", guest.root, 1, 0) == "is-directory"
    reader.drop()
    writer.drop()


def test_streams_read_write_and_append(guest):
    file = guest.open("file", ["create"])
    streams = [guest.write_via_stream(file, 0), guest.append_via_stream(file), guest.read_via_stream(file, 3)]
    streams[0].write(b"hello")
    streams[1].write(b" world")
    assert streams[2].read(100) == b"lo world"
    for dropped in (file, *streams):
        dropped.drop()


def test_sizes_are_set_within_the_quota(guest):
    file = guest.open("file", ["create"])
    guest.set_size(file, 10)
    assert guest.stat(file).size == 10
    assert guest.denied("set_size", file, 5 << 20) == "quota"
    assert guest.denied("set_size", file, U64_MAX) == "overflow"
    file.drop()


def test_lengths_and_offsets_may_be_anything(guest):
    guest.make("file", bytes(2 << 20))
    for offset in (1 << 20, (2 << 20) - 1):
        file = guest.open("file")
        guest.write(file, b"x", offset)
        file.drop()
    file = guest.open("file")
    data, at_end = guest.read(file, U64_MAX, 0)
    assert (len(data), at_end) == (WASI_READ_BYTES_MAX, False)
    assert guest.read(file, U64_MAX, 1 << 62) == (b"", True)
    for name, arguments in (("read", (1, U64_MAX)), ("write", (b"x", U64_MAX)), ("read_via_stream", (U64_MAX,))):
        assert guest.denied(name, file, *arguments) == "overflow"
    assert guest.denied("write", file, b"x", 1 << 62) == "quota"
    assert guest.advise(file, U64_MAX, U64_MAX, "random") is None
    file.drop()


def test_syncing_and_advising_succeed(guest):
    file = guest.open("file", ["create"])
    assert (guest.sync(file), guest.sync_data(file), guest.advise(file, 0, 0, "will-need")) == (None, None, None)
    file.drop()


def test_folders_are_made_listed_and_removed(guest):
    guest.create_directory_at(guest.root, "folder")
    guest.make("folder/file")
    guest.symlink_at(guest.root, "file", "folder/link")
    guest.create_directory_at(guest.root, "folder/inner/")
    folder = guest.open("folder", ["directory"], READ)
    assert guest.listing(folder) == {"file": "regular-file", "link": "symbolic-link", "inner": "directory"}
    assert guest.denied("remove_directory_at", guest.root, "folder") == "not-empty"
    guest.remove_directory_at(folder, "inner")
    guest.unlink_file_at(folder, "link")
    guest.unlink_file_at(folder, "file")
    guest.remove_directory_at(guest.root, "folder")
    assert guest.listing(guest.root) == {}
    folder.drop()


def test_two_listings_of_one_folder_do_not_disturb_each_other(guest):
    for name in "abc":
        guest.make(name)
    first, second = guest.read_directory(guest.root), guest.read_directory(guest.root)
    assert {first.next().name for _ in range(3)} == {second.next().name for _ in range(3)} == set("abc")
    first.drop()
    second.drop()


def test_files_and_folders_are_not_mixed_up(guest):
    guest.make("file")
    guest.create_directory_at(guest.root, "folder")
    assert guest.denied("unlink_file_at", guest.root, "folder") == "is-directory"
    assert guest.denied("unlink_file_at", guest.root, "file/") == "not-directory"
    assert guest.denied("remove_directory_at", guest.root, "file") == "not-directory"
    assert guest.denied("create_directory_at", guest.root, "file") == "exist"
    file = guest.open("file")
    assert guest.denied("read_directory", file) == "not-directory"
    assert guest.denied("open", "x", [], READ, FOLLOW, file) == "not-directory"
    file.drop()


def test_renaming_moves_and_replaces(guest):
    guest.make("old", b"old")
    guest.make("new", b"new")
    guest.create_directory_at(guest.root, "folder")
    guest.rename_at(guest.root, "old", guest.root, "new")
    assert guest.text("new") == b"old"
    folder = guest.open("folder", flags=READ)
    guest.rename_at(guest.root, "new", folder, "moved")
    assert guest.text("folder/moved") == b"old"
    assert guest.denied("rename_at", guest.root, "folder", folder, "inner") == "invalid"
    folder.drop()


def test_links_share_their_file(guest):
    guest.make("one", b"shared")
    guest.link_at(guest.root, NONE, "one", guest.root, "two")
    assert guest.text("two") == b"shared"
    assert guest.stat_at(guest.root, NONE, "one").link_count == 2
    one, two = guest.open("one"), guest.open("two")
    assert TYPES.functions["[method]descriptor.is-same-object"](guest.state, one, two)
    assert not TYPES.functions["[method]descriptor.is-same-object"](guest.state, one, guest.root)
    one.drop()
    two.drop()


def test_symlinks_inside_work(guest):
    guest.make("file", b"target")
    guest.symlink_at(guest.root, "file", "link")
    assert guest.readlink_at(guest.root, "link") == "file"
    assert guest.text("link") == b"target"
    assert guest.stat_at(guest.root, NONE, "link").type == "symbolic-link"
    assert guest.stat_at(guest.root, FOLLOW, "link").type == "regular-file"
    assert guest.denied("open", "link", [], READ, NONE) == "loop"


def test_creating_through_a_dangling_symlink_makes_its_target(guest):
    guest.symlink_at(guest.root, "target", "link")
    guest.make("link", b"through")
    assert guest.text("target") == b"through"


ESCAPES = ["../secret", "/etc/passwd", "folder/../../secret", "out", "out/secret", "absolute", "up/secret"]


@pytest.fixture
def trapped(guest, tmp_path):
    """A scratch with every way out that a guest, or the machine, may lay."""
    guest.create_directory_at(guest.root, "folder")
    guest.symlink_at(guest.root, "../secret", "out")
    guest.symlink_at(guest.root, "..", "up")
    (tmp_path / "scratch" / "absolute").symlink_to(tmp_path / "secret")
    return guest


@pytest.mark.parametrize("path", ESCAPES)
def test_nothing_outside_can_be_opened_or_looked_at(trapped, path):
    assert trapped.denied("open", path, [], READ) == "not-permitted"
    assert trapped.denied("open", path, ["create"]) == "not-permitted"
    assert trapped.denied("stat_at", trapped.root, FOLLOW, path) == "not-permitted"
    assert trapped.denied("metadata_hash_at", trapped.root, FOLLOW, path) == "not-permitted"


@pytest.mark.parametrize("path", ["../new", "/tmp/new", "folder/../../new", "up/new"])
def test_nothing_outside_can_be_made_or_changed(trapped, tmp_path, path):
    root, before = trapped.root, sorted(tmp_path.iterdir())
    trapped.make("file")
    for name, *arguments in (
        ("create_directory_at", root, path),
        ("remove_directory_at", root, path),
        ("unlink_file_at", root, path),
        ("symlink_at", root, "x", path),
        ("rename_at", root, "file", root, path),
        ("rename_at", root, path, root, "stolen"),
        ("link_at", root, NONE, "file", root, path),
        ("link_at", root, NONE, path, root, "stolen"),
        ("readlink_at", root, path),
        ("set_times_at", root, FOLLOW, path, ("now", None), ("now", None)),
    ):
        assert trapped.denied(name, *arguments) == "not-permitted"
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("link", ["out", "absolute"])
def test_a_link_out_can_be_handled_but_not_followed(trapped, tmp_path, link):
    trapped.rename_at(trapped.root, link, trapped.root, "moved")
    assert trapped.denied("open", "moved", [], READ) == "not-permitted"
    assert trapped.denied("link_at", trapped.root, FOLLOW, "moved", trapped.root, "stolen") == "not-permitted"
    trapped.link_at(trapped.root, NONE, "moved", trapped.root, "again")
    assert trapped.denied("open", "again", [], READ) == "not-permitted"
    trapped.unlink_file_at(trapped.root, "moved")
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_link_to_an_absolute_path_is_neither_made_nor_read(trapped):
    assert trapped.denied("symlink_at", trapped.root, "/etc/passwd", "link") == "not-permitted"
    assert trapped.denied("readlink_at", trapped.root, "absolute") == "not-permitted"


def test_a_descriptor_on_a_subfolder_does_not_lead_up(trapped):
    folder = trapped.open("folder", flags=READ)
    assert trapped.denied("open", "../out", [], READ, FOLLOW, folder) == "not-permitted"
    assert trapped.denied("open", "..", [], READ, FOLLOW, folder) == "not-permitted"
    folder.drop()


def test_a_folder_moved_while_it_is_open_leads_nowhere_new(trapped):
    trapped.create_directory_at(trapped.root, "folder/inner")
    inner = trapped.open("folder/inner", flags=READ)
    trapped.rename_at(trapped.root, "folder/inner", trapped.root, "inner")
    assert trapped.denied("open", "../../secret", [], READ, FOLLOW, inner) == "not-permitted"
    inner.drop()


def test_stat_tells_type_size_and_times(guest):
    guest.make("file", b"12345")
    found = guest.stat_at(guest.root, NONE, "file")
    assert (found.type, found.size, found.link_count) == ("regular-file", 5, 1)
    assert found.data_modification_timestamp.seconds > 1_700_000_000
    assert guest.stat(guest.root).type == "directory"


def test_times_are_set_kept_or_taken_from_the_clock(guest):
    guest.make("file")
    guest.set_times_at(guest.root, NONE, "file", ("timestamp", Datetime(5, 6)), ("now", None))
    found = guest.stat_at(guest.root, NONE, "file")
    assert found.data_access_timestamp == Datetime(5, 6)
    assert found.data_modification_timestamp == Datetime(1_000_000_000, 0)
    file = guest.open("file")
    guest.set_times(file, ("no-change", None), ("timestamp", Datetime(7, 0)))
    assert guest.stat(file).data_access_timestamp == Datetime(5, 6)
    assert guest.stat(file).data_modification_timestamp == Datetime(7, 0)
    assert guest.denied("set_times", file, ("now", None), ("timestamp", Datetime(U64_MAX, 0))) == "overflow"
    file.drop()


def test_hashes_tell_files_apart_and_survive_changes(guest):
    guest.make("one")
    guest.make("two")
    one, two = (guest.metadata_hash_at(guest.root, NONE, name) for name in ("one", "two"))
    assert one != two
    guest.make("one", b"changed")
    file = guest.open("one")
    assert guest.metadata_hash(file) == one
    file.drop()


def test_an_io_error_of_a_stream_has_its_code(guest):
    code = TYPES.functions["filesystem-error-code"]
    assert code(guest.state, IoError("full", "quota")) == "quota"
    assert code(guest.state, IoError("other")) is None


def test_too_many_open_files_are_refused(guest):
    files = []
    with pytest.raises(GuestFault) as caught:
        while True:
            files.append(guest.open("file", ["create"]))
    assert caught.value.payload == "quota"
    for file in files:
        file.drop()
