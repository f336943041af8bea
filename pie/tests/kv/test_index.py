import pytest

from pie.kv.index import ContentIndex, Node


@pytest.fixture
def index() -> ContentIndex:
    return ContentIndex(8)


def chain(index: ContentIndex, *pages: int) -> list[Node]:
    nodes = [index.root("")]
    for page in pages:
        nodes.append(index.insert(nodes[-1], bytes([page]), page))
    return nodes[1:]


def rest(index: ContentIndex, *pages: int) -> None:
    for page in pages:
        index.rest(page)
    index.check()


def test_a_page_is_found_below_its_parent_by_its_tokens(index):
    first, second = chain(index, 3, 5)
    assert index.root("").children[b"\3"] is first and first.children[b"\5"] is second


def test_leaves_go_before_what_they_hang_on(index):
    chain(index, 0, 1, 2)
    rest(index, 2, 1, 0)
    assert [index.evict() for _ in range(4)] == [2, 1, 0, None]


def test_the_longest_unused_goes_first(index):
    for page in (0, 1, 2):
        chain(index, page)
    rest(index, 1, 0, 2)
    index.wake(1)
    index.rest(1)
    assert [index.evict() for _ in range(3)] == [0, 2, 1]


def test_what_is_in_use_stays(index):
    chain(index, 0)
    chain(index, 1)
    rest(index, 1)
    assert [index.evict(), index.evict()] == [1, None] and 0 in index


def test_an_evicted_page_is_forgotten(index):
    chain(index, 0)
    rest(index, 0)
    index.evict()
    assert 0 not in index and not index.root("").children and index.resting == 0


def test_resting_and_waking_over_and_over_does_not_pile_up(index):
    chain(index, 0)
    for _ in range(10_000):
        index.rest(0)
        index.wake(0)
    assert len(index._leaves) < 200


def test_clearing_forgets_everything(index):
    chain(index, 0, 1)
    rest(index, 1)
    index.clear()
    assert len(index) == 0 and index.resting == 0 and index.evict() is None
