"""Archives of components: `.tar.gz` from strangers, checked before anything of them is used.

What is taken: regular files and folders, with plain relative paths, no two of one name; bounded in number, in size once
unpacked, and in the size and number of headers. Links, devices, pipes, absolute paths and `..` are refused, not skipped: a
component that has them would not be what its author thinks.
"""

import gzip
import io
import os
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Self, cast

from pie_deploy.errors import InvalidArgumentError, StorageError
from pie_deploy.limits import (
    ARCHIVE_BYTES_MAX,
    ARCHIVE_ENTRIES_MAX,
    ARCHIVE_HEADER_BYTES_MAX,
    ARCHIVE_HEADERS_BYTES_MAX,
    ARCHIVE_HEADERS_OF_ENTRY_MAX,
    ARCHIVE_PATH_BYTES_MAX,
    ARCHIVE_UNPACKED_BYTES_MAX,
    MANIFEST_BYTES_MAX,
    README_BYTES_MAX,
)

MANIFEST = "component.yml"
README = "README.md"

_CHUNK_BYTES = 1 << 16
_NAME_BYTES_MAX = 255


@dataclass(frozen=True, slots=True)
class Contents:
    files: frozenset[str]
    """Paths, relative to the root."""
    manifest: str
    readme: str
    """Empty: there is none."""


def inspect(data: bytes) -> Contents:
    """Check an archive and read what describes it. Raises InvalidArgumentError, StorageError."""
    files: set[str] = set()
    texts: dict[str, bytes] = {}
    with _opened(data) as archive:
        for path, member, content in _entries(archive):
            if content is None:
                continue
            files.add(path)
            if path in (MANIFEST, README):
                bound = MANIFEST_BYTES_MAX if path == MANIFEST else README_BYTES_MAX
                if path == MANIFEST and member.size > bound:
                    raise InvalidArgumentError(f"{MANIFEST} is larger than {bound} bytes")
                texts[path] = content.read(bound)
    if MANIFEST not in texts:
        raise InvalidArgumentError(f"the archive has no {MANIFEST} at its root: pack the content of the component's folder")
    return Contents(frozenset(files), _text(MANIFEST, texts[MANIFEST]), texts.get(README, b"").decode(errors="replace"))


def unpack(data: bytes, folder: Path) -> None:
    """Write an archive's files into an empty folder, read only and durable. Raises InvalidArgumentError, OSError."""
    folders = [folder]
    with _opened(data) as archive:
        for path, member, content in _entries(archive):
            target = folder / path
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
                folders.append(target)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            folders += [folder / parent for parent in PurePosixPath(path).parents]
            _write(target, content, 0o555 if member.mode & 0o100 else 0o444)
    for made in dict.fromkeys(folders):
        made.chmod(0o555)


@contextmanager
def _opened(data: bytes) -> Iterator[tarfile.TarFile]:
    """The archive, decompressed under a bound. What is wrong with it becomes InvalidArgumentError."""
    if len(data) > ARCHIVE_BYTES_MAX:
        raise InvalidArgumentError(f"the archive is larger than {ARCHIVE_BYTES_MAX} bytes")
    try:
        with (
            _decompressed(data) as plain,
            _Archive.open(fileobj=cast(IO[bytes], _Bounded(plain)), mode="r:", tarinfo=_Member) as archive,
        ):
            yield archive
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise InvalidArgumentError(f"the archive is not a .tar.gz: {error}") from error


@contextmanager
def _decompressed(data: bytes) -> Iterator[IO[bytes]]:
    """Small ones in memory, large ones in a file without a name. Raises StorageError when there is no room for it."""
    bound = ARCHIVE_UNPACKED_BYTES_MAX + ARCHIVE_ENTRIES_MAX * 4 * tarfile.BLOCKSIZE + tarfile.RECORDSIZE
    size_bytes = 0
    with tempfile.SpooledTemporaryFile(max_size=16 * _CHUNK_BYTES) as plain:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            while chunk := packed.read(_CHUNK_BYTES):
                size_bytes += len(chunk)
                if size_bytes > bound:
                    raise InvalidArgumentError(f"unpacked, the archive is larger than {ARCHIVE_UNPACKED_BYTES_MAX} bytes")
                _put_aside(plain, chunk)
        plain.seek(0)
        yield plain


