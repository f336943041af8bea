"""How much a process may keep in its /scratch. Pure counting; `Scratch` keeps the numbers those of the file system."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pie.wasi.confinement import refused


@dataclass(frozen=True, slots=True)
class QuotaStatistics:
    size_bytes: int
    entries: int
    descriptors: int


class Quota:
    """Bounds bytes of files, directory entries, and open descriptors. Beyond them: EDQUOT, or EMFILE for descriptors."""

    def __init__(self, *, size_bytes_max: int, entries_max: int, descriptors_max: int) -> None:
        self._size_bytes_max = size_bytes_max
        self._entries_max = entries_max
        self._descriptors_max = descriptors_max
        self._size_bytes = 0
        self._entries = 0
        self._descriptors = 0

    def grow(self, size_bytes: int) -> None:
        if size_bytes > 0 and self._size_bytes + size_bytes > self._size_bytes_max:
            raise refused(errno.EDQUOT)
        self._size_bytes += size_bytes

    def shrink(self, size_bytes: int) -> None:
        self._size_bytes -= size_bytes

    @contextmanager
    def entry(self) -> Iterator[None]:
        """One entry more, if the block succeeds."""
        if self._entries >= self._entries_max:
            raise refused(errno.EDQUOT)
        yield
        self._entries += 1

    def remove_entry(self) -> None:
        self._entries -= 1

    @contextmanager
    def descriptor(self) -> Iterator[None]:
        """One descriptor more, if the block succeeds."""
        if self._descriptors >= self._descriptors_max:
            raise refused(errno.EMFILE)
        yield
        self._descriptors += 1

    def remove_descriptor(self) -> None:
        self._descriptors -= 1

    def statistics(self) -> QuotaStatistics:
        return QuotaStatistics(size_bytes=self._size_bytes, entries=self._entries, descriptors=self._descriptors)
