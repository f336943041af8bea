"""Uploads follow the rules of Pie 0.4, with its texts, and are bounded."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pie.net.incoming import Chunk, Incoming, UserBytes
from pie.net.refused import RefusedError
from pie_wire.chunks import count, hash_of, split

MIB = 1 << 20


@pytest.fixture
def held() -> UserBytes:
    return UserBytes(2 * MIB)


@pytest.fixture
def incoming(held: UserBytes) -> Incoming:
    return Incoming("ada", held, count_max=2, size_mb_max=1)


def upload(incoming: Incoming, data: bytes, key: str = "k") -> bytes | None:
    whole = None
    for index, piece in enumerate(split(data)):
        whole = incoming.add(key, Chunk(index, count(len(data)), piece), hash_of(data))
    return whole


@pytest.mark.parametrize("size", [0, 1, 1 << 18, (1 << 18) + 1, MIB])
def test_the_whole_comes_with_its_last_chunk(incoming: Incoming, held: UserBytes, size: int) -> None:
    assert upload(incoming, b"x" * size) == b"x" * size
    assert (len(incoming), held.total) == (0, 0)


def test_the_first_chunk_must_be_the_first(incoming: Incoming) -> None:
    with pytest.raises(RefusedError, match="First chunk index must be 0"):
        incoming.add("k", Chunk(1, 3, b"x"), "")


def test_chunks_come_in_order_and_their_number_stays(incoming: Incoming) -> None:
    incoming.add("k", Chunk(0, 3, b"x"), "")
    with pytest.raises(RefusedError, match="Out-of-order chunk: expected 1, got 2"):
        incoming.add("k", Chunk(2, 3, b"x"), "")
    incoming.add("k", Chunk(0, 3, b"x"), "")
    with pytest.raises(RefusedError, match="Chunk count mismatch: expected 3, got 4"):
        incoming.add("k", Chunk(1, 4, b"x"), "")


def test_an_error_discards_the_upload_and_frees_its_memory(incoming: Incoming, held: UserBytes) -> None:
    incoming.add("k", Chunk(0, 3, b"x"), "")
    with pytest.raises(RefusedError):
        incoming.add("k", Chunk(2, 3, b"x"), "")
    assert (len(incoming), held.total) == (0, 0)
    with pytest.raises(RefusedError, match="First chunk index must be 0"):
        incoming.add("k", Chunk(1, 3, b"x"), "")


def test_too_much_is_refused_with_the_known_text(incoming: Incoming) -> None:
    with pytest.raises(RefusedError, match="upload exceeds max_upload_mb cap of 1 MiB"):
        upload(incoming, b"x" * (MIB + 1))


def test_bytes_other_than_the_hash_says_are_refused(incoming: Incoming, held: UserBytes) -> None:
    with pytest.raises(RefusedError, match="Hash mismatch"):
        incoming.add("k", Chunk(0, 1, b"x"), hash_of(b"y"))
    assert held.total == 0


def test_a_connection_has_so_many_uploads_at_once(incoming: Incoming) -> None:
    incoming.add("a", Chunk(0, 2, b"x"), "")
    incoming.add("b", Chunk(0, 2, b"x"), "")
    with pytest.raises(RefusedError, match="more than 2 uploads"):
        incoming.add("c", Chunk(0, 2, b"x"), "")


def test_all_connections_of_a_user_share_a_bound_that_is_not_anothers(held: UserBytes) -> None:
    half = b"x" * (MIB // 2)
    mine = [Incoming("ada", held, count_max=2, size_mb_max=1) for _ in range(5)]
    for one in mine[:4]:
        one.add("k", Chunk(0, 2, half), "")
    with pytest.raises(RefusedError, match="your unfinished uploads take more than 2 MiB"):
        mine[4].add("k", Chunk(0, 2, half), "")
    Incoming("bob", held, count_max=2, size_mb_max=1).add("k", Chunk(0, 2, half), "")


def test_a_connection_that_ends_gives_all_back(incoming: Incoming, held: UserBytes) -> None:
    incoming.add("a", Chunk(0, 2, b"xyz"), "")
    incoming.clear()
    assert (len(incoming), held.total) == (0, 0)


chunks = st.builds(Chunk, st.integers(0, 3), st.integers(0, 4), st.binary(max_size=400_000))


@given(st.lists(st.tuples(st.sampled_from("abc"), chunks), max_size=30))
def test_whatever_comes_the_account_is_what_is_held(all_chunks: list[tuple[str, Chunk]]) -> None:
    held = UserBytes(MIB)
    incoming = Incoming("ada", held, count_max=2, size_mb_max=1)
    for key, chunk in all_chunks:
        with suppress(RefusedError):
            incoming.add(key, chunk, hash_of(chunk.data))
        assert held.total == sum(assembly.size_bytes for assembly in incoming._assemblies.values())
        assert held.total <= MIB
    incoming.clear()
    assert held.total == 0
