"""Many requests in a random order, by seed; what must always hold is checked after each. A failure names its seed."""

import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from service_platform import ALICE, BOB, START_NS, ServicePlatform, component_archive, service_platform

from pie_deploy.domain.head import Head
from pie_deploy.domain.operations import (
    AddFile,
    AddVertex,
    ChangeEndpointAlias,
    ChangeParameter,
    ChangeVersion,
    DeleteVertex,
    RemoveFile,
    RenameBackend,
)
from pie_deploy.domain.shape import shapes_from
from pie_deploy.errors import DeployError
from pie_deploy.ports.store import Reading
from pie_deploy.services.heads import log
from pie_deploy.services.resolution import files_of, versions_of

STEPS = 40
SHOUTS = component_archive(
    "shout",
    input_types=[],
    output_types=[],
    config_schema={"marks": {"type": "Int64", "default": "1", "mutable": True}},
    file_schema={"names": {"type": "text", "required": False, "mutable": True}},
    http={"text": {"direction": "egress", "type": "String"}},
)


class Crowd:
    """Two people who do what comes to their minds. Most of it is refused; nothing breaks."""

    def __init__(self, platform: ServicePlatform, seed: int) -> None:
        self.platform = platform
        self.chance = random.Random(seed)
        self.leases: list[str] = []
        self.accepted = 0

    def step(self) -> None:
        self.platform.clock.advance(self.chance.choice((1, 10**9, 10**9, 10**9, 100 * 10**9)))
        try:
            self.chance.choice(self._deeds())()
            self.accepted += 1
        except DeployError:
            pass

    def _deeds(self) -> list[Callable[[], object]]:
        services, actor = self.platform.services, self.chance.choice((ALICE, ALICE, ALICE, BOB))
        lease, backend = self.chance.choice([None, None, *self.leases[-2:]]), self._backend()
        edit = self._edit()
        return [
            *[lambda: services.backends.append(actor, backend, edit)] * 16,
            *[lambda: services.backends.create(actor, self._name(), lease)] * 2,
            lambda: services.backends.fork(actor, backend, self._name(), lease=lease, at=self.chance.choice((None, None, 1))),
            lambda: services.backends.undo(actor, backend, self.chance.randint(1, 3)),
            lambda: services.backends.compact(actor, backend),
            lambda: services.backends.delete(actor, backend),
            lambda: services.backends.apply(actor, self._name(), services.backends.export(actor, backend), lease=lease),
            *[lambda: services.components.publish(actor, SHOUTS, lease)] * 2,
            lambda: services.components.promote(actor, "shout"),
            *[lambda: services.files.upload(actor, "names", "text", [self.chance.randbytes(1)], lease)] * 2,
            lambda: services.files.delete(actor, "names"),
            *[lambda: self.leases.append(services.leases.create(actor, ttl="10m").id)] * 2,
            lambda: services.leases.promote(actor, lease or "", [backend], with_deps=self.chance.random() < 0.5),
            lambda: services.leases.commit(actor, lease or ""),
            lambda: services.leases.rollback(actor, lease or ""),
            lambda: services.leases.heartbeat(actor, lease or ""),
            services.leases.settle,
            *[lambda: services.deployments.deploy(actor, backend, lease=lease)] * 5,
            *[lambda: services.deployments.redeploy(actor, backend)] * 2,
            lambda: services.deployments.undeploy(actor, backend),
            *[self._control] * 4,
        ]

    def _edit(self) -> list[AddVertex]:
        vertex = self.chance.choice("abc")
        role = self.chance.choice((None, "one", "two"))
        edits = [
            *[AddVertex(vertex=vertex, component="shout")] * 4,
            DeleteVertex(vertex=vertex),
            ChangeVersion(vertex=vertex, component=f"shout@{self.chance.randint(1, 4)}"),
            ChangeParameter(vertex=vertex, name="marks", value=str(self.chance.randint(0, 9))),
            AddFile(vertex=vertex, slot="names", file="names"),
            RemoveFile(vertex=vertex, slot="names"),
            ChangeEndpointAlias(vertex=vertex, endpoint="text", role=role),
            RenameBackend(name=self._name()),
        ]
        return self.chance.sample(edits, self.chance.choice((1, 1, 1, 2)))  # type: ignore[type-var,return-value]

    def _name(self) -> str:
        return self.chance.choice(("red", "green", "blue", "white"))

    def _backend(self) -> str:
        known = [backend.name for backend in self.platform.services.backends.list(ALICE)]
        return self.chance.choice(known or ["none"])

    def _control(self) -> None:
        """What the controller would do with one deployment."""
        with self.platform.store.transaction() as transaction:
            for row in transaction.deployments()[:1]:
                if row.status == "tearing_down":
                    transaction.put_deployment(replace(row, gone_at_ns=START_NS))
                    continue
                old = [one.id for one in transaction.containers(row.id) if one.generation < row.generation]
                transaction.delete_containers(old)
                transaction.put_deployment(replace(row, status=self.chance.choice(("running", "failed")), redeploying=False))


