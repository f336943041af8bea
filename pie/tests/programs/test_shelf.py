"""Programs on disk, through crashes, full disks, damage, and other engines."""

import logging
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.errors import ProgramError
from pie.limits import PROGRAM_PART_KEPT_S
from pie.programs.program_file import Content, DamagedFileError, read, write
from pie.programs.shelf import Cached, Quota, Shelf
from pie_wire.manifest import ProgramId

ROOMY = Quota(100, 1 << 30)


def manifest(name: str = "hello", version: str = "0.1.0") -> str:
    return f'[package]\nname = "{name}"\nversion = "{version}"\n'


def content(component: bytes = b"one", name: str = "hello", version: str = "0.1.0") -> Content:
    return Content.of(ProgramId(name, version), manifest(name, version), component)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "shelf", ROOMY)


def component(shelf: Shelf, name: str = "hello", version: str = "0.1.0") -> bytes | None:
    record = shelf.find(name, version)
    stored = shelf.read(record) if record else None
    return stored.wasm if stored else None


def parts(folder: Path) -> list[Path]:
    return list(folder.rglob("*.part"))


def test_what_is_put_is_found(shelf: Shelf) -> None:
    shelf.put(content())
    assert component(shelf) == b"one"


def test_a_program_that_is_put_again_takes_the_place_of_the_first(shelf: Shelf) -> None:
    shelf.put(content())
    shelf.put(content(b"two"))
    assert component(shelf) == b"two"
    assert len(shelf.programs()) == 1


def test_what_is_removed_is_gone(shelf: Shelf) -> None:
    record = shelf.put(content())
    shelf.remove(record)
    shelf.remove(record)
    assert shelf.find("hello", "0.1.0") is None


def test_names_that_differ_in_capitals_only_are_two(shelf: Shelf) -> None:
    shelf.put(content(b"small", name="hello"))
    shelf.put(content(b"large", name="Hello"))
    assert (component(shelf, "hello"), component(shelf, "Hello")) == (b"small", b"large")


def test_the_index_is_made_from_the_heads_alone(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(content(bytes(1 << 20)))
    monkeypatch.setattr("pie.programs.shelf.read", None)
    assert Shelf(tmp_path / "shelf", ROOMY).find("hello", "0.1.0") is not None


def test_a_killed_engine_leaves_the_old_program_or_the_new_one(shelf: Shelf, tmp_path: Path) -> None:
    """A child replaces one program by another as fast as it can until it is killed in the middle."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom pie.programs.program_file import Content, write\n"
        "from pie_wire.manifest import ProgramId\n"
        'm = \'[package]\\nname = "hello"\\nversion = "0.1.0"\\n\'\n'
        "contents = [Content.of(ProgramId('hello', '0.1.0'), m, digit * (4 << 20)) for digit in (b'a', b'b')]\n"
        "print('ready', flush=True)\n"
        "while True:\n    for content in contents:\n        write(Path(sys.argv[1]), content)\n"
    )
    first = shelf.put(content(b"a" * (4 << 20)))
    for _ in range(3):
        child = subprocess.Popen([sys.executable, "-c", code, str(first.path)], stdout=subprocess.PIPE)
        assert child.stdout is not None and child.stdout.readline() == b"ready\n"
        while not parts(tmp_path):
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        found = component(Shelf(tmp_path / "shelf", ROOMY))
        assert found in (b"a" * (4 << 20), b"b" * (4 << 20))


def test_what_a_dead_engine_began_is_deleted_in_time(shelf: Shelf, tmp_path: Path) -> None:
    path = shelf.put(content()).path
    fresh, old = path.with_name("fresh.part"), path.with_name("old.part")
    for part in (fresh, old):
        part.write_bytes(b"half")
    os.utime(old, (0, old.stat().st_mtime - PROGRAM_PART_KEPT_S - 60))
    assert component(Shelf(tmp_path / "shelf", ROOMY)) == b"one"
    assert parts(tmp_path) == [fresh]


def test_a_full_disk_leaves_what_was_there(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put(content())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))  # writing beyond fails in the kernel, in the middle of the file
    try:
        with pytest.raises(ProgramError, match=r"cannot be kept in .*: File too large"):
            shelf.put(content(bytes(2 << 20)))
        with pytest.raises(ProgramError, match="cannot be kept"):
            shelf.put(content(bytes(2 << 20), version="0.2.0"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [record.head.version for record in shelf.programs()] == ["0.1.0"]
    assert component(shelf) == b"one"
    assert parts(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shelf = Shelf(tmp_path / "file" / "shelf", ROOMY)
    with pytest.raises(ProgramError, match="cannot be kept"):
        shelf.put(content())
    assert shelf.find("hello", None) is None


def test_a_file_under_another_name_is_not_used(shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = shelf.put(content()).path
    path.rename(path.with_name("other@0.1.0.program"))
    with caplog.at_level(logging.WARNING):
        assert Shelf(tmp_path / "shelf", ROOMY).find("other", "0.1.0") is None
    assert "it holds hello@0.1.0" in caplog.text


def test_a_damaged_file_is_told_of_once(shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = shelf.put(content()).path
    path.write_bytes(b"?")
    damaged = Shelf(tmp_path / "shelf", ROOMY)
    with caplog.at_level(logging.WARNING):
        assert damaged.find("hello", None) is None
        damaged.put(content(version="0.2.0"))
        damaged.find("hello", None)
    assert caplog.text.count("is damaged and not used") == 1


@given(st.data())
def test_no_flipped_bit_and_no_cut_goes_unnoticed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.program"
    good = content(b"component")
    write(path, good)
    whole = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    else:
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    path.write_bytes(whole)
    try:
        found = read(path)
    except (DamagedFileError, OSError):
        return
    assert (found.manifest, found.component) == (good.manifest, good.component)  # the bit was one of the head that is not hashed


@given(st.binary(max_size=200))
def test_any_bytes_are_a_program_or_damaged(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.program"
    path.write_bytes(b"pie program 1\n" + data)
    with pytest.raises(DamagedFileError):
        read(path)


def test_a_user_can_have_so_many_programs_and_no_more(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Quota(programs_max=2, bytes_max=1000))
    for version in ("0.1.0", "0.2.0", "0.2.0"):
        shelf.put(content(version=version))
    with pytest.raises(ProgramError, match="no user may have more"):
        shelf.put(content(version="0.3.0"))
    with pytest.raises(ProgramError, match="in all"):
        shelf.put(content(bytes(1000), version="0.1.0"))


def test_of_pulled_programs_the_oldest_go(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, Cached(programs_max=2, bytes_max=1 << 20))
    for number, version in enumerate(("0.3.0", "0.2.0", "0.1.0")):
        path = shelf.put(content(version=version)).path
        os.utime(path, ns=(number, number))
        shelf = Shelf(tmp_path, Cached(programs_max=2, bytes_max=1 << 20))
    assert [record.head.version for record in shelf.programs()] == ["0.1.0", "0.2.0"]


def test_another_engine_s_changes_are_seen(shelf: Shelf, tmp_path: Path) -> None:
    other = Shelf(tmp_path / "shelf", ROOMY)
    assert other.find("hello", None) is None
    record = shelf.put(content())
    assert component(other) == b"one"
    shelf.put(content(b"two"))
    assert component(other) == b"two"
    shelf.remove(record)
    assert other.find("hello", None) is None
