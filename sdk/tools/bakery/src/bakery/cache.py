"""Built components, kept by what they were built from."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

import blake3

from bakery.limits import CACHED_COMPONENTS_MAX
from bakery.project import Project
from bakery.toolchain import Toolchain

FORMAT = "1"
"""Raised when the way components are built changes without any of the files below changing."""


class Cache:
    """A folder of components. Several processes may use it at once: entries appear whole and are never changed.

    A folder that cannot be written or read is no failure; then nothing is remembered.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            content = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return content

    def put(self, key: str, component: bytes) -> bool:
        """Whether it could be kept."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._write(self._path(key), component)
            self._evict()
        except OSError:
            return False
        return True

    def _write(self, path: Path, component: bytes) -> None:
        number, name = tempfile.mkstemp(dir=self._folder, prefix=path.stem, suffix=".part")
        temporary = Path(name)
        try:
            with os.fdopen(number, "wb") as file:
                file.write(component)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _evict(self) -> None:
        entries = sorted(self._folder.glob("*.wasm"), key=_used_at)
        for path in entries[:-CACHED_COMPONENTS_MAX]:
            with suppress(OSError):
                path.unlink()

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.wasm"


def _used_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def cache_key(project: Project, toolchain: Toolchain) -> str:
    """A hash of everything that decides what a build yields."""
    hasher = blake3.blake3()
    for part in (FORMAT, toolchain.componentize_version):
        _add(hasher, part.encode())
    for folder, pattern in ((toolchain.wit, "*.wit"), (toolchain.sdk, "*.py")):
        for path in sorted(folder.rglob(pattern)):
            _add(hasher, str(path.relative_to(folder)).encode())
            _add(hasher, path.read_bytes())
    for name in sorted(project.files):
        _add(hasher, name.encode())
        _add(hasher, project.files[name])
    return hasher.hexdigest()[:40]


def _add(hasher: blake3.blake3, content: bytes) -> None:
    """Length first, so that no two lists of parts hash alike."""
    hasher.update(len(content).to_bytes(8, "little"))
    hasher.update(content)
