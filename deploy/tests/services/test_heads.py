import pytest
from msgspec.structs import replace
from service_platform import ALICE, ServicePlatform

from pie_deploy.domain.operations import AddVertex, Describe
from pie_deploy.errors import StorageError
from pie_deploy.services import heads as module
from pie_deploy.services.heads import Heads, log
from pie_deploy.services.ids import new_id
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.wakeup import Wakeup


@pytest.fixture
def ids(platform: ServicePlatform) -> list[str]:
    """Three backends of three vertices each."""
    backends = platform.services.backends
    ids = [backends.create(ALICE, name).id for name in ("red", "green", "blue")]
    for id_ in ids:
        backends.append(ALICE, id_, [AddVertex(vertex=vertex, transformation="tee") for vertex in "abc"])
    return ids


def _heads(platform: ServicePlatform, vertices_max: int) -> Heads:
    return Heads(Ledger(platform.store, platform.clock, Wakeup(), new_id), vertices_max)


def test_a_head_is_kept_until_the_log_goes_on(platform: ServicePlatform, ids: list[str]) -> None:
    heads = _heads(platform, 10_000)
    with platform.store.reading() as reading:
        backend = reading.find_backend(ids[0])
        assert backend is not None
        head = heads.at(reading, backend)
        assert heads.at(reading, backend) is head
    platform.services.backends.append(ALICE, ids[0], [Describe(description="elsewhere")])
    assert heads.graph(ids[0])[1].description == "elsewhere"


def test_what_does_not_fit_is_replayed_again(platform: ServicePlatform, ids: list[str]) -> None:
    heads = _heads(platform, 1)
    for id_ in (*ids, *ids):
        backend, graph = heads.graph(id_)
        assert (backend.id, set(graph.vertices)) == (id_, set("abc"))
    assert len(heads._kept) == 1


def test_a_log_is_read_in_parts(platform: ServicePlatform, ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOG_CHUNK_OPERATIONS", 2)
    with platform.store.reading() as reading:
        assert [record.seq for record in log(reading, ids[0])] == [1, 2, 3]
        assert [record.seq for record in log(reading, ids[0], after=2)] == [3]


def test_a_log_that_does_not_give_what_it_says_is_told(platform: ServicePlatform, ids: list[str]) -> None:
    with platform.store.transaction() as transaction:
        first, second, third = transaction.operations(ids[0])
        changed = replace(second, operation=AddVertex(vertex="other", transformation="tee"))
        transaction.replace_log(ids[0], [first, changed, third])
    with pytest.raises(StorageError):
        _heads(platform, 10_000).graph(ids[0])
