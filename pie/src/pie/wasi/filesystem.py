"""`wasi:filesystem`: descriptors on the files and folders of a process's `/scratch`.

Nothing here can name a file outside: paths go through `pie.wasi.confinement`, changes through `pie.wasi.scratch`. What a guest
writes does not outlive its process, so the sync functions have nothing to do.
"""

import errno
import functools
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pie.limits import WASI_READ_BYTES_MAX, WASI_TIMESTAMP_SECONDS_MAX, WASI_WRITE_BYTES_MAX
from pie.sandbox.interface import GuestFault, HostFunction, Interface
from pie.wasi.clocks import Datetime
from pie.wasi.confinement import Place, located, refused
from pie.wasi.error_codes import error_code
from pie.wasi.file_streams import FileInput, FileOutput
from pie.wasi.scratch import Entries, OpenFile, status_at
from pie.wasi.state import HasWasi
from pie.wasi.streams import InputStream, IoError, OutputStream
from pie.wasi.version import versioned

_OFFSET_MAX = (1 << 63) - 1

_TYPES = {
    stat.S_IFBLK: "block-device",
    stat.S_IFCHR: "character-device",
    stat.S_IFDIR: "directory",
    stat.S_IFIFO: "fifo",
    stat.S_IFLNK: "symbolic-link",
    stat.S_IFREG: "regular-file",
    stat.S_IFSOCK: "socket",
}

Flags = frozenset[str]
NewTimestamp = tuple[str, Datetime | None]


class Descriptor:
    """The resource `descriptor`. `flags` are the WIT descriptor-flags it was opened with."""

    def __init__(self, file: OpenFile, flags: Flags) -> None:
        self.file = file
        self.flags = flags

    def drop(self) -> None:
        self.file.release()

    def require(self, flag: str) -> None:
        """Raises EBADF if this is no file opened for that, EISDIR if it is a folder."""
        if self.file.is_folder:
            raise refused(errno.EISDIR)
        if flag not in self.flags:
            raise refused(errno.EBADF)


@dataclass(frozen=True, slots=True)
class DescriptorStat:
    """The WIT record `descriptor-stat`."""

    type: str
    link_count: int
    size: int
    data_access_timestamp: Datetime
    data_modification_timestamp: Datetime
    status_change_timestamp: Datetime

    @classmethod
    def of(cls, status: os.stat_result) -> "DescriptorStat":
        return cls(
            type=_type(status.st_mode),
            link_count=status.st_nlink,
            size=status.st_size,
            data_access_timestamp=Datetime.from_ns(status.st_atime_ns),
            data_modification_timestamp=Datetime.from_ns(status.st_mtime_ns),
            status_change_timestamp=Datetime.from_ns(status.st_ctime_ns),
        )


@dataclass(frozen=True, slots=True)
class DirectoryEntry:
    """The WIT record `directory-entry`."""

    type: str
    name: str


class DirectoryEntries:
    """The resource `directory-entry-stream`."""

    def __init__(self, entries: Entries) -> None:
        self._entries = entries

    def next(self) -> DirectoryEntry | None:
        entry = self._entries.next()
        return None if entry is None else DirectoryEntry(_entry_type(entry), entry.name)

    def drop(self) -> None:
        self._entries.close()


@dataclass(frozen=True, slots=True)
class MetadataHash:
    """The WIT record `metadata-hash-value`."""

    lower: int
    upper: int


def _type(mode: int) -> str:
    return _TYPES.get(stat.S_IFMT(mode), "unknown")


def _offset(offset: int) -> int:
    if offset > _OFFSET_MAX:
        raise refused(errno.EOVERFLOW)
    return offset


@contextmanager
def _place(descriptor: Descriptor, path: str, path_flags: Flags = frozenset()) -> Iterator[Place]:
    if not descriptor.file.is_folder:
        raise refused(errno.ENOTDIR)
    with located(descriptor.file.fd, path, follow="symlink-follow" in path_flags) as place:
        yield place


# --- the bytes of a file ----------------------------------------------------------------------------------------------


def read_via_stream(_: HasWasi, descriptor: Descriptor, offset: int) -> InputStream:
    descriptor.require("read")
    return FileInput(descriptor.file, _offset(offset))


def write_via_stream(_: HasWasi, descriptor: Descriptor, offset: int) -> OutputStream:
    descriptor.require("write")
    return FileOutput(descriptor.file, _offset(offset))


def append_via_stream(_: HasWasi, descriptor: Descriptor) -> OutputStream:
    descriptor.require("write")
    return FileOutput(descriptor.file, None)


def read(_: HasWasi, descriptor: Descriptor, length: int, offset: int) -> tuple[bytes, bool]:
    descriptor.require("read")
    size_max = min(length, WASI_READ_BYTES_MAX)
    data = os.pread(descriptor.file.fd, size_max, _offset(offset))
    return data, len(data) < size_max