def _put_aside(file: IO[bytes], chunk: bytes) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise StorageError(f"the archive cannot be unpacked: {error.strerror or error}") from error


class _Bounded:
    """Reads that `tarfile` makes: it would take headers of any size and number into memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek: Callable[..., int] = file.seek
        self.tell: Callable[[], int] = file.tell
        self._is_header = False
        self._header_bytes = 0

    @contextmanager
    def reading_header(self) -> Iterator[None]:
        self._is_header = True
        try:
            yield
        finally:
            self._is_header = False

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= ARCHIVE_HEADER_BYTES_MAX:
            raise InvalidArgumentError(f"the archive has a header of more than {ARCHIVE_HEADER_BYTES_MAX} bytes")
        self._header_bytes += size if self._is_header else 0
        if self._header_bytes > ARCHIVE_HEADERS_BYTES_MAX:
            raise InvalidArgumentError(f"the archive has headers of more than {ARCHIVE_HEADERS_BYTES_MAX} bytes")
        return self._file.read(size)


class _Archive(tarfile.TarFile):
    headers_under_way = 0
    """Of one member: the header that an extended one belongs to is read while that one is."""


class _Member(tarfile.TarInfo):
    """`tarfile` follows any chain of extended headers, and gives each member a copy of all that global ones have said."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        assert isinstance(archive, _Archive)
        assert isinstance(archive.fileobj, _Bounded)
        bound = ARCHIVE_HEADERS_OF_ENTRY_MAX
        if archive.headers_under_way >= bound or len(archive.pax_headers) > bound:
            raise InvalidArgumentError(f"an entry of the archive has more than {bound} headers")
        archive.headers_under_way += 1
        try:
            with archive.fileobj.reading_header():
                member = super().fromtarfile(archive)
        finally:
            archive.headers_under_way -= 1
        if len(member.pax_headers) > bound:
            raise InvalidArgumentError(f"an entry of the archive has more than {bound} headers")
        return member


def _entries(archive: tarfile.TarFile) -> Iterator[tuple[str, tarfile.TarInfo, IO[bytes] | None]]:
    """Path, member, and the content of a file. The root itself is left out. Raises InvalidArgumentError."""
    seen: dict[str, bool] = {}
    size_bytes = 0
    for number, member in enumerate(archive):
        if number >= ARCHIVE_ENTRIES_MAX:
            raise InvalidArgumentError(f"the archive has more than {ARCHIVE_ENTRIES_MAX} entries")
        size_bytes += member.size
        if member.size < 0 or size_bytes > ARCHIVE_UNPACKED_BYTES_MAX:
            raise InvalidArgumentError(f"unpacked, the archive is larger than {ARCHIVE_UNPACKED_BYTES_MAX} bytes")
        if not (member.isdir() or member.isreg()) or member.issparse():
            raise InvalidArgumentError(f"{member.name[:100]!r} in the archive is neither a file nor a folder")
        path = _path(member.name)
        if path == ".":
            continue
        _note(seen, path, member.isdir())
        yield path, member, None if member.isdir() else archive.extractfile(member)


def _path(name: str) -> str:
    """The path in its plain form. Raises InvalidArgumentError for one that leads elsewhere."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    encoded = [os.fsencode(part) for part in parts]
    tricks = name.startswith("/") or ".." in parts or "\\" in name or not name.isprintable()
    too_long = sum(map(len, encoded)) + len(parts) > ARCHIVE_PATH_BYTES_MAX or max(map(len, encoded), default=0) > _NAME_BYTES_MAX
    if tricks or too_long:
        raise InvalidArgumentError(f"{name[:100]!r} is not a path that a component may have")
    return "/".join(parts) or "."


def _note(seen: dict[str, bool], path: str, is_folder: bool) -> None:
    """A file stands once, and is no folder; a folder may stand again."""
    for parent in PurePosixPath(path).parents:
        if not seen.setdefault(str(parent), True):
            raise InvalidArgumentError(f"{parent} in the archive is a file and a folder")
    if path in seen and not (is_folder and seen[path]):
        raise InvalidArgumentError(f"{path!r} stands twice in the archive")
    seen[path] = is_folder


def _write(target: Path, content: IO[bytes], mode: int) -> None:
    with target.open("xb") as file:
        while chunk := content.read(_CHUNK_BYTES):
            file.write(chunk)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InvalidArgumentError(f"{name} is not UTF-8") from error
