"""Programs in one folder, known by the heads of their files.

Several engines may work on one folder: files appear whole and vanish whole, and each engine looks again when the folder
has changed. A damaged file is left where it is and not seen.
"""

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from pie.errors import ProgramError
from pie.limits import PROGRAM_PART_KEPT_S
from pie.programs.file_names import file_name
from pie.programs.program_file import PART_SUFFIX, SUFFIX, Content, DamagedFileError, Head, read, read_head, write
from pie_wire.errors import ManifestError
from pie_wire.manifest import Manifest, parse

log = logging.getLogger(__name__)

_SETTLED_NS = 50_000_000
"""A folder changed so recently may change again without its time changing: file systems keep it in steps of some milliseconds."""

Stamp = tuple[int, int, int]
"""What tells a changed file from an unchanged one: when, which, how large."""


@dataclass(frozen=True, slots=True)
class Record:
    """A program that is there."""

    path: Path
    stamp: Stamp
    head: Head

    @property
    def number(self) -> tuple[int, ...]:
        """Orders versions."""
        return version_number(self.head.version)


@dataclass(frozen=True, slots=True)
class StoredProgram:
    """A program taken from its file, verified."""

    manifest: Manifest
    wasm: bytes


class Room(Protocol):
    """How much there may be in a folder."""

    def make(self, records: Mapping[str, Record], size_bytes: int, delete: Callable[[Record], None]) -> None:
        """Before so many bytes come. Raises `ProgramError` if they may not."""
        ...


@dataclass(frozen=True, slots=True)
class Quota:
    """What is there stays, and more is refused."""

    programs_max: int
    bytes_max: int

    def make(self, records: Mapping[str, Record], size_bytes: int, delete: Callable[[Record], None]) -> None:
        if len(records) >= self.programs_max:
            raise ProgramError(f"there are {len(records)} uploaded programs, and no user may have more; overwrite one")
        if _size(records) + size_bytes > self.bytes_max:
            raise ProgramError(f"a user's uploaded programs may take {self.bytes_max >> 20} MiB in all")


@dataclass(frozen=True, slots=True)
class Cached:
    """What came first goes first: it can be fetched again."""

    programs_max: int
    bytes_max: int

    def make(self, records: Mapping[str, Record], size_bytes: int, delete: Callable[[Record], None]) -> None:
        count, total = len(records) + 1, _size(records) + size_bytes
        for record in sorted(records.values(), key=lambda record: record.stamp):
            if count <= self.programs_max and total <= self.bytes_max:
                return
            delete(record)
            count, total = count - 1, total - record.stamp[2]


