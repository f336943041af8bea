"""Files: typed, named, uploaded once, bound to any number of slots."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pie_deploy.domain.records import Backend, File
from pie_deploy.domain.role import Permission
from pie_deploy.errors import ConflictError, InvalidArgumentError, InvalidOperationError, NotFoundError
from pie_deploy.limits import FILE_BYTES_MAX, FILE_NAME_LENGTH_MAX
from pie_deploy.services.access import sees
from pie_deploy.services.actor import Actor
from pie_deploy.services.blobs import Blobs, Content
from pie_deploy.services.heads import Heads
from pie_deploy.services.ledger import Change, Ledger
from pie_deploy.services.lookup import file_for, file_of, lease_of, open_lease
from pie_deploy.services.resolution import files_of

_Point = tuple[str, int, str]
"""Where a backend's log stands: id, head, hash."""
_LOOKS_MAX = 20
"""At graphs that change while a file is to be deleted."""


class Files:
    """`ref` is a file's id, or a name: the newest file of that name."""

    def __init__(self, ledger: Ledger, blobs: Blobs, heads: Heads) -> None:
        self._ledger = ledger
        self._blobs = blobs
        self._heads = heads

    def upload(self, actor: Actor, name: str, file_type: str, content: Content, lease: str | None = None) -> File:
        """Keep a content under a name. Raises InvalidArgumentError (name, type, too large), NotFoundError and LeaseClosedError for
        the lease, StorageError when it does not fit the disk; then nothing is left of it.
        """
        _check("name", name)
        _check("type", file_type)
        with self._ledger.reading() as reading:
            open_lease(reading, actor, lease, self._ledger.now_ns(), Permission.WRITE_FILES)  # before much is written in vain
        with (
            self._blobs.staged(content, FILE_BYTES_MAX) as staged,
            self._blobs.lock,
            self._ledger.change(actor) as change,
        ):
            file = File(
                id=change.new_id("f"),
                name=name,
                file_type=file_type,
                size_bytes=staged.size_bytes,
                content_hash=staged.content_hash,
                owner=actor.name,
                lease_id=open_lease(change.rows, actor, lease, change.now_ns, Permission.WRITE_FILES),
                created_at_ns=change.now_ns,
            )
            self._blobs.place(staged)
            _put(change, file, "file.uploaded")
        return file

    def link(self, actor: Actor, ref: str, lease: str) -> File:
        """A file of its own that the lease owns, with the same content; the original stays the workspace's (it cannot enter a
        lease).
        """
        with self._blobs.lock, self._ledger.change(actor) as change:
            original = file_for(change.rows, actor, ref, lease)
            file = File(
                id=change.new_id("f"),
                name=original.name,
                file_type=original.file_type,
                size_bytes=original.size_bytes,
                content_hash=original.content_hash,
                owner=actor.name,
                lease_id=open_lease(change.rows, actor, lease, change.now_ns, Permission.WRITE_FILES),
                created_at_ns=change.now_ns,
            )
            _put(change, file, "file.linked")
        return file

    def list(self, actor: Actor) -> Sequence[File]:
        """Newest first."""
        with self._ledger.reading() as reading:
            seen = sees(reading, actor)
            return [file for file in reading.files() if seen(file.lease_id)]

    def show(self, actor: Actor, ref: str) -> File:
        """Raises NotFoundError."""
        with self._ledger.reading() as reading:
            return file_of(reading, actor, ref)

    def content(self, actor: Actor, ref: str) -> Path:
        """Where its bytes lie. Raises NotFoundError."""
        with self._ledger.reading() as reading:
            return self.path(file_of(reading, actor, ref, Permission.READ_CONTENTS))

    def delete(self, actor: Actor, ref: str) -> None:
        """Raises NotFoundError; ForbiddenError when somebody else's lease owns it; InvalidOperationError while a backend has it
        bound; ConflictError when graphs change all the time.
        """
        with self._ledger.reading() as reading:
            file = file_of(reading, actor, ref, Permission.WRITE_FILES)
        looked_at: set[_Point] = set()
        with self._blobs.lock:
            for _ in range(_LOOKS_MAX):
                self._look(file, looked_at)
                if self._delete_unbound(actor, file, looked_at):
                    return
        raise ConflictError(f"graphs change all the time; try again to delete file {file.id}")

    def _look(self, file: File, looked_at: set[_Point]) -> None:
        """At all graphs that were not looked at, or have changed since. Without the store's writer: who appends holds the lock of a
        backend and waits for the writer.
        """
        with self._ledger.reading() as reading:
            new = [backend for backend in reading.backends() if _point(backend) not in looked_at]
        for backend in new:
            with suppress(NotFoundError):  # deleted since it was listed
                current, graph = self._heads.graph(backend.id)
                if file.id in files_of(graph):
                    raise InvalidOperationError(f"backend {backend.name} has file {file.id} bound")
                looked_at.add(_point(current))

    def _delete_unbound(self, actor: Actor, file: File, looked_at: set[_Point]) -> bool:
        """False when a graph has changed since it was looked at."""
        with self._ledger.change(actor) as change:
            if not looked_at.issuperset(map(_point, change.rows.backends())):
                return False
            file = file_of(change.rows, actor, file.id, Permission.WRITE_FILES)
            if file.lease_id is not None:
                lease_of(change.rows, actor, file.lease_id)
            change.rows.delete_file(file.id)
            change.tell("file.deleted", lease_id=file.lease_id, data={"id": file.id, "name": file.name})
            used = change.rows.is_content_used(file.content_hash)
        if not used:
            self._blobs.remove(file.content_hash)
        return True

    def path(self, file: File) -> Path:
        """Where a file's bytes lie. For the controller."""
        return self._blobs.path(file.content_hash)

    def sweep(self) -> int:
        """Remove contents that nobody refers to: what a crash left. To be called at the start, before anything else. Returns
        how many there were.
        """
        with self._blobs.lock, self._ledger.reading() as reading:
            return self._blobs.sweep(reading.is_content_used)


def _point(backend: Backend) -> _Point:
    return backend.id, backend.head, backend.graph_hash


def _check(what: str, text: str) -> None:
    """A name that a table can show and a path may end with."""
    if not 0 < len(text) <= FILE_NAME_LENGTH_MAX or not text.isprintable() or "/" in text or text in (".", ".."):
        raise InvalidArgumentError(f"a file's {what} has 1 to {FILE_NAME_LENGTH_MAX} printable characters and no /")


def _put(change: Change, file: File, event: str) -> None:
    change.rows.put_file(file)
    data = {"id": file.id, "name": file.name, "type": file.file_type, "size_bytes": file.size_bytes}
    change.tell(event, lease_id=file.lease_id, data=data)
