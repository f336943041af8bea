"""What goes by itself, while others upload, publish and look."""

import os
from pathlib import Path

import pytest
from service_platform import ALICE, SECOND_NS, ServicePlatform

from pie_deploy.limits import EVENTS_KEPT_NS, PRUNE_AGE_MIN_NS, PRUNE_ENTRIES_MAX
from pie_deploy.services import pruning


def turn(platform: ServicePlatform) -> bool:
    return platform.services.pruning.turn(platform.clock.now_ns())


def aged(platform: ServicePlatform, path: Path, age_ns: int) -> Path:
    then_ns = platform.clock.now_ns() - age_ns
    os.utime(path, ns=(then_ns, then_ns))
    return path


def test_events_go_when_their_time_is_over(platform: ServicePlatform) -> None:
    platform.services.files.upload(ALICE, "old", "text", [b"a"])
    platform.clock.advance(EVENTS_KEPT_NS)
    turn(platform)
    assert platform.event_types() == ["file.uploaded"]
    platform.clock.advance(1)
    platform.services.files.upload(ALICE, "new", "text", [b"b"])
    assert turn(platform) is False
    assert platform.event_types() == ["file.uploaded"]


def test_a_deployment_has_its_newest_events(platform: ServicePlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "EVENTS_OF_DEPLOYMENT_MAX", 2)
    monkeypatch.setattr(pruning, "EVENTS_PRUNED_MAX", 2)
    deployment = platform.deployed()
    now_ns = platform.clock.now_ns()
    with platform.store.transaction() as transaction:
        for number in range(4):
            transaction.add_event("container.ready", now_ns + number, deployment_id=deployment.id)
    assert turn(platform) is True
    turn(platform)
    with platform.store.reading() as reading:
        assert [event.at_ns - now_ns for event in reading.events(deployment_id=deployment.id)] == [2, 3]


def test_contents_that_no_row_refers_to_go_and_others_stay(platform: ServicePlatform) -> None:
    kept = platform.services.files.upload(ALICE, "names", "text", [b"a"])
    version = platform.publish()
    (platform.home.blobs / ("0" * 64)).write_bytes(b"unused")
    turn(platform)
    assert {path.name for path in platform.home.blobs.iterdir() if path.is_file()} == {kept.content_hash, version.content_hash}


def test_a_content_that_is_uploaded_again_in_the_middle_of_a_turn_stays(
    platform: ServicePlatform, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = platform.services.files.upload(ALICE, "names", "text", [b"a"])
    path = platform.services.files.path(file)
    with platform.store.transaction() as transaction:  # as if its removal had failed
        transaction.delete_file(file.id)

    def upload_first(content_hash: str) -> bool:
        if not uploaded:
            uploaded.append(content_hash)
            platform.services.blobs.lock.release()
            platform.services.files.upload(ALICE, "names", "text", [b"a"])
            platform.services.blobs.lock.acquire()
        with platform.store.reading() as reading:
            return reading.is_content_used(content_hash)

    uploaded: list[str] = []
    monkeypatch.setattr(platform.services.pruning, "_is_used", upload_first)
    turn(platform)
    assert uploaded == [file.content_hash]
    assert path.read_bytes() == b"a"


def test_a_turn_takes_some_contents(platform: ServicePlatform) -> None:
    platform.home.blobs.mkdir(parents=True, exist_ok=True)
    for number in range(PRUNE_ENTRIES_MAX + 1):
        (platform.home.blobs / f"{number:064d}").touch()
    assert turn(platform) is True
    assert turn(platform) is False
    assert list(platform.home.blobs.iterdir()) == []


def test_what_is_being_uploaded_stays_and_what_nobody_writes_any_more_goes(platform: ServicePlatform) -> None:
    staging = platform.home.blobs / ".staging"
    staging.mkdir(parents=True)
    for name in ("young", "old"):
        (staging / name).touch()
    aged(platform, staging / "young", PRUNE_AGE_MIN_NS)
    aged(platform, staging / "old", PRUNE_AGE_MIN_NS + SECOND_NS)
    turn(platform)
    assert [path.name for path in staging.iterdir()] == ["young"]


def test_unpacked_components_go_with_their_versions(platform: ServicePlatform) -> None:
    version = platform.publish()
    folder = platform.services.components.folder(version)
    gone = platform.home.components / ("1" * 64)
    (gone / "src").mkdir(parents=True)
    (gone / "src").chmod(0o555)
    gone.chmod(0o555)
    half, old = (platform.home.components / f".{version.content_hash}.{name}" for name in ("half", "old"))
    half.mkdir()
    old.mkdir()
    aged(platform, half, 0)
    aged(platform, old, PRUNE_AGE_MIN_NS + SECOND_NS)
    turn(platform)
    assert sorted(platform.home.components.iterdir()) == sorted([folder, half])
