"""Byte strings on their way in, in chunks: uploaded programs, files for processes. Bounded per connection and per user. No I/O."""

from collections import Counter
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pie.net.refused import RefusedError
from pie_wire.chunks import Assembly
from pie_wire.errors import ChunkError

HASH_CHARACTERS = 64


class UserBytes:
    """Bytes that wait for their last chunk, by user, over all connections."""

    def __init__(self, bytes_max: int) -> None:
        """`bytes_max`: of one user."""
        self.bytes_max = bytes_max
        self._held: Counter[str] = Counter()

    @property
    def total(self) -> int:
        return self._held.total()

    def take(self, username: str, size: int) -> bool:
        """Whether there was room for so many more."""
        if self._held[username] + size > self.bytes_max:
            return False
        self._held[username] += size
        return True

    @contextmanager
    def holding(self, username: str, size: int) -> Iterator[None]:
        """Bytes that have arrived and are still worked on count as well. To be begun before anybody else can take the room."""
        self._held[username] += size
        try:
            yield
        finally:
            self.give_back(username, size)

    def give_back(self, username: str, size: int) -> None:
        self._held[username] -= size
        if not self._held[username]:
            del self._held[username]


@dataclass(frozen=True, slots=True)
class Chunk:
    index: int
    total: int
    data: bytes


class Incoming:
    """The byte strings that one connection has begun to send, by a key of the caller's choice."""

    def __init__(self, username: str, held: UserBytes, *, count_max: int, size_mb_max: int) -> None:
        self._username = username
        self._held = held
        self._count_max = count_max
        self._size_mb_max = size_mb_max
        self._assemblies: dict[Hashable, Assembly] = {}

    def __len__(self) -> int:
        return len(self._assemblies)

    def add(self, key: Hashable, chunk: Chunk, expected_hash: str) -> bytes | None:
        """The whole after its last chunk, else None. Raises `RefusedError`, also if it is not what the hash says; what came of it
        before is then forgotten."""
        try:
            assembly = self._assemblies.get(key) or self._begin(key, chunk)
            self._take_room(chunk)
            whole = self._grow(key, assembly, chunk)
            if whole is not None and assembly.hash != expected_hash.lower():
                raise RefusedError(_mismatch(len(whole), assembly.hash, expected_hash))
            return whole
        except ChunkError as error:
            self._end(key)
            raise RefusedError(str(error)) from error
        except RefusedError:
            self._end(key)
            raise

    def clear(self) -> None:
        """Forget all that has begun."""
        for key in list(self._assemblies):
            self._end(key)

    def _begin(self, key: Hashable, chunk: Chunk) -> Assembly:
        too_large = f"upload exceeds max_upload_mb cap of {self._size_mb_max} MiB"
        assembly = Assembly(chunk.total, self._size_mb_max << 20, too_large=too_large)
        if chunk.index == 0 and len(self._assemblies) >= self._count_max:
            raise RefusedError(f"more than {self._count_max} uploads at the same time; finish some first")
        self._assemblies[key] = assembly
        return assembly

    def _take_room(self, chunk: Chunk) -> None:
        if not self._held.take(self._username, len(chunk.data)):
            raise RefusedError(f"your unfinished uploads take more than {self._held.bytes_max >> 20} MiB; finish some first")

    def _grow(self, key: Hashable, assembly: Assembly, chunk: Chunk) -> bytes | None:
        before = assembly.size_bytes
        try:
            whole = assembly.add(chunk.index, chunk.total, chunk.data)
        finally:
            if assembly.size_bytes == before:
                self._held.give_back(self._username, len(chunk.data))
        if whole is not None:
            self._end(key)
        return whole

    def _end(self, key: Hashable) -> None:
        assembly = self._assemblies.pop(key, None)
        if assembly is not None and assembly.size_bytes:
            self._held.give_back(self._username, assembly.size_bytes)


def _mismatch(size: int, actual: str, expected: str) -> str:
    return f"Hash mismatch: the {size} bytes that came have the blake3 hash {actual}, not {expected[:HASH_CHARACTERS]!r}"
