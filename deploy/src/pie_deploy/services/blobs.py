"""Contents by their hash: written aside, checked, put in place by a rename. What is there is whole.

    blobs/<blake3, hex>             read only
    blobs/.staging/<random>         being written; what a crash leaves there goes at the next start

A content is kept as long as a row refers to it. `lock` is held while a content is put in place and its row is written, and
while a row is deleted and its content is found to be of no use, so that neither happens in the middle of the other.
"""

import os
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from blake3 import blake3

from pie_deploy.errors import InvalidArgumentError, StorageError

Content = Path | BinaryIO | Iterable[bytes]
"""A file that is there, something to read from, or chunks as they come."""

_CHUNK_BYTES = 1 << 20
_MODE = 0o444


@dataclass(frozen=True, slots=True)
class Staged:
    """A content that is written and durable, and not in its place yet."""

    path: Path
    content_hash: str
    size_bytes: int


class Blobs:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = folder / ".staging"
        self.lock = threading.Lock()

    def path(self, content_hash: str) -> Path:
        """Where a content lies."""
        return self._folder / content_hash

    @contextmanager
    def staged(self, content: Content, size_bytes_max: int) -> Iterator[Staged]:
        """Write a content; what has not been put in place at the end of the block is gone. Raises InvalidArgumentError when it
        is larger than the bound, StorageError when it cannot be written.
        """
        path = self._staging / secrets.token_hex(16)
        try:
            yield self._write(path, content, size_bytes_max)
        finally:
            with suppress(OSError):  # gone already, or it would only hide what went wrong
                path.unlink()

    def place(self, staged: Staged) -> None:
        """Put a content where `path` finds it. Call it with `lock` held. Raises StorageError."""
        try:
            staged.path.rename(self.path(staged.content_hash))
            _sync_folder(self._folder)
        except OSError as error:
            raise _refused(error) from error

    def remove(self, content_hash: str) -> None:
        """Call it with `lock` held, when no row refers to it."""
        self.path(content_hash).unlink(missing_ok=True)

    def all(self) -> list[str]:
        """Hashes of what is in its place."""
        return [path.name for path in self._folder.iterdir() if path.is_file()] if self._folder.is_dir() else []

    def drop_halves(self, before_ns: int) -> None:
        """Remove what was not put in its place and that nobody has written to since: what a crash or a full disk has left."""
        for path in list(self._staging.iterdir()) if self._staging.is_dir() else ():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime_ns < before_ns:
                    path.unlink()

    def sweep(self, is_used: Callable[[str], bool]) -> int:
        """Remove what nobody refers to and what a crash left half written; before anybody uploads. Returns how many."""
        if not self._folder.is_dir():
            return 0
        halves = list(self._staging.iterdir()) if self._staging.is_dir() else []
        unused = [path for path in self._folder.iterdir() if path.is_file() and not is_used(path.name)]
        for path in (*halves, *unused):
            path.unlink(missing_ok=True)
        return len(halves) + len(unused)

    def _write(self, path: Path, content: Content, size_bytes_max: int) -> Staged:
        digest, size_bytes = blake3(), 0
        try:
            self._staging.mkdir(mode=0o700, parents=True, exist_ok=True)
            with path.open("xb") as file:
                for chunk in _chunks(content):
                    size_bytes += len(chunk)
                    if size_bytes > size_bytes_max:
                        raise InvalidArgumentError(f"the content is larger than {size_bytes_max} bytes")
                    digest.update(chunk)
                    file.write(chunk)
                os.fchmod(file.fileno(), _MODE)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _refused(error) from error
        return Staged(path, digest.hexdigest(), size_bytes)


def _chunks(content: Content) -> Iterator[bytes]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            yield from _read(file)
    elif isinstance(content, Iterable) and not hasattr(content, "read"):
        yield from content
    else:
        yield from _read(cast(BinaryIO, content))


def _read(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK_BYTES):
        yield chunk


def _sync_folder(folder: Path) -> None:
    """A rename is durable once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _refused(error: OSError) -> StorageError:
    return StorageError(f"the content cannot be kept: {error.strerror or error}")
