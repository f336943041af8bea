"""What the log of operations costs, through the services, on SQLite as `pie up` uses it. No control plane runs; one caller.

append_per_s         operations, in requests of 20 (somebody wires a few vertices): a request is atomic, and durable when answered
append_large_per_s   the same on a graph of 10,000 vertices
append_single_per_s  operations, in requests of one: each waits for the disk, which does
syncs_per_s          so many writes that are waited for (4 KiB and fdatasync, beside the database)
replay_s             100,000 operations read from the database, decoded, replayed and checked by hash: what the first request to
                     a backend waits for after a restart
"""

import itertools
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from benches.report import Figure, report
from pie_deploy.clock import SystemClock
from pie_deploy.config import Home
from pie_deploy.domain.head import Head
from pie_deploy.domain.manifest import ComponentManifest
from pie_deploy.domain.operations import AddVertex, ChangeParameter, Connect, Input, MoveVertex, Operation, Output, SetNote
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import NotFoundError
from pie_deploy.ports.store import Store
from pie_deploy.services.actor import Actor
from pie_deploy.services.assembly import assemble
from pie_deploy.services.backend import Backends
from pie_deploy.services.heads import log
from pie_deploy.store import open_store

SMALL_VERTICES = 10
LARGE_VERTICES = 10_000
OPERATIONS = 100_000
REQUEST = 20
REQUESTS = 50
SYNCS = 100
BATCH = 10_000
ROUNDS = 3
ACTOR = Actor("bench")


def chain(vertices: int) -> Iterator[Operation]:
    """Vertices that each delay the one before."""
    for number in range(vertices):
        yield AddVertex(vertex=f"v{number}", transformation="delay_one", parameters={"type": '"Int64"', "value": "0"})
        if number:
            yield Connect(output=Output(f"v{number - 1}"), input=Input(f"v{number}"))


def edits(vertices: int, seed: int) -> Iterator[Operation]:
    """Changes here and there, without end."""
    chosen = random.Random(seed)
    for number in itertools.count():
        vertex = f"v{chosen.randrange(vertices)}"
        yield ChangeParameter(vertex=vertex, name="value", value=str(number))
        yield SetNote(vertex=vertex, note=f"note {number}")
        yield MoveVertex(vertex=vertex, position=(float(number), 0.5))


def build(backends: Backends, name: str, vertices: int) -> None:
    backends.create(ACTOR, name)
    append(backends, name, list(chain(vertices)))


def append(backends: Backends, name: str, operations: Sequence[Operation]) -> None:
    for start in range(0, len(operations), BATCH):
        backends.append(ACTOR, name, operations[start : start + BATCH])


def appends_per_s(backends: Backends, name: str, vertices: int, size: int) -> float:
    """Operations per second of requests of that size, one after the other; median of the rounds."""
    rates: list[float] = []
    for seed in range(ROUNDS):
        operations = edits(vertices, seed)
        requests = [list(itertools.islice(operations, size)) for _ in range(REQUESTS)]
        begin = time.perf_counter()
        for request in requests:
            backends.append(ACTOR, name, request)
        rates.append(size * REQUESTS / (time.perf_counter() - begin))
    return statistics.median(rates)


def syncs_per_s(folder: Path) -> float:
    """What the disk gives somebody who waits for each write."""
    file = os.open(folder / "syncs", os.O_CREAT | os.O_WRONLY, 0o600)
    begin = time.perf_counter()
    for _ in range(SYNCS):
        os.write(file, bytes(4096))
        os.fdatasync(file)
    taken = time.perf_counter() - begin
    os.close(file)
    return SYNCS / taken


def replay_s(store: Store, backends: Backends, name: str, vertices: int) -> float:
    """Of a log of `OPERATIONS`, median of the rounds."""
    backend = backends.show(ACTOR, name).backend
    append(backends, name, list(itertools.islice(edits(vertices, seed=-1), OPERATIONS - backend.head)))
    taken: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        with store.reading() as reading:
            head = Head.replay(log(reading, backend.id), shapes_from(_no_components), name=name)
        taken.append(time.perf_counter() - begin)
        assert head.seq == OPERATIONS
    return statistics.median(taken)


def _no_components(version_id: str) -> ComponentManifest:
    raise NotFoundError(version_id)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="pie-oplog-") as folder:
        home = Home(Path(folder))
        home.create()
        with closing(open_store(f"sqlite:///{home.database}")) as store:
            services = assemble(store, home, SystemClock(), mac_key=bytes(32), gateway_url=lambda: "http://127.0.0.1:1")
            backends = services.backends
            build(backends, "small", SMALL_VERTICES)
            build(backends, "large", LARGE_VERTICES)
            figures = [
                Figure("append_per_s", appends_per_s(backends, "small", SMALL_VERTICES, REQUEST), "1/s", ">= 500"),
                Figure("append_large_per_s", appends_per_s(backends, "large", LARGE_VERTICES, REQUEST), "1/s", ">= 500"),
                Figure("append_single_per_s", appends_per_s(backends, "large", LARGE_VERTICES, 1), "1/s"),
                Figure("syncs_per_s", syncs_per_s(home.root), "1/s"),
                Figure("replay_s", replay_s(store, backends, "large", LARGE_VERTICES), "s", "<= 3"),
            ]
    report("oplog", figures)


if __name__ == "__main__":
    main()
