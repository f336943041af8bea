"""Files: chunks, and names that strangers chose."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie_client.files import ReceivedFile, file_chunks, program_chunks
from pie_wire.chunks import Assembly, hash_of
from pie_wire.limits import CHUNK_BYTES


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        (None, "file.bin"),
        ("", "file.bin"),
        ("a.txt", "a.txt"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\x.dll", "x.dll"),
        ("..", "file.bin"),
        ("/", "file.bin"),
        ("a\0b\n.txt", "ab.txt"),
        ("\u202etxt.exe", "txt.exe"),
    ],
)
def test_names_are_made_safe(name: str | None, safe: str) -> None:
    assert ReceivedFile(b"", name).file_name() == safe


@given(st.text())
def test_no_name_leaves_the_folder(name: str) -> None:
    safe = ReceivedFile(b"", name).file_name()
    assert Path(safe).name == safe
    assert len(safe.encode()) <= 255


def test_a_file_is_saved_beside_one_of_the_same_name(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    paths = [ReceivedFile(data, "a.txt").save(folder) for data in (b"one", b"two", b"three")]
    assert [(path.name, path.read_bytes()) for path in paths] == [("a.txt", b"one"), ("a-1.txt", b"two"), ("a-2.txt", b"three")]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "elsewhere")
    assert ReceivedFile(b"x", "a.txt").save(tmp_path).name == "a-1.txt"
    assert not (tmp_path / "elsewhere").exists()


def test_a_received_file_is_bytes() -> None:
    assert ReceivedFile(b"abc", "n")[1:] == b"bc"


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_what_was_cut_is_put_together_again(size: int) -> None:
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    chunks = list(file_chunks("p", data))
    assembly = Assembly(chunks[0].total_chunks, 1 << 30, too_large="")
    assert [assembly.add(chunk.chunk_index, chunk.total_chunks, chunk.chunk_data) for chunk in chunks][-1] == data
    assert {chunk.file_hash for chunk in chunks} == {hash_of(data)}


def test_all_chunks_of_a_program_carry_the_same_number() -> None:
    assert {chunk.corr_id for chunk in program_chunks(7, bytes(CHUNK_BYTES + 1), "", force=True)} == {7}
