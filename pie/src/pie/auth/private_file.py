"""Files that hold who may log in: of mode 0600, replaced as a whole, changed by one at a time, read again when they change."""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from pie.errors import CredentialsError
from pie.limits import AUTH_FILE_BYTES_MAX

T = TypeVar("T")

Stamp = tuple[int, int, int, int]
"""What tells a changed file from an unchanged one: when its content and its mode were changed, which one it is, its size."""


def read(path: Path) -> str:
    """The file's text; empty if there is no file. Raises `CredentialsError`, also if others than the owner may read it."""
    try:
        with path.open("rb") as file:
            _check(path, os.fstat(file.fileno()))
            return file.read().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise CredentialsError(f"{path} is not UTF-8 text") from error
    except OSError as error:
        raise CredentialsError(f"{path} cannot be read: {error.strerror}") from error


def write(path: Path, text: str) -> None:
    """Replace the file: readers see the old text or the new one, also after a power cut. Raises `CredentialsError`."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # of mode 0600
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise _unwritable(path, error) from error


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile. Waits for who does now. Makes the folder. Raises `CredentialsError`."""
    lock = path.with_name(f".{path.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class Watched(Generic[T]):
    """What stands in a file, read again whenever the file has changed."""

    def __init__(self, path: Path, parse: Callable[[str], T]) -> None:
        """`parse` raises `CredentialsError` for a text that it cannot use; an empty text is that of a file that is not there."""
        self._path = path
        self._parse = parse
        self._stamp: Stamp | None = None
        self._outcome: T | CredentialsError | None = None

    def get(self) -> T:
        """The content now. Raises `CredentialsError`."""
        stamp = _stamp(self._path)
        if self._outcome is None or stamp != self._stamp:
            self._outcome, self._stamp = self._read(), stamp
        if isinstance(self._outcome, CredentialsError):
            raise self._outcome
        return self._outcome

    def _read(self) -> T | CredentialsError:
        try:
            return self._parse(read(self._path))
        except CredentialsError as error:
            return error


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size)


def _check(path: Path, status: os.stat_result) -> None:
    if status.st_mode & 0o077:
        raise CredentialsError(f"{path} may be used by others than its owner; run: chmod 600 {path}")
    if status.st_size > AUTH_FILE_BYTES_MAX:
        raise CredentialsError(f"{path} is larger than {AUTH_FILE_BYTES_MAX} bytes")


def _unwritable(path: Path, error: OSError) -> CredentialsError:
    return CredentialsError(f"{path} cannot be written: {error.strerror}")
