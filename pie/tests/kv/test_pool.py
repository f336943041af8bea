import pytest

from pie.kv.pool import PagePool


@pytest.fixture
def pool():
    made = PagePool(4)
    yield made
    made.check()


def test_all_pages_can_be_taken_once(pool):
    assert sorted(pool.take() for _ in range(4)) == [0, 1, 2, 3]
    assert pool.available == 0


def test_a_page_is_free_when_the_last_reference_goes(pool):
    page = pool.take()
    pool.retain(page)
    pool.release(page)
    assert pool.free == 3
    pool.release(page)
    assert pool.free == 4


def test_with_a_batch_on_its_way_a_page_leaves_when_that_has_settled(pool):
    page = pool.take()
    pool.hand_out(1)
    pool.release(page)
    assert (pool.free, pool.leaving) == (3, 1)
    pool.settle(1)
    assert (pool.free, pool.leaving) == (4, 0)


def test_a_page_waits_for_the_last_batch_handed_out_before_it_was_released(pool):
    page = pool.take()
    pool.hand_out(1)
    pool.hand_out(2)
    pool.release(page)
    pool.settle(1)
    assert pool.leaving == 1
    pool.hand_out(3)
    pool.settle(2)
    assert pool.leaving == 0


def test_an_indexed_page_comes_to_rest_and_is_the_last_to_be_taken(pool):
    page = pool.take()
    pool.index.insert(pool.index.root(""), b"x", page)
    pool.release(page)
    assert (pool.free, pool.index.resting, pool.available) == (3, 1, 4)
    assert [pool.take() for _ in range(4)][-1] == page


def test_a_leaving_page_can_be_held_again(pool):
    page = pool.take()
    pool.index.insert(pool.index.root(""), b"x", page)
    pool.hand_out(1)
    pool.release(page)
    pool.retain(page)
    pool.settle(1)
    assert pool.references[page] == 1 and pool.leaving == 0 and pool.index.resting == 0


def test_released_twice_while_one_batch_is_on_its_way_a_page_leaves_once(pool):
    page = pool.take()
    pool.index.insert(pool.index.root(""), b"x", page)
    pool.hand_out(1)
    pool.release(page)
    pool.retain(page)
    pool.release(page)
    assert pool.leaving == 1
    pool.settle(1)
    assert pool.index.resting == 1 and pool.leaving == 0


def test_clearing_frees_everything(pool):
    page = pool.take()
    pool.hand_out(1)
    pool.release(page)
    pool.clear()
    assert pool.free == 4 and pool.leaving == 0
