"""Long byte strings travel in chunks of 256 KiB; an empty one is a single empty chunk. Hashes are blake3, as 64 hex digits."""

from collections.abc import Iterator

from blake3 import blake3

from pie_wire.errors import ChunkError
from pie_wire.limits import CHUNK_BYTES


def hash_of(data: bytes) -> str:
    return blake3(data).hexdigest()


def count(size_bytes: int) -> int:
    """How many chunks so many bytes take."""
    return max(1, -(-size_bytes // CHUNK_BYTES))


def split(data: bytes) -> Iterator[bytes]:
    for index in range(count(len(data))):
        yield data[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]


class Assembly:
    """Puts the chunks of one byte string together: they come in order, and there is a maximum."""

    def __init__(self, total_chunks: int, size_bytes_max: int, *, too_large: str) -> None:
        """`too_large` is the error's text when more than `size_bytes_max` come. Raises `ChunkError`."""
        self._total_chunks = total_chunks
        self._size_bytes_max = size_bytes_max
        self._too_large = too_large
        self._next = 0
        self._data = bytearray()
        self._hasher = blake3()
        if total_chunks < 1:
            raise ChunkError(f"Chunk count mismatch: expected at least 1, got {total_chunks}")

    @property
    def size_bytes(self) -> int:
        """What has come so far."""
        return len(self._data)

    @property
    def hash(self) -> str:
        """Of what has come so far. It grows with the chunks: nobody waits while a large whole is hashed."""
        return self._hasher.hexdigest()

    def add(self, chunk_index: int, total_chunks: int, data: bytes) -> bytes | None:
        """The whole after its last chunk, else None. Raises `ChunkError`; the assembly is then of no further use."""
        if self._next == 0 and chunk_index != 0:
            raise ChunkError("First chunk index must be 0")
        if total_chunks != self._total_chunks:
            raise ChunkError(f"Chunk count mismatch: expected {self._total_chunks}, got {total_chunks}")
        if chunk_index != self._next:
            raise ChunkError(f"Out-of-order chunk: expected {self._next}, got {chunk_index}")
        if len(self._data) + len(data) > self._size_bytes_max:
            raise ChunkError(self._too_large)
        self._data += data
        self._hasher.update(data)
        self._next += 1
        return bytes(self._data) if self._next == self._total_chunks else None