def check(platform: ServicePlatform) -> None:
    """What must hold between any two requests."""
    with platform.store.reading() as reading:
        for backend in reading.backends():
            head = Head.replay(log(reading, backend.id), shapes_from(lambda _: pytest.fail("not needed")))
            assert (head.seq, head.hash()) == (backend.head, backend.graph_hash), "a row says what its log gives"
            _check_references(reading, backend.lease_id, head)
        living = reading.deployments()
        assert len({row.backend_id for row in living}) == len(living), "R01"
        for row in living:
            containers = [one for one in reading.containers(row.id) if one.generation == row.generation]
            assert len(containers) == row.containers, "a row has what was reserved for it"
        _check_leases(reading)
        used = {row.content_hash for row in (*reading.files(), *reading.versions())}
    folder = platform.home.blobs
    assert {path.name for path in folder.iterdir() if path.is_file()} == used, "a content is there as long as a row has it"
    assert not any((folder / ".staging").iterdir()), "nothing half written is left"


def _check_references(reading: Reading, lease_id: str | None, head: Head) -> None:
    graph = head.graph()
    for id_ in versions_of(graph).values():
        version = reading.find_version(id_)
        assert version is not None, "a component version that is used is there"
        assert version.lease_id in (None, lease_id), "what a lease owns is used in it only"
    for id_ in files_of(graph):
        file = reading.find_file(id_)
        assert file is not None, "a file that is bound is there"
        assert file.lease_id in (None, lease_id), "what a lease owns is used in it only"


def _check_leases(reading: Reading) -> None:
    open_ = {lease.id for lease in reading.leases()}
    rows = (*reading.backends(), *reading.files(), *reading.versions(), *reading.deployments())
    assert {row.lease_id for row in rows} <= {None, *open_}, "a closed lease owns nothing"
    for row in reading.deployments():
        backend = reading.find_backend(row.backend_id)
        assert backend is not None
        assert backend.deleted_at_ns is None, "a backend is there as long as its deployment"
        assert backend.lease_id in (None, row.lease_id), "a deployment of a lease's backend is the lease's"


@pytest.mark.parametrize("seed", range(6))
def test_what_must_hold_holds_whatever_people_do(seed: int, tmp_path: Path) -> None:
    ids = itertools.count()
    platform = service_platform(tmp_path, new_id=lambda prefix: f"{prefix}-{next(ids):012}")
    platform.runtime(cpu=100.0)
    platform.released(SHOUTS)
    for name in ("red", "green"):
        platform.services.backends.create(ALICE, name)
        platform.services.backends.append(ALICE, name, [AddVertex(vertex="a", component="shout")])
    crowd = Crowd(platform, seed)
    for _ in range(STEPS):
        crowd.step()
        check(platform)
    assert crowd.accepted > STEPS // 8, "the seed tries something"
    platform.close()
