from pathlib import Path

import pytest
from service_platform import ALICE, BOB, SHOUT, ServicePlatform, archive_of, component_archive

from pie_deploy.errors import (
    ForbiddenError,
    InvalidArgumentError,
    LeaseClosedError,
    LeaseOwnershipError,
    ManifestError,
    NotFoundError,
)


def test_a_published_version_is_a_prerelease_with_everything_in_it(platform: ServicePlatform) -> None:
    version = platform.publish()
    assert (version.name, version.version, version.state, version.owner) == ("shout", "1", "prerelease", "alice")
    assert version.readme == "# shout\n"
    assert version.manifest.http["text"].into == 0
    assert platform.services.components.archive(ALICE, "shout@1").read_bytes() == SHOUT
    assert platform.event_types() == ["component.published"]


def test_the_same_content_again_is_a_new_version(platform: ServicePlatform) -> None:
    first, second = platform.publish(), platform.publish()
    assert first.id != second.id
    assert (first.version, second.version) == ("1", "2")
    assert first.content_hash == second.content_hash


def test_a_prerelease_is_its_owners_alone(platform: ServicePlatform) -> None:
    version = platform.publish()
    components = platform.services.components
    for ref in (version.id, "shout@1", "shout"):
        assert components.show(ALICE, ref) == version
        with pytest.raises(NotFoundError):
            components.show(BOB, ref)
    assert components.list(BOB) == []
    assert components.list(ALICE) == [version]


def test_promotion_shows_it_to_everybody_and_keeps_the_id(platform: ServicePlatform) -> None:
    version = platform.publish()
    released = platform.services.components.promote(ALICE, "shout")
    assert (released.id, released.state) == (version.id, "released")
    assert platform.services.components.show(BOB, "shout") == released


def test_a_name_promotes_the_newest_prerelease(platform: ServicePlatform) -> None:
    platform.publish()
    newest = platform.publish()
    assert platform.services.components.promote(ALICE, "shout").id == newest.id


def test_a_name_whose_newest_version_is_released_promotes_no_older_one(platform: ServicePlatform) -> None:
    older = platform.publish()
    newest = platform.released()
    assert platform.services.components.promote(ALICE, "shout") == newest
    assert platform.services.components.show(ALICE, older.id).state == "prerelease"


def test_promoting_again_changes_nothing(platform: ServicePlatform) -> None:
    released = platform.released()
    platform.clock.advance(1)
    assert platform.services.components.promote(ALICE, released.id) == released
    assert platform.event_types() == ["component.published", "component.released"]


def test_a_name_means_the_newest_release_even_behind_a_prerelease(platform: ServicePlatform) -> None:
    released = platform.released()
    platform.publish()
    assert platform.services.components.show(ALICE, "shout") == released


def test_a_released_name_belongs_to_who_released_it(platform: ServicePlatform) -> None:
    platform.publish(actor=BOB)
    platform.released()
    for attempt in (lambda: platform.publish(actor=BOB), lambda: platform.services.components.promote(BOB, "shout@1")):
        with pytest.raises(ForbiddenError, match="belongs to alice"):
            attempt()


def test_what_a_lease_owns_is_not_released(platform: ServicePlatform) -> None:
    lease = platform.services.leases.create(ALICE)
    platform.publish(lease=lease.id)
    with pytest.raises(LeaseOwnershipError):
        platform.services.components.promote(ALICE, "shout")


def test_nothing_is_published_in_a_lease_that_is_closed_or_somebody_elses(platform: ServicePlatform) -> None:
    lease = platform.services.leases.create(ALICE)
    with pytest.raises(ForbiddenError):
        platform.publish(actor=BOB, lease=lease.id)
    platform.services.leases.rollback(ALICE, lease.id)
    with pytest.raises(LeaseClosedError):
        platform.publish(lease=lease.id)
    with pytest.raises(NotFoundError):
        platform.publish(lease="l-none")
    assert platform.services.components.list(ALICE) == []
    assert [path for path in platform.home.blobs.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("archive", "error"),
    [
        (b"nonsense", InvalidArgumentError),
        (archive_of({"component.yml": "name: [", "src/main.py": ""}), ManifestError),
        (archive_of({"component.yml": "name: Shout", "src/main.py": ""}), ManifestError),
        (archive_of({"component.yml": "name: shout\nworker: {entry: run.py}", "src/main.py": ""}), ManifestError),
        (component_archive(input_types=["Strng"]), ManifestError),
        (
            archive_of({"component.yml": "name: agent\nlanguage: inferlet\nworker: {inferlet: {program: a.wasm}}"}),
            ManifestError,
        ),
    ],
    ids=["no archive", "no YAML", "bad name", "no entry", "unknown type", "no wasm"],
)
def test_a_component_that_cannot_be_used_is_refused_and_leaves_nothing(
    platform: ServicePlatform, archive: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        platform.publish(archive)
    assert platform.services.components.list(ALICE) == []
    assert platform.event_types() == []
    assert not platform.home.blobs.exists()


def test_the_folder_of_a_version_is_unpacked_once_and_read_only(platform: ServicePlatform) -> None:
    version = platform.publish()
    folder = platform.services.components.folder(version)
    assert folder == platform.home.components / version.content_hash
    assert (folder / "src" / "main.py").read_text() == "print()"
    assert {path.stat().st_mode & 0o222 for path in (folder, *folder.rglob("*"))} == {0}
    inode = folder.stat().st_ino
    assert platform.services.components.folder(version).stat().st_ino == inode
    assert list(platform.home.components.iterdir()) == [folder]


def test_what_a_crash_left_half_unpacked_is_no_trouble(platform: ServicePlatform) -> None:
    version = platform.publish()
    half: Path = platform.home.components / f".{version.content_hash}.0123"
    half.mkdir(parents=True)
    assert (platform.services.components.folder(version) / "component.yml").exists()
