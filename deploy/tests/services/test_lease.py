import pytest
from msgspec.structs import replace
from service_platform import ALICE, BOB, SECOND_NS, START_NS, ServicePlatform, component_archive

from pie_deploy.domain.operations import AddFile, AddVertex
from pie_deploy.domain.records import Deployment, Lease
from pie_deploy.errors import ForbiddenError, InvalidArgumentError, LeaseClosedError, LeaseOwnershipError, NotFoundError


@pytest.fixture
def lease(platform: ServicePlatform) -> Lease:
    """With a prerelease, a file, and a backend that uses both."""
    lease = platform.services.leases.create(ALICE, ttl="10m", label="smoke")
    platform.publish(lease=lease.id)
    platform.services.files.upload(ALICE, "names", "text", [b"a"], lease.id)
    backend = platform.backend("candidate", lease.id)
    platform.services.backends.append(ALICE, backend.id, [AddFile(vertex="v", slot="names", file="names")])
    return lease


@pytest.fixture
def deployed(platform: ServicePlatform, lease: Lease) -> Deployment:
    platform.runtime()
    return platform.services.deployments.deploy(ALICE, "candidate")


def _gone(platform: ServicePlatform, deployment: Deployment) -> None:
    """What the controller does in the end."""
    current = platform.services.deployments.show(ALICE, deployment.id)
    assert current.status == "tearing_down"
    platform.put(replace(current, gone_at_ns=START_NS))


def _left(platform: ServicePlatform) -> tuple[int, int, int]:
    """Backends, files, versions."""
    services = platform.services
    return len(services.backends.list(ALICE)), len(services.files.list(ALICE)), len(services.components.list(ALICE))


def test_a_lease_shows_what_it_owns(platform: ServicePlatform, lease: Lease, deployed: Deployment) -> None:
    view = platform.services.leases.show(BOB, lease.id)
    assert view.lease == lease
    assert [backend.name for backend in view.backends] == ["candidate"]
    assert [file.name for file in view.files] == ["names"]
    assert [version.name for version in view.versions] == ["shout"]
    assert view.deployments == (deployed,)


@pytest.mark.parametrize("ttl", ["0s", "-1s", "200h", "soon"])
def test_a_time_that_a_lease_cannot_have_is_refused(platform: ServicePlatform, ttl: str) -> None:
    with pytest.raises(InvalidArgumentError):
        platform.services.leases.create(ALICE, ttl=ttl)


def test_a_lease_is_its_owners(platform: ServicePlatform, lease: Lease) -> None:
    leases = platform.services.leases
    for verb in (leases.heartbeat, leases.commit, leases.rollback):
        with pytest.raises(ForbiddenError):
            verb(BOB, lease.id)
    with pytest.raises(NotFoundError):
        leases.show(ALICE, "l-none")


def test_commit_keeps_everything(platform: ServicePlatform, lease: Lease) -> None:
    committed = platform.services.leases.commit(ALICE, lease.id)
    assert (committed.state, committed.reason, committed.closed_at_ns) == ("committed", "commit", START_NS)
    assert _left(platform) == (1, 1, 1)
    view = platform.services.leases.show(ALICE, lease.id)
    assert (view.backends, view.files, view.versions) == ((), (), ())
    assert platform.services.components.promote(ALICE, "shout").lease_id is None


def test_rollback_discards_everything_contents_too(platform: ServicePlatform, lease: Lease) -> None:
    rolled_back = platform.services.leases.rollback(ALICE, lease.id)
    assert (rolled_back.state, rolled_back.reason) == ("rolled_back", "rollback")
    assert _left(platform) == (0, 0, 0)
    assert [path for path in platform.home.blobs.rglob("*") if path.is_file()] == []


def test_rollback_keeps_a_content_that_somebody_else_has(platform: ServicePlatform, lease: Lease) -> None:
    kept = platform.services.files.upload(BOB, "mine", "text", [b"a"])
    platform.services.leases.rollback(ALICE, lease.id)
    assert platform.services.files.content(BOB, kept.id).read_bytes() == b"a"


