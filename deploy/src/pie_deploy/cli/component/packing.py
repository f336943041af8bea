"""A component's folder as an archive. The same folder gives the same bytes: times, owners and order do not count."""

import gzip
import io
import os
import stat
import tarfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from pie_deploy.domain.manifest import ComponentManifest, parse_manifest
from pie_deploy.errors import InvalidArgumentError, ManifestError
from pie_deploy.limits import ARCHIVE_ENTRIES_MAX, ARCHIVE_UNPACKED_BYTES_MAX, MANIFEST_BYTES_MAX
from pie_deploy.services import archive as archives
from pie_deploy.services.archive import MANIFEST

LEFT_OUT = (
    ".git",
    ".hg",
    ".venv",
    "venv",
    ".env",
    "__pycache__",
    "node_modules",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".DS_Store",
    "*.pyc",
    "*.swp",
    "*~",
)
"""What tools leave beside sources, and what holds secrets. `.pieignore` adds names and patterns, a line each."""
IGNORE = ".pieignore"
COMPRESSION = 6


def read_manifest(folder: Path) -> ComponentManifest:
    """Raises ManifestError, and InvalidArgumentError when the folder has none."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            text = file.read(MANIFEST_BYTES_MAX + 1)
    except OSError as error:
        raise InvalidArgumentError(f"{path}: {error.strerror}; a component is a folder with a {MANIFEST}") from error
    try:
        return parse_manifest(text.decode())
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path} is not UTF-8") from error
    except ManifestError as error:
        raise error.within(str(folder)) from error


def pack(folder: Path) -> bytes:
    """The archive, checked as the platform will check it. Raises InvalidArgumentError and ManifestError."""
    manifest = read_manifest(folder)
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=COMPRESSION, mtime=0, filename="") as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for path, status in _files(folder):
            _add(archive, folder, path, status)
    data = packed.getvalue()
    contents = archives.inspect(data)
    if manifest.language == "py" and manifest.worker.entry not in contents.files:
        raise ManifestError(f"{folder}: worker.entry: there is no {manifest.worker.entry}")
    return data


def _add(archive: tarfile.TarFile, folder: Path, path: Path, status: os.stat_result) -> None:
    entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
    entry.size = status.st_size
    entry.mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    try:
        with path.open("rb") as file:
            archive.addfile(entry, file)
    except OSError as error:
        raise InvalidArgumentError(f"{path}: cannot be read: {error.strerror or error}") from error


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files, in order. Raises InvalidArgumentError for what a component cannot have."""
    patterns = (*LEFT_OUT, *_ignored(folder))
    count = size_bytes = 0
    for path in _walk(folder, patterns):
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise InvalidArgumentError(f"{path} is neither a file nor a folder; links cannot be packed, {IGNORE} leaves it out")
        count, size_bytes = count + 1, size_bytes + status.st_size
        if count > ARCHIVE_ENTRIES_MAX or size_bytes > ARCHIVE_UNPACKED_BYTES_MAX:
            raise InvalidArgumentError(
                f"{folder} has more than {ARCHIVE_ENTRIES_MAX} files or {ARCHIVE_UNPACKED_BYTES_MAX >> 20} MiB; "
                f"{IGNORE} leaves some out, `pie file upload` is for data"
            )
        yield path, status


def _walk(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        raise InvalidArgumentError(f"{folder}: cannot be read: {error.strerror}") from error
    for path in entries:
        if any(fnmatch(path.name, pattern) for pattern in patterns):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path, patterns)
        else:
            yield path


def _ignored(folder: Path) -> Iterator[str]:
    try:
        lines = (folder / IGNORE).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"{folder / IGNORE}: cannot be read: {error}") from error
    yield IGNORE
    yield from (line.strip() for line in lines if line.strip() and not line.startswith("#"))
