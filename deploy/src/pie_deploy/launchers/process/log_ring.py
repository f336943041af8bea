"""The files of one container's log: segments that are written in turn and deleted from the old end, so that all stay in a bound.

<logs>/<container>/00000001.log 00000002.log …
"""

import contextlib
import os
from pathlib import Path

from pie_deploy.limits import LOG_SEGMENTS

_SUFFIX = ".log"


def segments(folder: Path) -> list[int]:
    """Numbers of the segments that are there, oldest first."""
    try:
        names = [path.name for path in folder.iterdir()]
    except FileNotFoundError:
        return []
    return sorted(int(name.removesuffix(_SUFFIX)) for name in names if name.endswith(_SUFFIX) and name[:-4].isdigit())


def segment_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}{_SUFFIX}"


class LogRing:
    """Writes a log. Never raises for a disk that refuses: what could not be written is counted, and the next write tries again."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._segment_bytes_max = max(1, bytes_max // LOG_SEGMENTS)
        self._descriptor: int | None = None
        self._number = 0
        self._size_bytes = 0
        self._is_torn = False
        self.lost_bytes = 0
        """Since the caller last set it to zero."""

    def write(self, block: bytes) -> None:
        """Appends whole lines."""
        try:
            self._append(block)
        except OSError:
            self.lost_bytes += len(block)

    def _append(self, block: bytes) -> None:
        if self._descriptor is None:
            self._open_last()
        if self._size_bytes and self._size_bytes + len(block) > self._segment_bytes_max:
            self._rotate()
        assert self._descriptor is not None
        written = os.write(self._descriptor, b"\n" + block if self._is_torn else block)
        self._size_bytes += written
        is_whole = written >= len(block) + self._is_torn
        self._is_torn = not is_whole
        if not is_whole:
            self.lost_bytes += len(block) - written

    def _open_last(self) -> None:
        """Goes on where an earlier incarnation, or supervisor, has stopped; perhaps in the middle of a line."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open(max(segments(self._folder), default=1))
        self._is_torn = self._size_bytes > 0

    def _rotate(self) -> None:
        self.close()
        for number in segments(self._folder)[: -(LOG_SEGMENTS - 1)]:
            with contextlib.suppress(FileNotFoundError):
                segment_path(self._folder, number).unlink()
        self._open(self._number + 1)
        self._is_torn = False

    def _open(self, number: int) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(segment_path(self._folder, number), flags, 0o600)
        self._number = number
        self._size_bytes = os.fstat(self._descriptor).st_size

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
