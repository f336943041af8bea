"""Replayed graphs, kept up to date entry by entry: the controller reads a log once, then only what is new.

Operations in a log were checked when they landed, so they are only applied here. A log that was rewritten (compact) is noticed
by the hash of the newest entry that was applied, and read again.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from pie_deploy.domain.change import change
from pie_deploy.domain.operations import (
    AddFile,
    ChangeParameter,
    Describe,
    MoveVertex,
    OperationRecord,
    RemoveFile,
    RenameBackend,
    RenameVertex,
    SetNote,
)
from pie_deploy.domain.records import Backend
from pie_deploy.domain.tables import Tables
from pie_deploy.limits import GRAPHS_KEPT_VERTICES_MAX
from pie_deploy.ports.store import Reading

_VALUES = (ChangeParameter, AddFile, RemoveFile)
_COSMETIC = (RenameVertex, MoveVertex, SetNote, RenameBackend, Describe)


@dataclass(slots=True)
class Mirror:
    """A backend's graph at one entry of its log."""

    backend_id: str
    seq: int = 0
    graph_hash: str = ""
    tables: Tables = field(default_factory=Tables)
    value_seqs: dict[str, int] = field(default_factory=dict)
    """The newest entry that changed a value or a file of a vertex."""

    def apply(self, record: OperationRecord) -> None:
        change(self.tables, record.operation)
        self.tables.touched.clear()
        if isinstance(record.operation, _VALUES):
            self.value_seqs[record.operation.vertex] = record.seq
        self.seq, self.graph_hash = record.seq, record.graph_hash


class Graphs:
    """Used by one thread at a time."""

    def __init__(self, vertices_max: int = GRAPHS_KEPT_VERTICES_MAX) -> None:
        self._vertices_max = vertices_max
        self._mirrors: OrderedDict[str, Mirror] = OrderedDict()

    def at_head(self, reading: Reading, backend: Backend) -> Mirror:
        """The graph at the head of the backend's log."""
        mirror = self._mirrors.pop(backend.id, None)
        if mirror is None or not self._follow(reading, mirror, backend):
            mirror = Mirror(backend.id)
            for record in reading.operations(backend.id):
                mirror.apply(record)
        self._mirrors[backend.id] = mirror
        self._evict()
        return mirror

    def at(self, reading: Reading, backend_id: str, seq: int) -> Mirror:
        """The graph as it was at an entry; not kept. At the end of the log, if that is shorter."""
        mirror = Mirror(backend_id)
        for record in reading.operations(backend_id, 0, seq):
            mirror.apply(record)
        return mirror

    def has(self, backend_id: str) -> bool:
        return backend_id in self._mirrors

    def _follow(self, reading: Reading, mirror: Mirror, backend: Backend) -> bool:
        """Apply what is new; False when the log is another one."""
        if backend.head == mirror.seq and backend.graph_hash == mirror.graph_hash:
            return True
        if backend.head < mirror.seq or mirror.seq == 0:
            return False
        last, *new = reading.operations(backend.id, mirror.seq - 1)
        if last.graph_hash != mirror.graph_hash:
            return False
        for record in new:
            mirror.apply(record)
        return True

    def _evict(self) -> None:
        held = sum(len(mirror.tables.vertices) + 1 for mirror in self._mirrors.values())
        while held > self._vertices_max and len(self._mirrors) > 1:
            _, oldest = self._mirrors.popitem(last=False)
            held -= len(oldest.tables.vertices) + 1


def concerns_endpoints(record: OperationRecord) -> bool:
    """Whether the operation may change which endpoints a backend publishes."""
    return not isinstance(record.operation, (*_VALUES, *_COSMETIC))
