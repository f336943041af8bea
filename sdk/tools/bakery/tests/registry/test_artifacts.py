import uuid
from pathlib import Path

import pytest

from bakery.errors import NotFoundError, StoreError
from bakery.registry.artifacts import Artifacts

CHECKSUM = "ab" * 32


@pytest.fixture(params=["folder", "memory"])
def artifacts(request: pytest.FixtureRequest, tmp_path: Path) -> Artifacts:
    return Artifacts(str(tmp_path / "some" / "folder") if request.param == "folder" else f"memory://{uuid.uuid4()}")


def put(artifacts: Artifacts, upload: str, content: bytes) -> None:
    part = artifacts.begin(upload)
    part.write(content)
    part.finish()


def test_an_upload_is_staged_when_it_is_finished(artifacts: Artifacts) -> None:
    part = artifacts.begin("one")
    part.write(b"abc")
    assert artifacts.staged_bytes("one") is None
    part.finish()
    assert artifacts.staged_bytes("one") == 3


def test_what_is_kept_is_found_by_its_content_and_staged_no_more(artifacts: Artifacts) -> None:
    put(artifacts, "one", b"abc")
    artifacts.keep("one", CHECKSUM)
    with artifacts.open(CHECKSUM) as file:
        assert file.read() == b"abc"
    assert artifacts.staged_bytes("one") is None
    assert list(artifacts.kept()) == [CHECKSUM]
    kept = artifacts.look_at(CHECKSUM)
    assert kept is not None
    assert (kept.size_bytes, kept.age_s < 600) == (3, True)


def test_the_same_content_may_be_kept_again(artifacts: Artifacts) -> None:
    for upload in ("one", "two"):
        put(artifacts, upload, b"abc")
        artifacts.keep(upload, CHECKSUM)
    assert len(list(artifacts.kept())) == 1


def test_an_abandoned_upload_leaves_nothing_and_what_was_staged_before(artifacts: Artifacts) -> None:
    put(artifacts, "one", b"abc")
    part = artifacts.begin("one")
    part.write(b"x")
    part.abandon()
    assert [name for name, _ in artifacts.staged()] == ["one"]
    assert artifacts.staged_bytes("one") == 3


def test_what_is_not_there_is_not_found(artifacts: Artifacts) -> None:
    with pytest.raises(NotFoundError):
        artifacts.open(CHECKSUM)


def test_removing_what_is_not_there_is_harmless(artifacts: Artifacts) -> None:
    artifacts.discard("one")
    artifacts.remove(CHECKSUM)
    assert artifacts.look_at(CHECKSUM) is None
    assert list(artifacts.staged()) == list(artifacts.kept()) == []


def test_a_place_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be used"):
        Artifacts(str(tmp_path / "file")).begin("one")


def test_a_protocol_that_nobody_knows_is_told() -> None:
    with pytest.raises(StoreError, match="nonsense"):
        Artifacts("nonsense://bucket")
