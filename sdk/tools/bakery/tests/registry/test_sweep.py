"""What dying in the middle leaves behind, and that it goes."""

from collections.abc import Callable
from typing import Any

from bakery.limits import UPLOAD_EXPIRES_S
from bakery.registry.sweep import sweep, sweep_uploads

Fields = Callable[..., dict[str, Any]]


def swept(bench: Any, orphan_age_s: float = 0.0) -> tuple[int, int]:
    done = sweep(bench.registry.store, bench.registry.artifacts, bench.time(), orphan_age_s)
    return done.uploads, done.artifacts


async def test_an_expired_upload_goes_with_its_file(bench: Any, fields: Fields) -> None:
    await bench.upload("alice", fields())
    assert sweep_uploads(bench.registry.store, bench.registry.artifacts, bench.time()) == 0
    bench.time.now_s += UPLOAD_EXPIRES_S
    assert sweep_uploads(bench.registry.store, bench.registry.artifacts, bench.time()) == 1
    assert list(bench.registry.artifacts.staged()) == []


async def test_what_is_published_stays(bench: Any, toast: bytes) -> None:
    await bench.publish()
    bench.time.now_s += 10 * UPLOAD_EXPIRES_S
    assert swept(bench, orphan_age_s=-1) == (0, 0)
    assert (await bench.get("inferlets/toast/1.0.0/download")).content == toast


async def test_a_component_without_a_version_goes_when_it_is_old(bench: Any, fields: Fields) -> None:
    """A server died between giving the file its name and committing."""
    await bench.upload("alice", fields())
    (name, _), *_ = bench.registry.artifacts.staged()
    bench.registry.artifacts.keep(name, fields()["checksum"])
    assert swept(bench, orphan_age_s=3600) == (0, 0)
    assert swept(bench, orphan_age_s=-1) == (0, 1)
    assert list(bench.registry.artifacts.kept()) == []


async def test_after_such_a_death_the_publisher_starts_again(bench: Any, fields: Fields) -> None:
    await bench.upload("alice", fields())
    (name, _), *_ = bench.registry.artifacts.staged()
    bench.registry.artifacts.keep(name, fields()["checksum"])
    assert (await bench.commit("alice", fields())).status_code == 409
    await bench.publish()


async def test_half_received_files_go_when_they_are_old(bench: Any, monkeypatch: Any) -> None:
    bench.registry.artifacts.begin("one").write(b"abc")
    swept(bench)
    assert len(list(bench.registry.artifacts.staged())) == 1
    monkeypatch.setattr("bakery.registry.sweep.UPLOAD_EXPIRES_S", -1)
    swept(bench)
    assert list(bench.registry.artifacts.staged()) == []
