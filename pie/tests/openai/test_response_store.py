"""Responses are kept by user, and bounded."""

from hypothesis import given
from hypothesis import strategies as st

from pie.limits import OPENAI_RESPONSE_USERS_MAX, OPENAI_RESPONSES_KEPT_BYTES_MAX, OPENAI_RESPONSES_KEPT_MAX
from pie.openai.response_store import ResponseStore, StoredResponse


def stored(size: int = 1) -> StoredResponse:
    return StoredResponse(b"{}", (), size)


def test_users_see_their_own_only() -> None:
    store = ResponseStore()
    store.put("ada", "r1", stored())
    assert store.get("ada", "r1") == stored()
    assert store.get("bob", "r1") is None
    assert not store.delete("bob", "r1")


def test_what_is_deleted_is_gone() -> None:
    store = ResponseStore()
    store.put("ada", "r1", stored())
    assert store.delete("ada", "r1")
    assert not store.delete("ada", "r1")
    assert store.get("ada", "r1") is None


def test_the_oldest_makes_room() -> None:
    store = ResponseStore()
    for number in range(OPENAI_RESPONSES_KEPT_MAX + 1):
        store.put("ada", f"r{number}", stored())
    assert store.get("ada", "r0") is None
    assert store.get("ada", "r1") is not None


def test_what_is_larger_than_all_the_room_is_not_kept() -> None:
    store = ResponseStore()
    store.put("ada", "r", stored(OPENAI_RESPONSES_KEPT_BYTES_MAX + 1))
    assert store.get("ada", "r") is None


def test_of_too_many_users_the_one_who_stored_longest_ago_goes() -> None:
    store = ResponseStore()
    for number in range(OPENAI_RESPONSE_USERS_MAX + 1):
        store.put(f"user {number}", "r", stored())
    assert store.get("user 0", "r") is None
    assert store.get("user 1", "r") is not None


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, OPENAI_RESPONSES_KEPT_BYTES_MAX))))
def test_the_bytes_kept_are_bounded_whatever_comes(puts: list[tuple[int, int]]) -> None:
    store = ResponseStore()
    for number, size in puts:
        store.put("ada", f"r{number}", stored(size))
    kept = [store.get("ada", f"r{number}") for number in range(6)]
    assert sum(each.size for each in kept if each) <= OPENAI_RESPONSES_KEPT_BYTES_MAX
