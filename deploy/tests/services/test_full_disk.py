from pathlib import Path

import pytest
from service_platform import ALICE, ServicePlatform, service_platform
from small_disk import small_disk

from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import AddVertex, SetNote
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import StorageError
from pie_deploy.services.heads import log


def _fill(platform: ServicePlatform) -> int:
    """Append until there is no room any more; the last seq that was accepted."""
    accepted = 1
    with pytest.raises(StorageError):
        for number in range(10_000):
            answer = platform.services.backends.append(ALICE, "words", [SetNote(vertex="v", note=f"{number:04000}")])
            accepted = answer.records[-1].seq
    return accepted


def _check(platform: ServicePlatform, head: int) -> None:
    backend = platform.services.backends.show(ALICE, "words").backend
    assert backend.head == head
    with platform.store.reading() as reading:
        assert (
            Head.replay(log(reading, backend.id), shapes_from(lambda _: pytest.fail("no component"))).hash() == backend.graph_hash
        )


def test_on_a_full_disk_what_was_accepted_stays_and_the_rest_is_refused(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1500k") as disk:
        platform = service_platform(disk)
        ballast = disk / "ballast"
        ballast.write_bytes(bytes(200 << 10))
        platform.services.backends.create(ALICE, "words")
        platform.services.backends.append(ALICE, "words", [AddVertex(vertex="v", transformation="tee")])
        accepted = _fill(platform)
        _check(platform, accepted)
        with pytest.raises(StorageError):
            platform.services.files.upload(ALICE, "names", "text", [bytes(1 << 20)])
        ballast.unlink()
        answer = platform.services.backends.append(ALICE, "words", [SetNote(vertex="v", note="room again")])
        assert answer.records[0].seq == accepted + 1
        platform.close()
        again = service_platform(disk)
        _check(again, accepted + 1)
        again.close()
