"""Graphs at the heads of their logs, and the lock that puts the changes of each backend in a row.

A log is replayed once; from then on its head follows what is appended, so that appending to a large graph costs what the operation
costs. What is kept is only ever a copy: it is used if it stands where the row says (seq and hash), else the log is replayed.
Heads that have not been used for longest go first when all together have too many vertices.

Order of locks: a backend's lock, then a transaction of the store. Never the other way round.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from pie_deploy.domain.graph import Graph
from pie_deploy.domain.head import Head
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.operations import OperationRecord
from pie_deploy.domain.records import Backend
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import NotFoundError
from pie_deploy.limits import HEADS_VERTICES_MAX, LOG_CHUNK_OPERATIONS
from pie_deploy.ports.store import Reading
from pie_deploy.services.actor import PLATFORM
from pie_deploy.services.ledger import Ledger
from pie_deploy.services.lookup import backend_of


class Heads:
    def __init__(self, ledger: Ledger, vertices_max: int = HEADS_VERTICES_MAX) -> None:
        self._ledger = ledger
        self._vertices_max = vertices_max
        self._mutex = threading.Lock()
        self._locks: dict[str, threading.RLock] = {}
        self._kept: OrderedDict[str, Head] = OrderedDict()
        self.shapes = shapes_from(self._manifest)

    @contextmanager
    def locked(self, backend_id: str) -> Iterator[None]:
        """Nobody else in this process changes the backend, or looks at its head, inside the block."""
        with self._mutex:
            lock = self._locks.setdefault(backend_id, threading.RLock())
        with lock:
            yield

    def at(self, reading: Reading, backend: Backend) -> Head:
        """The head of a backend that is locked; to be changed by whoever holds the lock, who takes back what the store refuses."""
        with self._mutex:
            head = self._kept.get(backend.id)
        if head is None or (head.seq, head.hash()) != (backend.head, backend.graph_hash):
            head = Head.replay(log(reading, backend.id), self.shapes, name=backend.name, files=self._file_type)
        self._keep(backend.id, head)
        return head

    def empty(self) -> Head:
        """Of a backend that is being made."""
        return Head(self.shapes, files=self._file_type)

    def graph(self, backend_id: str) -> tuple[Backend, Graph]:
        """A backend and the graph that goes with its row. Raises NotFoundError."""
        with self.locked(backend_id), self._ledger.reading() as reading:
            backend = backend_of(reading, PLATFORM, backend_id)
            return backend, self.at(reading, backend).graph()

    def forget(self, backend_id: str) -> None:
        """The backend is deleted, or what is kept cannot be trusted."""
        with self._mutex:
            self._kept.pop(backend_id, None)

    def _keep(self, backend_id: str, head: Head) -> None:
        with self._mutex:
            self._kept[backend_id] = head
            self._kept.move_to_end(backend_id)
            weight = sum(map(_weight, self._kept.values()))
            while weight > self._vertices_max and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                weight -= _weight(dropped)

    def _manifest(self, version_id: str) -> ComponentManifest:
        with self._ledger.reading() as reading:
            version = reading.find_version(version_id)
        if version is None or version.id != version_id:
            raise NotFoundError(f"there is no component version {version_id[:80]!r}")
        return version.manifest

    def _file_type(self, file_id: str) -> str | None:
        with self._ledger.reading() as reading:
            file = reading.find_file(file_id)
        return file.file_type if file is not None and file.id == file_id else None


def _weight(head: Head) -> int:
    """In vertices; a head without any has indexes and a digest, too."""
    return len(head.vertices) + 100


def log(reading: Reading, backend_id: str, *, after: int = 0) -> Iterator[OperationRecord]:
    """A backend's log after a seq, oldest first; never in memory whole."""
    while chunk := reading.operations(backend_id, after, LOG_CHUNK_OPERATIONS):
        yield from chunk
        after = chunk[-1].seq
