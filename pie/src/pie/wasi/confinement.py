"""Paths that cannot leave a folder.

A path from a guest is walked by us, one component at a time, from an open folder. Every folder on the way is opened relative to
the one before with O_NOFOLLOW and kept open on a stack, so

- `..` pops our stack and never asks the kernel; popping the base folder is refused;
- symbolic links are read and their components walked by the same rules; absolute ones are refused;
- what other programs rename or replace meanwhile changes at most which folder *inside* is found: no step follows a link, and no
  step goes up.

The result is an open folder and one name in it, for the system call that acts on it (which must not follow links either).
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pie.limits import WASI_PATH_BYTES_MAX, WASI_PATH_COMPONENTS_MAX, WASI_SYMBOLIC_LINKS_MAX

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Place:
    """A name in an open folder. The name is one component, or "." for the folder itself. There may be nothing of that name."""

    folder_fd: int
    name: str
    folder_only: bool
    """The path ended in a slash: only a folder will do."""


def refused(code: int) -> OSError:
    """An error like the kernel's, from us."""
    return OSError(code, os.strerror(code))


@contextmanager
def located(base_fd: int, path: str, *, follow: bool) -> Iterator[Place]:
    """Where `path` leads, seen from the folder `base_fd`. The place is valid inside the `with` block.

    follow: whether a symbolic link in the last component is followed. Raises OSError: EPERM if the path leads out of the base
    folder, ELOOP for too many links, ENAMETOOLONG, EINVAL, and whatever the kernel says.
    """
    walk = _Walk(base_fd)
    try:
        yield walk.run(path, follow)
    finally:
        walk.close()


class _Walk:
    def __init__(self, base_fd: int) -> None:
        self._folders = [base_fd]
        self._pending: list[str] = []
        self._components = 0
        self._links = 0

    def run(self, path: str, follow: bool) -> Place:
        folder_only = path.endswith(("/", "/."))
        name = "."
        self._push(path)
        while self._pending:
            name = self._pending.pop()
            if name == "..":
                self._up()
                name = "."
            elif self._pending:
                self._down(name)
                name = "."
            elif (follow or folder_only) and (target := self._link_target(name)) is not None:
                self._push(target)
                name = "."
        return Place(self._folders[-1], name, folder_only)

    def close(self) -> None:
        """The base folder is not ours."""
        while len(self._folders) > 1:
            os.close(self._folders.pop())

    def _push(self, path: str) -> None:
        """Walk these components next."""
        if not path:
            raise refused(errno.ENOENT)
        if path.startswith("/"):
            raise refused(errno.EPERM)
        if "\0" in path:
            raise refused(errno.EINVAL)
        if len(os.fsencode(path)) > WASI_PATH_BYTES_MAX:
            raise refused(errno.ENAMETOOLONG)
        components = [component for component in path.split("/") if component not in ("", ".")]
        self._components += len(components)
        if self._components > WASI_PATH_COMPONENTS_MAX:
            raise refused(errno.ENAMETOOLONG)
        self._pending.extend(reversed(components))

    def _up(self) -> None:
        if len(self._folders) == 1:
            raise refused(errno.EPERM)
        os.close(self._folders.pop())

    def _down(self, name: str) -> None:
        try:
            self._folders.append(os.open(name, _FOLDER, dir_fd=self._folders[-1]))
        except OSError as error:
            # A symbolic link shows as ENOTDIR or ELOOP, depending on the system.
            if error.errno not in (errno.ENOTDIR, errno.ELOOP) or (target := self._link_target(name)) is None:
                raise
            self._push(target)

    def _link_target(self, name: str) -> str | None:
        """What the symbolic link of that name says, or None if it is no link."""
        try:
            target = os.readlink(name, dir_fd=self._folders[-1])
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise
        self._links += 1
        if self._links > WASI_SYMBOLIC_LINKS_MAX:
            raise refused(errno.ELOOP)
        return target
