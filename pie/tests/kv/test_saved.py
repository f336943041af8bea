import pytest

from kv_fakes.memory import Memory, should_read
from pie.errors import ContextNameTakenError, ContextNotFoundError
from pie.kv.cache import KvCache
from pie.kv.saved import SavedLineages


@pytest.fixture
def memory() -> Memory:
    return Memory(KvCache(pages_total=16, page_size=4, context_max=64))


@pytest.fixture
def saved(memory) -> SavedLineages:
    lineage = memory.kv.create()
    memory.append(lineage, list(range(6)))
    kept = SavedLineages(memory.kv)
    kept.save("ada", "notes", lineage, 0.0)
    memory.append(lineage, [90])
    return kept


def test_what_is_saved_is_what_there_was(memory, saved):
    assert memory.read(saved.open("ada", "notes", 0.0)) == should_read(list(range(6)))


def test_opening_leaves_the_saved_one_untouched(memory, saved):
    memory.append(saved.open("ada", "notes", 0.0), [70, 71])
    assert memory.read(saved.peek("ada", "notes")) == should_read(list(range(6)))


def test_a_name_belongs_to_its_user(memory, saved):
    with pytest.raises(ContextNotFoundError):
        saved.open("bob", "notes", 0.0)


def test_a_taken_name_is_refused(memory, saved):
    with pytest.raises(ContextNameTakenError):
        saved.save("ada", "notes", saved.peek("ada", "notes"), 0.0)


def test_taking_gives_the_lineage_and_frees_the_name(memory, saved):
    lineage = saved.peek("ada", "notes")
    assert saved.take("ada", "notes") is lineage and len(saved) == 0


def test_deleting_gives_the_pages_back(memory, saved):
    saved.delete("ada", "notes")
    memory.kv.check()
    with pytest.raises(ContextNotFoundError):
        saved.delete("ada", "notes")
