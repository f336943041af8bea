from array import array

import pytest

from kv_fakes.memory import Memory, should_read
from pie.kv.cache import KvCache
from pie.kv.lineage import Lineage

PAGE = 4


@pytest.fixture
def kv() -> KvCache:
    return KvCache(pages_total=16, page_size=PAGE, context_max=64)


@pytest.fixture
def memory(kv):
    yield Memory(kv)
    kv.check()


def lineage_with(memory: Memory, tokens: list[int]) -> Lineage:
    lineage = memory.kv.create()
    memory.append(lineage, tokens)
    return lineage


def test_what_is_appended_can_be_read(memory):
    lineage = lineage_with(memory, [1, 2, 3])
    memory.append(lineage, [4, 5, 6])
    assert memory.read(lineage) == should_read([1, 2, 3, 4, 5, 6])


def test_a_known_prefix_is_not_computed_again(memory):
    lineage_with(memory, list(range(9)))
    second = memory.kv.create()
    assert memory.begin(second, [*range(8), 50, 51]) == 2
    memory.finish(second)
    assert memory.read(second) == should_read([*range(8), 50, 51])


def test_the_pages_of_a_known_prefix_are_shared(memory):
    lineage_with(memory, list(range(9)))
    lineage_with(memory, list(range(9)))
    statistics = memory.kv.statistics()
    assert (statistics.shared, statistics.owned, statistics.adopted_tokens) == (2, 2, 8)


def test_what_one_realm_has_computed_another_does_not_find(memory):
    first = memory.kv.create("ada")
    memory.append(first, list(range(9)))
    second = memory.kv.create("bob")
    assert memory.begin(second, list(range(9))) == 9
    memory.finish(second)
    again = memory.kv.fork(memory.kv.create("ada"), 0.0)
    assert memory.begin(again, list(range(9))) == 1
    memory.kv.check()


def test_realms_without_lineages_and_pages_are_forgotten(memory):
    kv = memory.kv
    for number in range(20):
        kv.release(kv.create(f"visitor {number}"))
    assert not kv.pool.index._roots


def test_a_recalled_lineage_is_computed_when_it_is_used(memory):
    lineage = memory.kv.recall("ada", array("i", range(6)))
    assert memory.begin(lineage, [90]) == 7
    memory.finish(lineage)
    assert memory.read(lineage) == should_read([*range(6), 90])


def test_at_least_one_token_is_left_to_compute(memory):
    lineage_with(memory, list(range(8)))
    assert memory.begin(memory.kv.create(), list(range(8))) == 4


def test_a_partial_page_is_given_up_for_a_known_full_one(memory):
    lineage_with(memory, list(range(12)))
    second = lineage_with(memory, [0, 1])
    assert memory.begin(second, list(range(2, 10))) == 2


def test_a_page_computed_twice_at_the_same_time_is_kept_once(memory):
    kv = memory.kv
    one, other = kv.create(), kv.create()
    for lineage in (one, other):
        memory.begin(lineage, list(range(8)))
    for lineage in (one, other):
        memory.finish(lineage)
    assert one.pages[0] == other.pages[0]
    assert kv.statistics().indexed == 2


def test_a_prefix_outlives_its_lineage(memory):
    first = lineage_with(memory, list(range(9)))
    memory.kv.release(first)
    assert memory.kv.statistics().resting == 2
    assert memory.begin(memory.kv.create(), list(range(9))) == 1


def test_resting_pages_are_given_away_when_needed(memory):
    first = lineage_with(memory, list(range(32)))
    memory.kv.release(first)
    second = lineage_with(memory, [100 + token for token in range(60)])
    assert memory.read(second) == should_read([100 + token for token in range(60)])


def test_a_fork_shares_all_pages(memory):
    parent = lineage_with(memory, list(range(6)))
    child = memory.kv.fork(parent, 0.0)
    assert child.pages == parent.pages
    assert memory.read(child) == should_read(list(range(6)))


def test_whoever_writes_first_after_a_fork_gets_a_copy_of_the_partial_page(memory):
    parent = lineage_with(memory, list(range(6)))
    child = memory.kv.fork(parent, 0.0)
    memory.append(parent, [20, 21])
    memory.append(child, [30])
    assert memory.read(parent) == should_read([*range(6), 20, 21])
    assert memory.read(child) == should_read([*range(6), 30])


def test_the_last_user_of_a_page_writes_in_place(memory):
    parent = lineage_with(memory, list(range(6)))
    child = memory.kv.fork(parent, 0.0)
    memory.kv.release(parent)
    assert not memory.kv.copies_on_write(child, child.computed)


