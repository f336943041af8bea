"""A program on disk: one file with everything, so that component and manifest appear together or not at all.

    pie program 1\\n
    {"name": …, "version": …, …}\\n     the head: what an index needs, and what the rest must hash to
    the manifest                       TOML, as it was given
    the component

A file is written beside its place and moved there when it is complete. A reader trusts nothing in it: the head says how long the
file is and what its parts hash to.
"""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

import msgspec
from blake3 import blake3

from pie.limits import PROGRAM_HEAD_BYTES_MAX
from pie_wire.limits import MANIFEST_LENGTH_MAX
from pie_wire.manifest import ProgramId, is_scoped_name, is_version

SUFFIX = ".program"
PART_SUFFIX = ".part"
_MAGIC = b"pie program 1\n"
_BYTES_PER_CHARACTER_MAX = 4


class DamagedFileError(Exception):
    """A file that does not hold what it should. The message says what is wrong."""


class Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What stands before manifest and component. Hashes are blake3, 64 hex digits."""

    name: str
    version: str
    manifest_bytes: int
    manifest_hash: str
    component_bytes: int
    component_hash: str
    given_hash: str
    """Of what was uploaded: the component, or the source that it was built from."""
    yanked: bool = False
    """The registry had withdrawn it when it was pulled."""


@dataclass(frozen=True, slots=True)
class Content:
    """A program as it goes into a file and comes out of it."""

    head: Head
    manifest: bytes
    component: bytes

    @classmethod
    def of(
        cls, program: ProgramId, manifest_text: str, component: bytes, *, given: bytes | None = None, yanked: bool = False
    ) -> Self:
        """`given` is what was uploaded, if that may not be the component. Hashes everything: not for the event loop."""
        manifest = manifest_text.encode()
        component_hash = blake3(component).hexdigest()
        head = Head(
            name=program.name,
            version=program.version,
            manifest_bytes=len(manifest),
            manifest_hash=blake3(manifest).hexdigest(),
            component_bytes=len(component),
            component_hash=component_hash,
            given_hash=component_hash if given is None or given is component else blake3(given).hexdigest(),
            yanked=yanked,
        )
        return cls(head, manifest, component)


def write(path: Path, content: Content) -> os.stat_result:
    """Make the file, or replace it: readers find the old program or the new one, also after a power cut. Raises `OSError`."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=PART_SUFFIX)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_MAGIC + msgspec.json.encode(content.head) + b"\n" + content.manifest)
            file.write(content.component)
            file.flush()
            os.fsync(file.fileno())
            status = os.fstat(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return status


def read_head(path: Path) -> Head:
    """The head of a file that is as long as it says. Raises `DamagedFileError`, `OSError`."""
    with path.open("rb") as file:
        return _head(file)[0]


def read(path: Path) -> Content:
    """Everything, verified. Raises `DamagedFileError`, `OSError`."""
    with path.open("rb") as file:
        head, at = _head(file)
        file.seek(at)
        manifest, component = file.read(head.manifest_bytes), file.read(head.component_bytes)
    for part, expected in ((manifest, head.manifest_hash), (component, head.component_hash)):
        if blake3(part).hexdigest() != expected:
            raise DamagedFileError("its content has another hash than it had")
    return Content(head, manifest, component)


def _head(file: BinaryIO) -> tuple[Head, int]:
    """And where it ends."""
    beginning = file.read(PROGRAM_HEAD_BYTES_MAX)
    if not beginning.startswith(_MAGIC):
        raise DamagedFileError("it is no program's file, or one of another version of Pie")
    text, newline, _ = beginning[len(_MAGIC) :].partition(b"\n")
    if not newline:
        raise DamagedFileError("its head does not end")
    head = _decode(text)
    at = len(_MAGIC) + len(text) + 1
    size = os.fstat(file.fileno()).st_size
    if size != at + head.manifest_bytes + head.component_bytes:
        raise DamagedFileError(f"it has {size} bytes, not as many as its head says")
    return head, at


def _decode(text: bytes) -> Head:
    try:
        head = msgspec.json.decode(text, type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedFileError(f"its head cannot be read: {error}") from error
    if not (is_scoped_name(head.name) and is_version(head.version)):
        raise DamagedFileError("its head gives no program's name and version")
    if head.component_bytes < 0 or not 0 <= head.manifest_bytes <= _BYTES_PER_CHARACTER_MAX * MANIFEST_LENGTH_MAX:
        raise DamagedFileError("its head gives a size that no program has")
    return head
