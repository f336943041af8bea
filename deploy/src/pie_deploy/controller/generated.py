"""Turns what a container left in its `generated` folder into files of the platform.

The folder's entries are named after the slots of the component's `generated_file_schema`; a folder is saved as a tar archive. The
file's id follows from the container and the slot, so saving the same again makes no second file. What the component wrote is
hostile: links are not followed, what is no slot is left.
"""

import hashlib
import os
import stat
import tarfile
from base64 import b32encode
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pie_deploy.domain.records import Deployment, File
from pie_deploy.errors import DeployError, StorageError
from pie_deploy.limits import GENERATED_FILE_BYTES_MAX
from pie_deploy.services.blobs import Blobs, Staged

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose generated files they are."""

    deployment: Deployment
    container_id: str
    vertex: str
    backend_name: str
    slots: Mapping[str, str]
    """File type by slot."""


@contextmanager
def staged(folder: Path, origin: Origin, blobs: Blobs, now_ns: int) -> Iterator[list[tuple[File, Staged]]]:
    """The rows to write, each with its content, which is to be put in place with `blobs.lock` held, in the transaction that writes
    its row: whoever deletes another file of the same content takes the content with it when no row refers to it. Raises
    StorageError.
    """
    with ExitStack() as stack:
        made = [
            _staged(stack, folder / slot, slot, origin, blobs, now_ns) for slot in sorted(origin.slots) if _is_there(folder / slot)
        ]
        yield made


def _is_there(path: Path) -> bool:
    """A file or folder of its own: a link may lead anywhere."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def _staged(stack: ExitStack, path: Path, slot: str, origin: Origin, blobs: Blobs, now_ns: int) -> tuple[File, Staged]:
    is_folder = path.is_dir()
    try:
        content = stack.enter_context(blobs.staged(_content(path), GENERATED_FILE_BYTES_MAX))
    except (DeployError, OSError, RecursionError) as error:  # folders may nest deeper than paths, and than the stack
        why = (error.message if isinstance(error, DeployError) else getattr(error, "strerror", None)) or error
        raise StorageError(f"vertex {origin.vertex}: what it generated as {slot} cannot be saved: {why}") from error
    file = File(
        id=_id(origin.container_id, slot),
        name=f"{origin.backend_name}.{origin.vertex}.{slot}" + (".tar" if is_folder else ""),
        file_type=origin.slots[slot],
        size_bytes=content.size_bytes,
        content_hash=content.content_hash,
        owner=origin.deployment.created_by,
        lease_id=origin.deployment.lease_id,
        generated_by=f"{origin.deployment.id}/{origin.vertex}/{slot}",
        created_at_ns=now_ns,
    )
    return file, content


def _id(container_id: str, slot: str) -> str:
    return "f-" + b32encode(hashlib.sha256(f"{container_id}/{slot}".encode()).digest()).decode().lower()[:12]


def _content(path: Path) -> Iterator[bytes]:
    """A file's bytes; a folder's as an archive that depends on nothing but names and contents."""
    if path.is_dir():
        yield from _archive(path)
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _archive(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            yield from _member(folder, path)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _member(folder: Path, path: Path) -> Iterator[bytes]:
    member = tarfile.TarInfo(path.relative_to(folder).as_posix())
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        member.size = os.fstat(descriptor).st_size
        yield member.tobuf(tarfile.PAX_FORMAT)
        left = member.size
        while left and (chunk := file.read(min(_CHUNK, left))):
            left -= len(chunk)
            yield chunk
    yield bytes(left + -member.size % tarfile.BLOCKSIZE)
