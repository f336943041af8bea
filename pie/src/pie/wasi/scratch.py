"""A real folder that a guest may use: every change is confined to it and counted.

`Scratch` acts on `Place`s (see `pie.wasi.confinement`) and open files; it knows nothing of WIT. All errors are OSErrors. The calls
are synchronous: they touch the page cache, and each is bounded by a limit.

A file's bytes are counted until its last name and its last descriptor are gone, as in the file system. The counts are exact as
long as nobody but the guest writes in the folder.
"""

import errno
import os
import secrets
import stat
from collections import Counter
from contextlib import suppress
from itertools import count
from pathlib import Path

from pie.limits import SCRATCH_BYTES_MAX, SCRATCH_ENTRIES_MAX, WASI_DESCRIPTORS_MAX
from pie.wasi.confinement import Place, refused
from pie.wasi.quota import Quota, QuotaStatistics

Inode = tuple[int, int]
"""Device and inode number."""

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: should the folder hold a pipe, opening it must not wait.
_OPEN = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


class OpenFile:
    """An open file or folder, shared by a descriptor and the streams made from it; closed when the last of them lets go."""

    def __init__(self, scratch: "Scratch", fd: int, status: os.stat_result) -> None:
        self.fd = fd
        self.scratch = scratch
        self.inode: Inode = (status.st_dev, status.st_ino)
        self.is_folder = stat.S_ISDIR(status.st_mode)
        self._uses = 1

    def share(self) -> "OpenFile":
        self._uses += 1
        return self

    def release(self) -> None:
        self._uses -= 1
        if self._uses == 0:
            self.scratch.closed(self)

    def status(self) -> os.stat_result:
        return os.fstat(self.fd)


class Entries:
    """Reads the entries of a folder one by one, without "." and "..". Counts as a descriptor until closed."""

    def __init__(self, entries: "os._ScandirIterator[str]", quota: Quota) -> None:
        self._entries = entries
        self._quota = quota

    def next(self) -> "os.DirEntry[str] | None":
        """None at the end."""
        return next(self._entries, None)

    def close(self) -> None:
        self._entries.close()
        self._quota.remove_descriptor()


