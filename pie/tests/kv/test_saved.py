import pytest

from kv_fakes.memory import Memory, should_read
from pie.errors import ContextNameTakenError, ContextNotFoundError, InvalidArgumentError
from pie.kv import saved as module
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


def test_one_users_contexts_are_bounded_and_leave_room_for_others(memory, saved, monkeypatch):
    monkeypatch.setattr(module, "SAVED_CONTEXTS_PER_USER_MAX", 2)
    lineage = saved.peek("ada", "notes")
    saved.save("ada", "second", lineage, 0.0)
    with pytest.raises(InvalidArgumentError, match="delete one first"):
        saved.save("ada", "third", lineage, 0.0)
    saved.save("bob", "first", lineage, 0.0)
    saved.delete("ada", "second")
    saved.save("ada", "third", lineage, 0.0)


def test_all_users_together_are_bounded(memory, saved, monkeypatch):
    monkeypatch.setattr(module, "SAVED_CONTEXTS_MAX", 1)
    with pytest.raises(InvalidArgumentError, match="all users"):
        saved.save("bob", "first", saved.peek("ada", "notes"), 0.0)


def test_a_name_is_bounded(memory, saved):
    with pytest.raises(InvalidArgumentError, match="characters"):
        saved.save("ada", "x" * 2000, saved.peek("ada", "notes"), 0.0)


def test_all_are_listed_by_user_and_name(memory, saved):
    saved.save("bob", "first", saved.peek("ada", "notes"), 0.0)
    assert [(username, name) for username, name, _ in saved] == [("ada", "notes"), ("bob", "first")]