def write(_: HasWasi, descriptor: Descriptor, buffer: bytes, offset: int) -> int:
    descriptor.require("write")
    return descriptor.file.scratch.write(descriptor.file, buffer[:WASI_WRITE_BYTES_MAX], _offset(offset)) if buffer else 0


def set_size(_: HasWasi, descriptor: Descriptor, size: int) -> None:
    descriptor.require("write")
    descriptor.file.scratch.resize(descriptor.file, _offset(size))


def advise(_: HasWasi, descriptor: Descriptor, offset: int, length: int, advice: str) -> None:
    """Advice is heard, not acted on."""


def sync(_: HasWasi, descriptor: Descriptor) -> None:
    """Nothing is kept beyond the process."""


# --- what is known of a file ------------------------------------------------------------------------------------------


def get_flags(_: HasWasi, descriptor: Descriptor) -> Flags:
    return descriptor.flags


def get_type(_: HasWasi, descriptor: Descriptor) -> str:
    return _type(descriptor.file.status().st_mode)


def stat_descriptor(_: HasWasi, descriptor: Descriptor) -> DescriptorStat:
    return DescriptorStat.of(descriptor.file.status())


def stat_at(_: HasWasi, descriptor: Descriptor, path_flags: Flags, path: str) -> DescriptorStat:
    with _place(descriptor, path, path_flags) as place:
        return DescriptorStat.of(status_at(place))


def is_same_object(_: HasWasi, descriptor: Descriptor, other: Descriptor) -> bool:
    return descriptor.file.inode == other.file.inode


def metadata_hash(_: HasWasi, descriptor: Descriptor) -> MetadataHash:
    return _hash(descriptor, descriptor.file.status())


def metadata_hash_at(_: HasWasi, descriptor: Descriptor, path_flags: Flags, path: str) -> MetadataHash:
    with _place(descriptor, path, path_flags) as place:
        return _hash(descriptor, status_at(place))


def _hash(descriptor: Descriptor, status: os.stat_result) -> MetadataHash:
    """Of the object's identity: C libraries use it as device and inode number. Keyed, so it tells nothing of the machine."""
    identity = f"{status.st_dev}:{status.st_ino}".encode()
    digest = hashlib.blake2b(identity, digest_size=16, key=descriptor.file.scratch.secret).digest()
    return MetadataHash(lower=int.from_bytes(digest[:8], "little"), upper=int.from_bytes(digest[8:], "little"))


def set_times(state: HasWasi, descriptor: Descriptor, accessed: NewTimestamp, modified: NewTimestamp) -> None:
    times = _Times(accessed, modified, now_ns=state.wasi.clock.wall_ns())
    os.utime(descriptor.file.fd, ns=times.after(descriptor.file.status()))


def set_times_at(
    state: HasWasi, descriptor: Descriptor, path_flags: Flags, path: str, accessed: NewTimestamp, modified: NewTimestamp
) -> None:
    times = _Times(accessed, modified, now_ns=state.wasi.clock.wall_ns())
    with _place(descriptor, path, path_flags) as place:
        os.utime(place.name, ns=times.after(status_at(place)), dir_fd=place.folder_fd, follow_symlinks=False)


@dataclass(frozen=True, slots=True)
class _Times:
    """What a guest wants the times of a file to be."""

    accessed: NewTimestamp
    modified: NewTimestamp
    now_ns: int

    def after(self, status: os.stat_result) -> tuple[int, int]:
        """The times to set, in nanoseconds, on a file with this status."""
        return self._time_ns(self.accessed, status.st_atime_ns), self._time_ns(self.modified, status.st_mtime_ns)

    def _time_ns(self, wanted: NewTimestamp, current_ns: int) -> int:
        kind, timestamp = wanted
        if timestamp is None:
            return self.now_ns if kind == "now" else current_ns
        if timestamp.seconds > WASI_TIMESTAMP_SECONDS_MAX:
            raise refused(errno.EOVERFLOW)
        return timestamp.to_ns()


# --- folders ----------------------------------------------------------------------------------------------------------


def open_at(_: HasWasi, descriptor: Descriptor, path_flags: Flags, path: str, open_flags: Flags, flags: Flags) -> Descriptor:
    with _place(descriptor, path, path_flags) as place:
        file = descriptor.file.scratch.open(
            place,
            access=_access(flags, open_flags),
            create="create" in open_flags,
            exclusive="exclusive" in open_flags,
            folder="directory" in open_flags,
        )
    if "truncate" in open_flags and not file.is_folder:
        _truncate(file)
    return Descriptor(file, flags)


def _access(flags: Flags, open_flags: Flags) -> int:
    writes = "write" in flags or "truncate" in open_flags
    if not writes:
        return os.O_RDONLY
    return os.O_RDWR if "read" in flags else os.O_WRONLY


def _truncate(file: OpenFile) -> None:
    try:
        file.scratch.resize(file, 0)
    except OSError:
        file.release()
        raise