class Scratch:
    """The /scratch of one process, backed by a folder of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        size_bytes_max: int = SCRATCH_BYTES_MAX,
        entries_max: int = SCRATCH_ENTRIES_MAX,
        descriptors_max: int = WASI_DESCRIPTORS_MAX,
    ) -> None:
        """Makes `folder`. Raises OSError if that fails, also if it exists: what another process left is not this one's."""
        folder.mkdir(parents=True, mode=0o700)
        self._folder = folder
        self._root_fd = os.open(folder, _FOLDER)
        self._quota = Quota(size_bytes_max=size_bytes_max, entries_max=entries_max, descriptors_max=descriptors_max)
        self._open: Counter[Inode] = Counter()
        self.secret = secrets.token_bytes(16)
        """Keys the hashes that guests see in place of inode numbers."""

    def remove(self) -> None:
        """Delete the folder with all in it; files that are still open stay usable until released. Safe to call twice.

        May take a while for many files: call it in a thread.
        """
        if self._root_fd >= 0:
            _empty(self._root_fd)
            os.close(self._root_fd)
            self._root_fd = -1
            self._folder.rmdir()

    def statistics(self) -> QuotaStatistics:
        return self._quota.statistics()

    # --- open and close ---

    def root(self) -> OpenFile:
        return self._opened(Place(self._root_fd, ".", folder_only=True), os.O_RDONLY | os.O_DIRECTORY)

    def open(self, place: Place, *, access: int, create: bool = False, exclusive: bool = False, folder: bool = False) -> OpenFile:
        """Open a file or folder; anything else there may be is refused.

        access: O_RDONLY, O_WRONLY or O_RDWR. create: make a file if there is nothing. exclusive: only make, never find.
        """
        flags = access | (os.O_DIRECTORY if folder or place.folder_only else 0)
        if not (create and exclusive):
            try:
                return self._opened(place, flags)
            except FileNotFoundError:
                if not create:
                    raise
        if flags & os.O_DIRECTORY:
            raise refused(errno.EINVAL)  # folders are made by `make_folder`
        with self._quota.entry():
            return self._opened(place, flags | os.O_CREAT | os.O_EXCL)

    def closed(self, file: OpenFile) -> None:
        """For `OpenFile`: its last user has let go."""
        status = file.status()
        os.close(file.fd)
        self._quota.remove_descriptor()
        self._open[file.inode] -= 1
        if not self._open[file.inode]:
            del self._open[file.inode]
            if status.st_nlink == 0 and stat.S_ISREG(status.st_mode):
                self._quota.shrink(status.st_size)

    def entries(self, file: OpenFile) -> "Entries":
        """What is in an open folder."""
        with self._quota.descriptor():
            # Opened anew: the position in the listing belongs to this reader alone.
            fd = os.open(".", _FOLDER, dir_fd=file.fd)
            try:
                return Entries(os.scandir(fd), self._quota)
            finally:
                os.close(fd)

    def _opened(self, place: Place, flags: int) -> OpenFile:
        with self._quota.descriptor():
            fd = os.open(place.name, flags | _OPEN, 0o600, dir_fd=place.folder_fd)
            status = os.fstat(fd)
            if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
                os.close(fd)
                raise refused(errno.EACCES)
        self._open[status.st_dev, status.st_ino] += 1
        return OpenFile(self, fd, status)

    # --- the bytes of a file ---

    def write(self, file: OpenFile, data: bytes, offset: int) -> int:
        """Returns how many bytes were written: all, unless the disk is full."""
        size = file.status().st_size
        growth = max(0, offset + len(data) - size)
        self._quota.grow(growth)
        written = 0
        try:
            written = os.pwrite(file.fd, data, offset)
        finally:
            real_growth = max(0, offset + written - size) if written else 0
            self._quota.shrink(growth - real_growth)
        return written

    def resize(self, file: OpenFile, size: int) -> None:
        growth = size - file.status().st_size
        self._quota.grow(growth)
        try:
            os.ftruncate(file.fd, size)
        except OSError:
            self._quota.shrink(growth)
            raise

    # --- names ---

    def make_folder(self, place: Place) -> None:
        with self._quota.entry():
            os.mkdir(place.name, 0o700, dir_fd=place.folder_fd)

    def make_symlink(self, target: str, place: Place) -> None:
        """Where the link leads is checked when it is followed; one to an absolute path is not even made."""
        if target.startswith("/"):
            raise refused(errno.EPERM)
        if "\0" in target:
            raise refused(errno.EINVAL)
        with self._quota.entry():
            os.symlink(target, _new_name(place), dir_fd=place.folder_fd)

    def make_link(self, source: Place, target: Place) -> None:
        with self._quota.entry():
            os.link(
                source.name,
                _new_name(target),
                src_dir_fd=source.folder_fd,
                dst_dir_fd=target.folder_fd,
                follow_symlinks=False,
            )

    def unlink(self, place: Place) -> None:
        status = status_at(place)
        os.unlink(place.name, dir_fd=place.folder_fd)
        self._forget(status)

    def remove_folder(self, place: Place) -> None:
        os.rmdir(place.name, dir_fd=place.folder_fd)
        self._quota.remove_entry()

    def rename(self, source: Place, target: Place) -> None:
        moved = status_at(source)
        replaced = None
        with suppress(FileNotFoundError):
            replaced = status_at(target)
        os.rename(source.name, target.name, src_dir_fd=source.folder_fd, dst_dir_fd=target.folder_fd)
        # Renaming one name of a file to another name of the same file does nothing.
        if replaced is not None and (moved.st_dev, moved.st_ino) != (replaced.st_dev, replaced.st_ino):
            self._forget(replaced)

    def _forget(self, status: os.stat_result) -> None:
        """A name of the thing is gone."""
        self._quota.remove_entry()
        is_last_name = stat.S_ISREG(status.st_mode) and status.st_nlink == 1
        if is_last_name and not self._open[status.st_dev, status.st_ino]:
            self._quota.shrink(status.st_size)


def status_at(place: Place) -> os.stat_result:
    """Never follows a link. Raises ENOTDIR where only a folder will do and there is something else."""
    status = os.stat(place.name, dir_fd=place.folder_fd, follow_symlinks=False)
    if place.folder_only and not stat.S_ISDIR(status.st_mode):
        raise refused(errno.ENOTDIR)
    return status


def _new_name(place: Place) -> str:
    """The name of something to be made that is no folder."""
    if place.folder_only:
        raise refused(errno.ENOENT)
    return place.name


def _empty(root_fd: int) -> None:
    """Delete everything in the folder.

    Folders are lifted to the top before they are emptied, so it does not matter how deep a guest has nested them.
    """
    names = (f"{secrets.token_hex(8)}-{number}" for number in count())  # none that the guest could have taken
    while folders := _unlink_files(root_fd):
        for name in folders:
            fd = os.open(name, _FOLDER, dir_fd=root_fd)
            try:
                for inner in _unlink_files(fd):
                    os.rename(inner, next(names), src_dir_fd=fd, dst_dir_fd=root_fd)
            finally:
                os.close(fd)
            os.rmdir(name, dir_fd=root_fd)


def _unlink_files(folder_fd: int) -> list[str]:
    """Delete all but the folders in this folder; returns the folders' names."""
    with os.scandir(folder_fd) as found:
        entries = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in found]
    for name, is_folder in entries:
        if not is_folder:
            os.unlink(name, dir_fd=folder_fd)
    return [name for name, is_folder in entries if is_folder]
