"""Chunks: what is taken apart is put together again, and what does not fit is told in the known words."""

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from pie_wire.chunks import Assembly, count, hash_of, split
from pie_wire.errors import ChunkError
from pie_wire.limits import CHUNK_BYTES


def assembly(total: int = 3, size_max: int = 1 << 20) -> Assembly:
    return Assembly(total, size_max, too_large="too large")


@pytest.mark.parametrize(("size", "chunks"), [(0, 1), (1, 1), (CHUNK_BYTES, 1), (CHUNK_BYTES + 1, 2), (3 * CHUNK_BYTES, 3)])
def test_an_empty_string_is_one_chunk_and_others_as_many_as_they_fill(size: int, chunks: int) -> None:
    assert count(size) == chunks
    assert len(list(split(b"x" * size))) == chunks


@given(st.integers(0, 3), st.integers(-2, 2))
def test_what_is_split_comes_together_again(chunks: int, more: int) -> None:
    data = bytes(index % 251 for index in range(max(0, chunks * CHUNK_BYTES + more)))
    total = count(len(data))
    parts = assembly(total)
    wholes = [parts.add(index, total, chunk) for index, chunk in enumerate(split(data))]
    assert wholes == [None] * (total - 1) + [data]
    assert parts.hash == hash_of(data) == blake3(data).hexdigest()


def test_the_first_index_is_zero() -> None:
    with pytest.raises(ChunkError, match=r"^First chunk index must be 0$"):
        assembly().add(1, 3, b"")


def test_an_index_does_not_come_twice() -> None:
    parts = assembly()
    parts.add(0, 3, b"")
    with pytest.raises(ChunkError, match=r"^Out-of-order chunk: expected 1, got 0$"):
        parts.add(0, 3, b"")


def test_the_number_of_chunks_does_not_change() -> None:
    parts = assembly()
    with pytest.raises(ChunkError, match=r"^Chunk count mismatch: expected 3, got 2$"):
        parts.add(0, 2, b"")


def test_there_is_at_least_one_chunk() -> None:
    with pytest.raises(ChunkError, match="Chunk count mismatch"):
        assembly(0)


def test_one_byte_too_many_is_told_as_the_caller_says() -> None:
    parts = assembly(2, size_max=10)
    parts.add(0, 2, b"x" * 10)
    assert parts.size_bytes == 10
    with pytest.raises(ChunkError, match=r"^too large$"):
        parts.add(1, 2, b"x")