class Shelf:
    """The programs in one folder, which need not exist. Looking something up costs a `stat`; `read` and `put` are for threads."""

    def __init__(self, folder: Path, room: Room) -> None:
        self._folder = folder
        self._room = room
        self._records: dict[str, Record] = {}
        """By name of the file."""
        self._newest: dict[str, Record] | None = None
        """By name of the program; None: to be made from the records."""
        self._damaged: dict[str, Stamp] = {}
        """Files that are not looked at again until they change."""
        self._seen_ns: int | None = None
        """When the folder had last changed as it was looked through; None: it has to be, in any case."""
        self._lock = threading.Lock()
        """Held while the four above are used, never while a component is read or written."""
        self._sweep()
        self._refresh()

    def find(self, name: str, version: str | None) -> Record | None:
        """The program; without a version, the newest one that is not yanked."""
        with self._lock:
            self._refresh()
            if version is not None:
                return self._records.get(_file_name(name, version))
            if self._newest is None:
                self._newest = _newest(self._records.values())
            return self._newest.get(name)

    def programs(self) -> list[Record]:
        """All of them, by name and version."""
        with self._lock:
            self._refresh()
            records = list(self._records.values())
        return sorted(records, key=lambda record: (record.head.name, record.number))

    def read(self, record: Record) -> StoredProgram | None:
        """The program, verified. None if it is damaged or gone: then it is not found again. Raises `ProgramError`."""
        try:
            content = read(record.path)
            return StoredProgram(parse(content.manifest.decode()), content.component)
        except (DamagedFileError, FileNotFoundError, UnicodeDecodeError, ManifestError) as error:
            with self._lock:
                self._skip(record.path, record.stamp, error)
                self._forget(record)
            return None
        except OSError as error:
            raise ProgramError(f"{record.path} cannot be read: {error.strerror or error}") from error

    def put(self, content: Content) -> Record:
        """Keep a program, in place of one of the same name and version. Raises `ProgramError`: no room, the disk is full."""
        path = self._folder / _file_name(content.head.name, content.head.version)
        with self._lock:
            self._refresh()
            others = {name: record for name, record in self._records.items() if name != path.name}
            self._room.make(others, len(content.manifest) + len(content.component), self._delete)
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            record = Record(path, _stamp(write(path, content)), content.head)
        except OSError as error:
            raise ProgramError(f"the program cannot be kept in {self._folder}: {error.strerror or error}") from error
        with self._lock:
            self._records[path.name] = record
            self._newest = None
        return record

    def remove(self, record: Record) -> None:
        """Does nothing if it is gone. Raises `OSError`."""
        with self._lock:
            self._delete(record)

    def _delete(self, record: Record) -> None:
        record.path.unlink(missing_ok=True)
        self._forget(record)

    def _forget(self, record: Record) -> None:
        self._records.pop(record.path.name, None)
        self._newest = None

    def _refresh(self) -> None:
        """Look through the folder if it has changed."""
        try:
            changed_ns = self._folder.stat().st_mtime_ns
        except OSError:
            self._records.clear()
            self._newest = None
            self._seen_ns = None
            return
        if changed_ns != self._seen_ns:
            self._seen_ns = changed_ns if time.time_ns() - changed_ns > _SETTLED_NS else None
            self._records = {record.path.name: record for record in self._look()}
            self._newest = None

    def _look(self) -> Iterator[Record]:
        for path, stamp in _files(self._folder, SUFFIX):
            known = self._records.get(path.name)
            if known is not None and known.stamp == stamp:
                yield known
            elif self._damaged.get(path.name) != stamp and (record := self._record(path, stamp)):
                yield record

    def _record(self, path: Path, stamp: Stamp) -> Record | None:
        try:
            head = read_head(path)
            if path.name != _file_name(head.name, head.version):
                raise DamagedFileError(f"it holds {head.name}@{head.version}")
        except FileNotFoundError:  # another engine was faster
            return None
        except DamagedFileError as error:
            self._skip(path, stamp, error)
            return None
        except OSError as error:
            log.warning("%s cannot be read now: %s", path, error)
            self._seen_ns = None
            return None
        return Record(path, stamp, head)

    def _skip(self, path: Path, stamp: Stamp, error: Exception) -> None:
        log.warning("%s is damaged and not used: %s", path, error)
        self._damaged[path.name] = stamp

    def _sweep(self) -> None:
        """Delete what an engine that died has begun to write."""
        for path, (changed_ns, _, _) in _files(self._folder, PART_SUFFIX):
            if time.time_ns() - changed_ns > PROGRAM_PART_KEPT_S * 1e9:
                with contextlib.suppress(OSError):
                    path.unlink()


def _newest(records: Iterable[Record]) -> dict[str, Record]:
    """By name, leaving out what is yanked."""
    offered = [record for record in records if not record.head.yanked]
    return {record.head.name: record for record in sorted(offered, key=lambda record: record.number)}


def version_number(version: str) -> tuple[int, ...]:
    """Orders versions as numbers."""
    return tuple(map(int, version.split(".")))


@lru_cache(maxsize=1024)
def _file_name(name: str, version: str) -> str:
    return f"{file_name(name)}@{version}{SUFFIX}"


def _files(folder: Path, suffix: str) -> Iterator[tuple[Path, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.name.endswith(suffix):
            with contextlib.suppress(OSError):
                yield Path(entry.path), _stamp(entry.stat(follow_symlinks=False))


def _stamp(status: os.stat_result) -> Stamp:
    return (status.st_mtime_ns, status.st_ino, status.st_size)


def _size(records: Mapping[str, Record]) -> int:
    return sum(record.stamp[2] for record in records.values())