@pytest.mark.parametrize(
    ("verb", "closing", "closed", "reason"),
    [
        ("commit", "committing", "committed", "lease_commit"),
        ("rollback", "rolling_back", "rolled_back", "lease_rollback"),
    ],
)
def test_either_close_reclaims_the_deployment_first(
    platform: ServicePlatform, lease: Lease, deployed: Deployment, verb: str, closing: str, closed: str, reason: str
) -> None:
    leases = platform.services.leases
    assert getattr(leases, verb)(ALICE, lease.id).state == closing
    deployment = platform.services.deployments.show(ALICE, deployed.id)
    assert (deployment.status, deployment.status_reason) == ("tearing_down", reason)
    assert _left(platform) == (1, 1, 1)
    assert not leases.settle()
    _gone(platform, deployed)
    assert leases.settle()
    assert leases.show(ALICE, lease.id).lease.state == closed
    assert _left(platform) == ((1, 1, 1) if verb == "commit" else (0, 0, 0))
    assert not leases.settle()


def test_the_same_close_again_answers_the_same_and_the_opposite_is_refused(platform: ServicePlatform, lease: Lease) -> None:
    leases = platform.services.leases
    committed = leases.commit(ALICE, lease.id)
    platform.clock.advance(1)
    assert leases.commit(ALICE, lease.id) == committed
    with pytest.raises(LeaseClosedError):
        leases.rollback(ALICE, lease.id)


def test_nothing_enters_a_closed_lease(platform: ServicePlatform, lease: Lease) -> None:
    platform.services.leases.commit(ALICE, lease.id)
    services = platform.services
    for create in (
        lambda: services.backends.create(ALICE, "late", lease.id),
        lambda: services.files.upload(ALICE, "late", "text", [b"x"], lease.id),
        lambda: services.files.link(ALICE, "names", lease.id),
        lambda: services.backends.fork(ALICE, "candidate", "late", lease=lease.id),
        lambda: services.leases.heartbeat(ALICE, lease.id),
        lambda: services.leases.promote(ALICE, lease.id, ["names"]),
    ):
        with pytest.raises(LeaseClosedError):
            create()


def test_a_lease_that_nobody_keeps_alive_rolls_back(platform: ServicePlatform, lease: Lease) -> None:
    leases = platform.services.leases
    platform.clock.advance(599 * SECOND_NS)
    assert not leases.settle()
    assert leases.heartbeat(ALICE, lease.id).heartbeat_at_ns == START_NS + 599 * SECOND_NS
    platform.clock.advance(599 * SECOND_NS)
    assert not leases.settle()
    platform.clock.advance(SECOND_NS)
    assert leases.settle()
    ended = leases.show(ALICE, lease.id).lease
    assert (ended.state, ended.reason) == ("rolled_back", "ttl")
    assert _left(platform) == (0, 0, 0)


def test_a_lease_whose_time_is_over_takes_nothing_even_before_anybody_notices(platform: ServicePlatform, lease: Lease) -> None:
    platform.clock.advance(600 * SECOND_NS)
    with pytest.raises(LeaseClosedError):
        platform.services.leases.heartbeat(ALICE, lease.id)
    with pytest.raises(LeaseClosedError):
        platform.services.leases.commit(ALICE, lease.id)


def test_a_rollback_that_was_interrupted_goes_on(platform: ServicePlatform, lease: Lease) -> None:
    with platform.store.transaction() as transaction:
        transaction.put_lease(replace(lease, state="rolling_back", reason="rollback"))
        backend = transaction.find_backend("candidate")
        assert backend is not None
        transaction.put_backend(replace(backend, deleted_at_ns=1))
    assert platform.services.leases.settle()
    assert platform.services.leases.show(ALICE, lease.id).lease.state == "rolled_back"
    assert _left(platform) == (0, 0, 0)


