import errno
import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from small_disk import small_disk

from pie_deploy.errors import InvalidArgumentError, StorageError
from pie_deploy.services.blobs import Blobs


def _keep(blobs: Blobs, data: bytes) -> Path:
    with blobs.staged([data], 1 << 20) as staged, blobs.lock:
        blobs.place(staged)
    return blobs.path(staged.content_hash)


def test_a_content_lies_under_its_hash_read_only(tmp_path: Path) -> None:
    path = _keep(Blobs(tmp_path), b"bread")
    assert path == tmp_path / blake3(b"bread").hexdigest()
    assert path.read_bytes() == b"bread"
    assert path.stat().st_mode & 0o777 == 0o444


def test_files_streams_and_chunks_are_the_same_content(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    (tmp_path / "bread").write_bytes(b"bread")
    for content in (tmp_path / "bread", io.BytesIO(b"bread"), iter([b"br", b"", b"ead"])):
        with blobs.staged(content, 100) as staged:
            assert (staged.content_hash, staged.size_bytes) == (blake3(b"bread").hexdigest(), 5)


def test_what_is_not_put_in_place_is_gone(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(RuntimeError), blobs.staged([b"bread"], 100) as staged:
        assert staged.path.exists()
        raise RuntimeError
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_content_may_be_put_in_place_again(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert _keep(blobs, b"bread") == _keep(blobs, b"bread")


def test_a_content_that_is_too_large_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(InvalidArgumentError, match="larger than 3 bytes"), blobs.staged(iter([b"br", b"ead"]), 3):
        pass
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"bread"
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageError, match="No space left"), Blobs(tmp_path).staged(chunks(), 100):
        pass
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_disk_that_is_full_is_told_and_can_be_used_again(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "64k") as disk:
        blobs = Blobs(disk)
        with pytest.raises(StorageError, match="No space left"), blobs.staged([bytes(1 << 20)], 1 << 20):
            pass
        assert _keep(blobs, b"bread").read_bytes() == b"bread"


def test_the_sweep_removes_halves_and_what_nobody_uses(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    kept, unused = _keep(blobs, b"kept"), _keep(blobs, b"unused")
    (tmp_path / ".staging" / "half").write_bytes(b"ha")
    assert blobs.sweep(lambda content: content == kept.name) == 2
    assert kept.exists()
    assert not unused.exists()
    assert not (tmp_path / ".staging" / "half").exists()


def test_there_may_be_nothing_to_sweep(tmp_path: Path) -> None:
    assert Blobs(tmp_path / "none").sweep(lambda _: False) == 0
