"""Compiled components on disk.

A file is named by what was compiled, for what, and what came out: `<key>-<checksum>.cwasm`. wasmtime maps such a file into memory
and trusts every byte of it, so the folder is private (0700, ours) and the checksum is verified before each use; a file that fails
is deleted and made anew. Files appear by renaming, so several processes may fill one folder. A folder that cannot be used (full,
read-only, of somebody else) costs the time to compile, and a warning once.
"""

import logging
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from blake3 import blake3

from pie.limits import COMPILE_CACHE_BYTES_MAX

log = logging.getLogger(__name__)

_SUFFIX = ".cwasm"


class CompileCache:
    """Files in one folder; None keeps nothing. Blocking: call from a worker thread."""

    def __init__(self, folder: Path | None, *, bytes_max: int = COMPILE_CACHE_BYTES_MAX) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._has_warned = False

    def find(self, key: str) -> Path | None:
        """A file for the key with intact content."""
        try:
            return self._find(key)
        except OSError as error:
            self._warn(error)
            return None

    def store(self, key: str, compiled: bytes) -> Path | None:
        """The file that now holds `compiled`; None if it could not be kept."""
        try:
            return self._store(key, compiled)
        except OSError as error:
            self._warn(error)
            return None

    def discard(self, path: Path) -> None:
        with suppress(OSError):
            path.unlink()

    def _find(self, key: str) -> Path | None:
        folder = self._private_folder()
        if folder is None:
            return None
        for path in sorted(folder.glob(f"{key}-*{_SUFFIX}")):
            if _name(key, path.read_bytes()) == path.name:
                with suppress(OSError):
                    os.utime(path)
                return path
            log.warning("%s is damaged; compiling anew", path)
            self.discard(path)
        return None

    def _store(self, key: str, compiled: bytes) -> Path | None:
        folder = self._private_folder()
        if folder is None:
            return None
        path = folder / _name(key, compiled)
        descriptor, temporary = tempfile.mkstemp(dir=folder, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(compiled)
            os.replace(temporary, path)  # noqa: PTH105 - the temporary name is a str
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._make_room(folder, path)
        return path

    def _private_folder(self) -> Path | None:
        """The folder, made if it is not there. `PermissionError` if others could have put something into it."""
        if self._folder is None:
            return None
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self._folder.stat()
        if status.st_uid != os.geteuid():
            raise PermissionError(f"{self._folder} belongs to another user")
        if status.st_mode & 0o077:
            self._folder.chmod(0o700)
        return self._folder

    def _make_room(self, folder: Path, newest: Path) -> None:
        """Delete the files unused for longest until the rest fits. Another process may delete at the same time."""
        ages = []
        for path in folder.glob(f"*{_SUFFIX}"):
            with suppress(FileNotFoundError):
                status = path.stat()
                ages.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in ages)
        for _, size, path in sorted(ages):
            if total > self._bytes_max and path != newest:
                self.discard(path)
                total -= size

    def _warn(self, error: OSError) -> None:
        if not self._has_warned:
            self._has_warned = True
            log.warning("the compile cache cannot be used, programs are compiled at each start: %s", error)


def _name(key: str, compiled: bytes) -> str:
    return f"{key}-{blake3(compiled).hexdigest(16)}{_SUFFIX}"