def read_directory(_: HasWasi, descriptor: Descriptor) -> DirectoryEntries:
    if not descriptor.file.is_folder:
        raise refused(errno.ENOTDIR)
    return DirectoryEntries(descriptor.file.scratch.entries(descriptor.file))


def _entry_type(entry: "os.DirEntry[str]") -> str:
    """From the listing itself; nothing is looked up."""
    if entry.is_symlink():
        return "symbolic-link"
    if entry.is_dir(follow_symlinks=False):
        return "directory"
    return "regular-file" if entry.is_file(follow_symlinks=False) else "unknown"


def read_directory_entry(_: HasWasi, entries: DirectoryEntries) -> DirectoryEntry | None:
    return entries.next()


def create_directory_at(_: HasWasi, descriptor: Descriptor, path: str) -> None:
    with _place(descriptor, path) as place:
        descriptor.file.scratch.make_folder(place)


def remove_directory_at(_: HasWasi, descriptor: Descriptor, path: str) -> None:
    with _place(descriptor, path) as place:
        descriptor.file.scratch.remove_folder(place)


def unlink_file_at(_: HasWasi, descriptor: Descriptor, path: str) -> None:
    with _place(descriptor, path) as place:
        descriptor.file.scratch.unlink(place)


def rename_at(_: HasWasi, descriptor: Descriptor, old_path: str, new_descriptor: Descriptor, new_path: str) -> None:
    with _place(descriptor, old_path) as source, _place(new_descriptor, new_path) as target:
        descriptor.file.scratch.rename(source, target)


def link_at(
    _: HasWasi, descriptor: Descriptor, old_path_flags: Flags, old_path: str, new_descriptor: Descriptor, new_path: str
) -> None:
    with _place(descriptor, old_path, old_path_flags) as source, _place(new_descriptor, new_path) as target:
        descriptor.file.scratch.make_link(source, target)


def symlink_at(_: HasWasi, descriptor: Descriptor, old_path: str, new_path: str) -> None:
    with _place(descriptor, new_path) as place:
        descriptor.file.scratch.make_symlink(old_path, place)


def readlink_at(_: HasWasi, descriptor: Descriptor, path: str) -> str:
    with _place(descriptor, path) as place:
        target = os.readlink(place.name, dir_fd=place.folder_fd)
    if target.startswith("/"):
        raise refused(errno.EPERM)
    return target


# --- the rest ---------------------------------------------------------------------------------------------------------


def filesystem_error_code(_: HasWasi, error: IoError) -> str | None:
    return error.code


def get_directories(state: HasWasi) -> list[tuple[Descriptor, str]]:
    scratch = state.wasi.scratch
    if scratch is None:
        return []
    return [(Descriptor(scratch.root(), frozenset(("read", "mutate-directory"))), "/scratch")]


def _with_codes(function: HostFunction) -> HostFunction:
    """The function, answering the guest with an error code where the system says no."""

    @functools.wraps(function)
    def answering(*arguments: Any) -> Any:
        try:
            return function(*arguments)
        except OSError as error:
            raise GuestFault(error_code(error)) from None

    return answering


_METHODS: dict[str, HostFunction] = {
    "read-via-stream": read_via_stream,
    "write-via-stream": write_via_stream,
    "append-via-stream": append_via_stream,
    "advise": advise,
    "sync-data": sync,
    "get-flags": get_flags,
    "get-type": get_type,
    "set-size": set_size,
    "set-times": set_times,
    "read": read,
    "write": write,
    "read-directory": read_directory,
    "sync": sync,
    "create-directory-at": create_directory_at,
    "stat": stat_descriptor,
    "stat-at": stat_at,
    "set-times-at": set_times_at,
    "link-at": link_at,
    "open-at": open_at,
    "readlink-at": readlink_at,
    "remove-directory-at": remove_directory_at,
    "rename-at": rename_at,
    "symlink-at": symlink_at,
    "unlink-file-at": unlink_file_at,
    "metadata-hash": metadata_hash,
    "metadata-hash-at": metadata_hash_at,
}

TYPES = Interface(
    name=versioned("wasi:filesystem/types"),
    functions={
        **{f"[method]descriptor.{name}": _with_codes(function) for name, function in _METHODS.items()},
        "[method]descriptor.is-same-object": is_same_object,
        "[method]directory-entry-stream.read-directory-entry": _with_codes(read_directory_entry),
        "filesystem-error-code": filesystem_error_code,
    },
    resources={
        "descriptor": Descriptor,
        "directory-entry-stream": DirectoryEntries,
        "input-stream": InputStream,
        "output-stream": OutputStream,
        "error": IoError,
    },
    types={"datetime": Datetime},
)

PREOPENS = Interface(
    name=versioned("wasi:filesystem/preopens"),
    functions={"get-directories": get_directories},
    resources={"descriptor": Descriptor},
)
