"""What a container leaves behind is hostile, and is saved once."""

import io
import os
import tarfile
from pathlib import Path

import pytest
from deep_folder import nest, remove
from platform_rows import START_NS, a_deployment

from pie_deploy.controller.generated import Origin, staged
from pie_deploy.domain.records import File
from pie_deploy.errors import StorageError
from pie_deploy.services.blobs import Blobs

ORIGIN = Origin(a_deployment(), "c-1", "report", "words", {"out": "text", "parts": "archive"})


@pytest.fixture
def blobs(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def _save(folder: Path, blobs: Path) -> list[File]:
    kept = Blobs(blobs)
    with staged(folder, ORIGIN, kept, START_NS) as made, kept.lock:
        for _, content in made:
            kept.place(content)
    return [file for file, _ in made]


def test_a_file_is_saved_with_where_it_comes_from(tmp_path: Path, blobs: Path) -> None:
    (tmp_path / "out").write_text("42")
    (file,) = _save(tmp_path, blobs)
    assert (file.name, file.file_type, file.size_bytes, file.generated_by) == ("words.report.out", "text", 2, "d-1/report/out")
    assert (blobs / file.content_hash).read_text() == "42"


def test_saving_again_gives_the_same_file(tmp_path: Path, blobs: Path) -> None:
    (tmp_path / "out").write_text("42")
    assert _save(tmp_path, blobs) == _save(tmp_path, blobs)


def test_a_file_that_is_deleted_meanwhile_does_not_take_the_same_content_with_it(tmp_path: Path, blobs: Path) -> None:
    (tmp_path / "out").write_text("42")
    kept, _ = Blobs(blobs), _save(tmp_path, blobs)
    with staged(tmp_path, ORIGIN, kept, START_NS) as [(file, content)]:
        with kept.lock:
            kept.remove(file.content_hash)
        with kept.lock:
            kept.place(content)
    assert kept.path(file.content_hash).read_text() == "42"


def test_what_is_too_large_is_refused_and_leaves_nothing(tmp_path: Path, blobs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pie_deploy.controller.generated.GENERATED_FILE_BYTES_MAX", 3)
    (tmp_path / "out").write_text("42")
    (tmp_path / "parts").mkdir()
    with pytest.raises(StorageError, match=r"vertex report: what it generated as parts cannot be saved: .* larger than 3 bytes"):
        _save(tmp_path, blobs)
    assert [path for path in blobs.rglob("*") if path.is_file()] == []


def test_a_folder_becomes_an_archive_of_its_files(tmp_path: Path, blobs: Path) -> None:
    folder = tmp_path / "parts" / "deep"
    folder.mkdir(parents=True)
    (folder / "a").write_bytes(b"x" * 1000)
    (tmp_path / "parts" / "b").write_bytes(b"")
    (file,) = _save(tmp_path, blobs)
    with tarfile.open(fileobj=io.BytesIO((blobs / file.content_hash).read_bytes())) as archive:
        contents = {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    assert contents == {"deep/a": b"x" * 1000, "b": b""}
    assert file.name.endswith(".tar")


def test_links_lead_nowhere(tmp_path: Path, blobs: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("no")
    folder = tmp_path / "generated"
    (folder / "parts").mkdir(parents=True)
    (folder / "out").symlink_to(secret)
    (folder / "parts" / "link").symlink_to(secret)
    os.mkfifo(folder / "parts" / "pipe")
    (file,) = _save(folder, blobs)
    with tarfile.open(fileobj=io.BytesIO((blobs / file.content_hash).read_bytes())) as archive:
        assert archive.getnames() == []


def test_what_is_no_slot_is_left(tmp_path: Path, blobs: Path) -> None:
    (tmp_path / "other").write_text("42")
    assert _save(tmp_path, blobs) == []


def test_a_disk_that_refuses_is_an_error_of_the_storage(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("42")
    (tmp_path / "blobs").write_text("not a folder")
    with pytest.raises(StorageError):
        _save(tmp_path, tmp_path / "blobs")


def test_folders_that_nest_too_deeply_are_refused(tmp_path: Path, blobs: Path) -> None:
    """And do not keep the deployment from going."""
    folder = tmp_path / "parts"
    folder.mkdir()
    nest(folder)
    with pytest.raises(StorageError, match="cannot be saved"):
        _save(tmp_path, blobs)
    remove(folder)
