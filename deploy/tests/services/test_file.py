from pathlib import Path

import pytest
from service_platform import ALICE, BOB, ServicePlatform

from pie_deploy.domain.operations import AddFile, RemoveFile
from pie_deploy.errors import (
    ForbiddenError,
    InvalidArgumentError,
    InvalidOperationError,
    LeaseOwnershipError,
    NotFoundError,
    StorageError,
)


def test_an_uploaded_file_is_found_by_name_and_id(platform: ServicePlatform) -> None:
    files = platform.services.files
    file = files.upload(ALICE, "names", "text", [b"an", b"na"])
    assert (file.name, file.file_type, file.size_bytes, file.owner) == ("names", "text", 4, "alice")
    for ref in ("names", file.id):
        assert files.show(BOB, ref) == file
        assert files.content(BOB, ref).read_bytes() == b"anna"
    assert files.path(file) == files.content(ALICE, file.id)


def test_a_name_means_the_newest_file(platform: ServicePlatform) -> None:
    files = platform.services.files
    files.upload(ALICE, "names", "text", [b"old"])
    platform.clock.advance(1)
    newest = files.upload(ALICE, "names", "text", [b"new"])
    assert files.show(ALICE, "names") == newest
    assert len(files.list(ALICE)) == 2


@pytest.mark.parametrize("name", ["", "a/b", "..", "a\nb", "x" * 256], ids=["empty", "slash", "up", "newline", "long"])
def test_a_name_that_a_table_cannot_show_is_refused(platform: ServicePlatform, name: str) -> None:
    for attempt in ((name, "text"), ("names", name)):
        with pytest.raises(InvalidArgumentError):
            platform.services.files.upload(ALICE, *attempt, [b"x"])


def test_an_upload_that_breaks_off_leaves_nothing(platform: ServicePlatform, tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        platform.services.files.upload(ALICE, "names", "text", tmp_path / "missing")
    assert platform.services.files.list(ALICE) == []
    assert [path for path in platform.home.blobs.rglob("*") if path.is_file()] == []


def test_a_link_is_the_leases_and_the_original_stays(platform: ServicePlatform) -> None:
    services = platform.services
    original = services.files.upload(ALICE, "names", "text", [b"a"])
    lease = services.leases.create(ALICE)
    linked = services.files.link(ALICE, original.id, lease.id)
    assert (linked.lease_id, linked.content_hash) == (lease.id, original.content_hash)
    services.leases.rollback(ALICE, lease.id)
    assert services.files.list(ALICE) == [original]
    assert services.files.content(ALICE, original.id).read_bytes() == b"a"


def test_a_file_of_somebody_elses_lease_is_neither_deleted_nor_taken_into_another(platform: ServicePlatform) -> None:
    files, leases = platform.services.files, platform.services.leases
    file = files.upload(ALICE, "names", "text", [b"a"], leases.create(ALICE).id)
    with pytest.raises(ForbiddenError):
        files.delete(BOB, file.id)
    with pytest.raises(LeaseOwnershipError):
        files.link(BOB, file.id, leases.create(BOB).id)
    files.delete(ALICE, file.id)


def test_a_deleted_file_takes_its_content_along_if_nobody_else_has_it(platform: ServicePlatform) -> None:
    files = platform.services.files
    first, second = files.upload(ALICE, "a", "text", [b"same"]), files.upload(ALICE, "b", "text", [b"same"])
    path = files.path(first)
    files.delete(ALICE, first.id)
    assert path.exists()
    files.delete(ALICE, second.id)
    assert not path.exists()
    with pytest.raises(NotFoundError):
        files.show(ALICE, "a")


def test_a_file_that_is_bound_is_not_deleted(platform: ServicePlatform) -> None:
    platform.publish()
    platform.backend()
    files, backends = platform.services.files, platform.services.backends
    files.upload(ALICE, "names", "text", [b"a"])
    backends.append(ALICE, "words", [AddFile(vertex="v", slot="names", file="names")])
    with pytest.raises(InvalidOperationError, match="words"):
        files.delete(ALICE, "names")
    backends.append(ALICE, "words", [RemoveFile(vertex="v", slot="names")])
    files.delete(ALICE, "names")


def test_the_sweep_at_the_start_removes_what_no_row_refers_to(platform: ServicePlatform) -> None:
    version = platform.publish()
    kept = platform.services.files.upload(ALICE, "names", "text", [b"a"])
    folder = platform.services.components.folder(version)
    (platform.home.blobs / ("0" * 64)).write_bytes(b"unused")
    (platform.home.components / ("1" * 64)).mkdir()
    (platform.home.components / f".{version.content_hash}.half").mkdir()
    assert platform.services.sweep() == 3
    assert platform.services.files.content(ALICE, kept.id).exists()
    assert platform.services.components.archive(ALICE, version.id).exists()
    assert list(platform.home.components.iterdir()) == [folder]
    assert platform.services.sweep() == 0