def test_settling_wakes_nobody_when_there_is_nothing_to_do(platform: ServicePlatform, lease: Lease, deployed: Deployment) -> None:
    platform.services.leases.rollback(ALICE, lease.id)
    before = platform.services.wakeup.count
    platform.services.leases.settle()
    assert platform.services.wakeup.count == before


def test_a_verdict_may_come_after_the_close(platform: ServicePlatform, lease: Lease) -> None:
    leases = platform.services.leases
    leases.rollback(ALICE, lease.id)
    assert leases.set_result(ALICE, lease.id, {"verdict": "passed"}).result == {"verdict": "passed"}
    assert leases.list(ALICE) == []
    assert leases.list(ALICE, closed=True)[0].result == {"verdict": "passed"}


# Promoting (OQ46, OQ47)


def test_what_is_promoted_survives_the_rollback(platform: ServicePlatform, lease: Lease) -> None:
    platform.services.leases.promote(ALICE, lease.id, ["names"])
    platform.services.leases.rollback(ALICE, lease.id)
    assert _left(platform) == (0, 1, 0)
    assert platform.services.files.content(ALICE, "names").read_bytes() == b"a"


def test_a_backend_needs_what_it_refers_to(platform: ServicePlatform, lease: Lease) -> None:
    with pytest.raises(LeaseOwnershipError) as refused:
        platform.services.leases.promote(ALICE, lease.id, ["candidate"])
    assert len(refused.value.details) == 2
    assert platform.services.leases.show(ALICE, lease.id).backends != ()


def test_a_backend_is_promoted_with_what_it_refers_to(platform: ServicePlatform, lease: Lease) -> None:
    left = platform.services.leases.promote(ALICE, lease.id, ["candidate"], with_deps=True)
    assert (left.backends, left.files, left.versions) == ((), (), ())
    platform.services.leases.rollback(ALICE, lease.id)
    assert _left(platform) == (1, 1, 1)
    assert platform.services.backends.show(ALICE, "candidate").problems == ()


def test_naming_everything_is_as_good(platform: ServicePlatform, lease: Lease) -> None:
    platform.services.leases.promote(ALICE, lease.id, ["candidate", "names", "shout@1"])


def test_a_deployment_is_not_promoted(platform: ServicePlatform, lease: Lease, deployed: Deployment) -> None:
    with pytest.raises(LeaseOwnershipError, match="ends with its lease"):
        platform.services.leases.promote(ALICE, lease.id, [deployed.id])


def test_what_the_lease_does_not_own_is_not_promoted(platform: ServicePlatform, lease: Lease) -> None:
    platform.services.backends.create(ALICE, "outside")
    with pytest.raises(LeaseOwnershipError, match="does not belong"):
        platform.services.leases.promote(ALICE, lease.id, ["outside"])
    with pytest.raises(NotFoundError):
        platform.services.leases.promote(ALICE, lease.id, ["nothing"])


def test_a_workspace_backend_may_be_deployed_inside_a_lease_and_stays_the_workspaces(
    platform: ServicePlatform, lease: Lease
) -> None:
    platform.runtime()
    platform.released(component_archive("plain", input_types=[], output_types=[]))
    platform.services.backends.create(ALICE, "own")
    platform.services.backends.append(ALICE, "own", [AddVertex(vertex="p", component="plain")])
    deployment = platform.services.deployments.deploy(ALICE, "own", lease=lease.id)
    platform.services.leases.rollback(ALICE, lease.id)
    _gone(platform, deployment)
    platform.services.leases.settle()
    assert [backend.name for backend in platform.services.backends.list(ALICE)] == ["own"]


def test_leases_are_in_the_audit(platform: ServicePlatform, lease: Lease) -> None:
    platform.services.leases.rollback(ALICE, lease.id)
    types = [event.type for event in platform.services.audit.list(ALICE, lease=lease.id)]
    assert types[0] == "lease.created"
    assert types[-5:] == ["lease.rolling_back", "backend.deleted", "file.deleted", "component.deleted", "lease.rolled_back"]