def test_truncating_into_a_full_page_copies_it_on_the_next_write(memory):
    lineage = lineage_with(memory, list(range(9)))
    other = memory.kv.fork(lineage, 0.0)
    memory.kv.truncate(lineage, 6)
    memory.append(lineage, [40, 41, 42])
    assert memory.read(lineage) == should_read([*range(6), 40, 41, 42])
    assert memory.read(other) == should_read(list(range(9)))


def test_truncating_to_nothing_gives_all_pages_back(memory):
    lineage = lineage_with(memory, list(range(9)))
    memory.kv.truncate(lineage, 0)
    assert memory.kv.available == 16 and not memory.kv.idle


def test_an_evicted_lineage_keeps_its_tokens_and_finds_its_full_pages_again(memory):
    lineage = lineage_with(memory, list(range(10)))
    memory.kv.evict(lineage)
    assert memory.kv.available == 16 and lineage.tokens.tolist() == list(range(10))
    assert memory.begin(lineage, [10]) == 3


def test_a_failed_batch_leaves_the_lineage_as_it_was(memory):
    lineage = lineage_with(memory, list(range(6)))
    memory.begin(lineage, list(range(6, 20)))
    memory.fail(lineage)
    assert lineage.length == 6 and memory.read(lineage) == should_read(list(range(6)))


def test_a_failed_copy_is_undone(memory):
    parent = lineage_with(memory, list(range(6)))
    child = memory.kv.fork(parent, 0.0)
    memory.begin(child, [30])
    memory.fail(child)
    assert child.pages == parent.pages
    memory.append(child, [31])
    assert memory.read(child) == should_read([*range(6), 31])


def test_a_copy_of_a_copy_that_failed_is_undone_too(memory):
    kv = memory.kv
    parent = lineage_with(memory, list(range(6)))
    child = kv.fork(parent, 0.0)
    memory.begin(child, [30])
    kv.trim(child)  # its work is cancelled while the batch is on its way
    kv.vacate(child, 0.0)
    grandchild = kv.fork(child, 0.0)
    memory.begin(grandchild, [40])
    assert {id(lineage) for lineage in kv.void(memory.batch - 1)} == {id(child), id(grandchild)}
    assert child.pages == parent.pages == grandchild.pages
    kv.settle(memory.batch)


def test_pages_given_up_are_not_used_before_the_batches_on_their_way_have_settled(memory):
    kv = memory.kv
    lineage = kv.create()
    memory.begin(lineage, list(range(6)))
    kv.release(lineage)
    assert kv.leaving == 2 and kv.available == 14
    kv.settle(memory.batch)
    assert kv.leaving == 0 and kv.available == 16


def test_a_lineage_with_custom_tokens_is_indexed_only_before_them(memory):
    lineage = lineage_with(memory, list(range(5)))
    lineage.custom_from = 5
    memory.append(lineage, list(range(5, 13)))
    assert lineage.indexed == 1 and not lineage.recomputable


def test_truncating_away_custom_tokens_makes_a_lineage_ordinary(memory):
    lineage = lineage_with(memory, list(range(5)))
    lineage.custom_from = 5
    memory.append(lineage, list(range(5, 13)))
    memory.kv.truncate(lineage, 5)
    assert lineage.recomputable


def test_losing_the_driver_empties_everything_but_the_tokens(memory):
    lineage = lineage_with(memory, list(range(10)))
    memory.kv.lose()
    assert memory.kv.available == 16 and memory.kv.statistics().indexed == 0
    assert lineage.length == 10 and lineage.computed == 0 and not lineage.lost
    memory.append(lineage, [10])
    assert memory.read(lineage) == should_read(list(range(11)))


def test_losing_the_driver_marks_what_cannot_be_computed_again(memory):
    lineage = lineage_with(memory, list(range(5)))
    lineage.custom_from = 5
    memory.append(lineage, [5])
    memory.kv.lose()
    assert lineage.lost
    memory.kv.truncate(lineage, 5)
    assert not lineage.lost


def test_a_lineage_in_use_is_not_evictable(memory):
    lineage = lineage_with(memory, [1, 2])
    assert lineage in memory.kv.idle
    memory.kv.occupy(lineage, 0.0)
    assert lineage not in memory.kv.idle
    memory.kv.vacate(lineage, 3.0)
    assert lineage in memory.kv.idle and lineage.used_at == 3.0


def test_a_page_that_a_cancelled_work_still_writes_to_is_copied_first(memory):
    kv = memory.kv
    parent = lineage_with(memory, list(range(6)))
    memory.begin(parent, [6])
    kv.trim(parent)  # its work is cancelled while the batch is on its way
    kv.vacate(parent, 0.0)
    child = kv.fork(parent, 0.0)
    kv.truncate(parent, 0)
    assert kv.copies_on_write(child, 6)
    kv.settle(memory.batch)
    assert not kv.copies_on_write(child, 6)
