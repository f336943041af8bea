"""Responses are kept by user, and bounded."""

from hypothesis import given
from hypothesis import strategies as st

from pie.limits import OPENAI_RESPONSES_KEPT_BYTES_MAX, OPENAI_RESPONSES_KEPT_BYTES_TOTAL_MAX, OPENAI_RESPONSES_KEPT_MAX
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


def test_when_all_users_together_store_too_much_those_who_stored_longest_ago_make_room() -> None:
    store, large = ResponseStore(), stored(OPENAI_RESPONSES_KEPT_BYTES_MAX // 2)
    users = 2 * OPENAI_RESPONSES_KEPT_BYTES_TOTAL_MAX // OPENAI_RESPONSES_KEPT_BYTES_MAX
    for number in range(users + 1):
        store.put(f"user {number}", "r", large)
    assert store.get("user 0", "r") is None
    assert store.get(f"user {users}", "r") is not None


PUTS = st.tuples(st.sampled_from("ab"), st.integers(0, 5), st.integers(-1, OPENAI_RESPONSES_KEPT_BYTES_MAX))


@given(st.lists(PUTS))
def test_what_is_kept_is_counted_and_bounded_whatever_comes(steps: list[tuple[str, int, int]]) -> None:
    store = ResponseStore()
    for username, number, size in steps:
        if size < 0:
            store.delete(username, f"r{number}")
        else:
            store.put(username, f"r{number}", stored(size))
    kept = {username: [store.get(username, f"r{number}") for number in range(6)] for username in "ab"}
    sizes = {username: sum(each.size for each in responses if each) for username, responses in kept.items()}
    assert max(sizes.values()) <= OPENAI_RESPONSES_KEPT_BYTES_MAX
    assert store.size == sum(sizes.values())
