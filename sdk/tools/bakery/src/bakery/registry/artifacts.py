"""Where components lie: a folder, or whatever fsspec reaches (`s3://bucket/registry`).

```
staging/<upload id>.<random>.part     being received
staging/<upload id>                   received whole, checksum right, waiting for its commit
components/ab/<checksum>              named by content: never changed, shared by all versions with these bytes
```

A file appears under its name in one step, so that whatever happens, no half file ever has a name that anybody reads.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import fsspec

from bakery.errors import NotFoundError, StoreError


@dataclass(frozen=True, slots=True)
class Kept:
    age_s: float
    size_bytes: int


class Artifacts:
    """All methods block, and may be called from any thread. What the file system refuses is a `StoreError`."""

    def __init__(self, url: str) -> None:
        """url: a folder or an fsspec URL; made when the first file is written."""
        with _told():
            self._files, self._root = fsspec.core.url_to_fs(url)

    def begin(self, upload: str) -> "Part":
        """A file to write an upload to; nobody sees it until `Part.finish`."""
        path = self._staged(upload)
        with _told():
            self._files.makedirs(self._parent(path), exist_ok=True)
            return Part(self._files, path)

    def staged_bytes(self, upload: str) -> int | None:
        """Size of a staged upload; None if it is not staged."""
        try:
            with _told():
                return int(self._files.size(self._staged(upload)))
        except FileNotFoundError:
            return None

    def keep(self, upload: str, checksum: str) -> None:
        """Moves a staged upload to where downloads find it."""
        path = self._kept(checksum)
        with _told():
            self._files.makedirs(self._parent(path), exist_ok=True)
            self._files.mv(self._staged(upload), path)

    def discard(self, upload: str) -> None:
        """Removes a staged upload, or anything else that `staged` named, if it is there."""
        with _told(), suppress(FileNotFoundError):
            self._files.rm_file(self._staged(upload))

    def open(self, checksum: str) -> BinaryIO:
        """Raises `NotFoundError`."""
        try:
            with _told():
                return cast(BinaryIO, self._files.open(self._kept(checksum), "rb"))
        except FileNotFoundError as error:
            raise NotFoundError("the component's bytes are missing from this registry") from error

    def staged(self) -> Iterator[tuple[str, float]]:
        """Names in the staging folder, parts included, each with its age in seconds."""
        for path in self._list(f"{self._root}/staging"):
            yield path.rpartition("/")[2], self._age_s(path)

    def kept(self) -> Iterator[str]:
        """Checksums of everything that downloads could find."""
        for folder in self._list(f"{self._root}/components"):
            yield from (path.rpartition("/")[2] for path in self._list(folder))

    def look_at(self, checksum: str) -> Kept | None:
        """None if it is not there."""
        path = self._kept(checksum)
        try:
            with _told():
                return Kept(self._age_s(path), int(self._files.size(path)))
        except FileNotFoundError:
            return None

    def remove(self, checksum: str) -> None:
        with _told(), suppress(FileNotFoundError):
            self._files.rm_file(self._kept(checksum))

    def _list(self, folder: str) -> list[str]:
        with _told():
            self._files.invalidate_cache()
            try:
                return sorted(str(path).rstrip("/") for path in self._files.ls(folder, detail=False))
            except FileNotFoundError:
                return []

    def _age_s(self, path: str) -> float:
        """0.0 if it is just being removed, or the file system cannot tell: then nothing is ever old."""
        try:
            return max(0.0, time.time() - float(self._files.modified(path).timestamp()))
        except (FileNotFoundError, NotImplementedError):
            return 0.0

    def _staged(self, upload: str) -> str:
        return f"{self._root}/staging/{upload}"

    def _kept(self, checksum: str) -> str:
        return f"{self._root}/components/{checksum[:2]}/{checksum}"

    @staticmethod
    def _parent(path: str) -> str:
        return path.rpartition("/")[0]


class Part:
    """An upload being written. Ends with `finish` or `abandon`."""

    def __init__(self, files: Any, path: str) -> None:
        self._files = files
        self._path = path
        self._part = f"{path}.{secrets.token_hex(8)}.part"
        self._file: BinaryIO = files.open(self._part, "wb")

    def write(self, content: bytes | bytearray) -> None:
        with _told():
            self._file.write(content)

    def finish(self) -> None:
        """The upload is staged."""
        with _told():
            _sync(self._file)
            self._file.close()
            self._files.mv(self._part, self._path)

    def abandon(self) -> None:
        """As if nothing had been written. Never fails: what cannot be removed now, the sweep removes."""
        with suppress(OSError, ValueError):
            self._file.close()
        with suppress(OSError):
            self._files.rm_file(self._part)


def _sync(file: BinaryIO) -> None:
    """A local file's bytes are on the disk before its name says so. Object stores have their own way."""
    file.flush()
    with suppress(AttributeError, OSError):
        os.fsync(file.fileno())


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (OSError, ImportError, ValueError) as error:
        raise StoreError(f"the artifacts cannot be used: {error}") from error
