import gzip
import io
import os
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from service_platform import archive_of
from small_disk import small_disk

from pie_deploy.errors import InvalidArgumentError, StorageError
from pie_deploy.services import archive
from pie_deploy.services.archive import inspect, unpack

GOOD = {"component.yml": "name: x\n", "src/main.py": "print()", "README.md": "# X"}


def _packed(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """An archive with a good manifest, then these."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as made:
        for member, data in ((tarfile.TarInfo("component.yml"), b"name: x\n"), *members):
            member.size = len(data)
            made.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member, b""


def test_a_good_archive_tells_its_files_manifest_and_readme() -> None:
    contents = inspect(archive_of(GOOD))
    assert contents.files == frozenset(GOOD)
    assert (contents.manifest, contents.readme) == ("name: x\n", "# X")


def test_paths_that_start_with_a_dot_are_the_same_paths() -> None:
    packed = _packed(_member(".", tarfile.DIRTYPE), _member("./src", tarfile.DIRTYPE), _member("./src/main.py"))
    assert inspect(packed).files == {"component.yml", "src/main.py"}


def test_it_unpacks_as_it_was_and_read_only(tmp_path: Path) -> None:
    executable = tarfile.TarInfo("bin/run")
    executable.mode = 0o755
    unpack(_packed(*[(executable, b"#!/bin/sh\n"), _member("empty", tarfile.DIRTYPE)]), tmp_path)
    assert (tmp_path / "bin" / "run").read_bytes() == b"#!/bin/sh\n"
    assert (tmp_path / "empty").is_dir()
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ("bin/run", "component.yml", "bin", ".")}
    assert modes == {"bin/run": 0o555, "component.yml": 0o444, "bin": 0o555, ".": 0o555}


@pytest.mark.parametrize(
    "name",
    ["../evil", "a/../../evil", "/etc/evil", "a\\b", "a/\x00b", "a\nb", "x" * 256, "/".join(["d" * 200] * 6), "a/.."],
    ids=["up", "up inside", "absolute", "backslash", "null", "newline", "long name", "long path", "up to itself"],
)
def test_a_path_that_leads_elsewhere_is_refused(name: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", format=tarfile.PAX_FORMAT) as made:
        made.addfile(tarfile.TarInfo("component.yml"))
        member = tarfile.TarInfo("placeholder")
        member.pax_headers = {"path": name}
        made.addfile(member)
    with pytest.raises(InvalidArgumentError, match="path"):
        inspect(packed.getvalue())


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.CONTTYPE + b""],
    ids=["symbolic link", "hard link", "character device", "block device", "pipe", "contiguous"],
)
def test_what_is_neither_file_nor_folder_is_refused(kind: bytes, tmp_path: Path) -> None:
    packed = _packed(_member("src/thing", kind, "../../../etc/passwd"))
    if kind == tarfile.CONTTYPE:  # an old name for a regular file
        assert "src/thing" in inspect(packed).files
        return
    for use in (inspect, lambda data: unpack(data, tmp_path)):
        with pytest.raises(InvalidArgumentError, match="neither a file nor a folder"):
            use(packed)


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir()
    inside.mkdir()
    packed = _packed(_member("src", tarfile.SYMTYPE, str(outside)), _member("src/evil"))
    with pytest.raises(InvalidArgumentError):
        unpack(packed, inside)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    "names",
    [("a", "a"), ("a", "a/b"), ("a/b", "a"), ("./a", "a")],
    ids=["twice", "file then folder", "folder then file", "twice with a dot"],
)
def test_a_path_that_is_two_things_is_refused(names: tuple[str, str]) -> None:
    with pytest.raises(InvalidArgumentError, match=r"twice|a file and a folder"):
        inspect(_packed(*map(_member, names)))


def test_a_bomb_is_refused_before_it_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ARCHIVE_UNPACKED_BYTES_MAX", 1 << 20)
    monkeypatch.setattr(archive, "ARCHIVE_ENTRIES_MAX", 10)
    with pytest.raises(InvalidArgumentError, match="larger than 1048576 bytes"):
        inspect(archive_of({**GOOD, "zeros": bytes(4 << 20)}))


def test_a_full_disk_is_not_the_archives_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = archive_of({**GOOD, "zeros": bytes(4 << 20)})
    with small_disk(tmp_path / "disk", "1m") as disk:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        with pytest.raises(StorageError, match="No space left"):
            inspect(packed)


def test_a_size_that_is_only_claimed_is_refused() -> None:
    member = tarfile.TarInfo("huge")
    member.size = 1 << 40
    header = member.tobuf(tarfile.GNU_FORMAT)
    with pytest.raises(InvalidArgumentError):
        inspect(gzip.compress(tarfile.TarInfo("component.yml").tobuf() + header))


def test_a_header_of_any_size_is_not_taken_into_memory() -> None:
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as made:
        member = tarfile.TarInfo("component.yml")
        member.pax_headers = {"comment": "x" * (2 << 20)}
        made.addfile(member)
    with pytest.raises(InvalidArgumentError, match="header"):
        inspect(gzip.compress(plain.getvalue()))


def test_too_many_entries_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "ARCHIVE_ENTRIES_MAX", 3)
    with pytest.raises(InvalidArgumentError, match="more than 3 entries"):
        inspect(archive_of({**GOOD, "a": "", "b": ""}))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not an archive",
        gzip.compress(b"not a tar"),
        archive_of(GOOD)[:-20],
        archive_of(GOOD)[20:],
        os.urandom(0) + b"\x1f\x8b",
    ],
    ids=["empty", "text", "gzip of text", "cut off", "without its beginning", "two bytes"],
)
def test_what_is_no_archive_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidArgumentError):
        inspect(data)


def test_an_archive_without_a_manifest_at_its_root_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match=r"no component\.yml at its root"):
        inspect(archive_of({f"folder/{name}": text for name, text in GOOD.items()}))


def test_a_manifest_that_is_not_text_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="UTF-8"):
        inspect(archive_of({**GOOD, "component.yml": b"\xff\xfe"}))


def test_a_long_manifest_is_refused_and_a_long_readme_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "README_BYTES_MAX", 2)
    assert inspect(archive_of(GOOD)).readme == "# "
    monkeypatch.setattr(archive, "MANIFEST_BYTES_MAX", 2)
    with pytest.raises(InvalidArgumentError, match=r"component\.yml is larger"):
        inspect(archive_of(GOOD))


@given(cuts=st.lists(st.tuples(st.integers(0, 2**16), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4))
def test_a_broken_archive_is_refused_or_read_never_more(cuts: list[tuple[int, bytes]]) -> None:
    """Bytes of the tar itself are overwritten: headers, sizes, checksums, types."""
    plain = bytearray(gzip.decompress(archive_of(GOOD)))
    for number, data in cuts:
        place = number % (len(plain) - 4)
        plain[place : place + len(data)] = data
    try:
        contents = inspect(gzip.compress(bytes(plain), 1))
    except InvalidArgumentError:
        return
    assert all(not path.startswith("/") and ".." not in path.split("/") for path in contents.files)


@given(data=st.binary(max_size=300))
def test_any_bytes_are_refused_or_read(data: bytes) -> None:
    for packed in (data, gzip.compress(data, 1), archive_of(GOOD) + data):
        try:
            inspect(packed)
        except InvalidArgumentError:
            continue


def _extended(kind: bytes, fields: int) -> bytes:
    """An extended header: blocks of a tar archive."""
    body = b"".join(b"14 k%06d=v.\n" % number for number in range(fields))
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, len(body)
    return member.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % tarfile.BLOCKSIZE)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_long_chain_of_headers_is_refused(kind: bytes) -> None:
    with pytest.raises(InvalidArgumentError, match="headers"):
        inspect(gzip.compress(_extended(kind, 1) * 5000))


def test_global_headers_do_not_multiply() -> None:
    """They would, with the number of entries: 300 kB of archive were tens of gigabytes in memory."""
    entry = _extended(tarfile.XHDTYPE, 1) + tarfile.TarInfo("f").tobuf(tarfile.USTAR_FORMAT)
    with pytest.raises(InvalidArgumentError, match="headers"):
        inspect(gzip.compress(_extended(tarfile.XGLTYPE, 60_000) + entry * 9000))


def test_headers_have_a_bound_all_together() -> None:
    entries = b"".join(_extended(tarfile.XHDTYPE, 60) + tarfile.TarInfo(f"f{n}").tobuf(tarfile.USTAR_FORMAT) for n in range(9999))
    with pytest.raises(InvalidArgumentError, match="headers of more"):
        inspect(gzip.compress(entries))
