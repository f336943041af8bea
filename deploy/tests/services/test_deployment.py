import pytest
from msgspec.structs import replace
from service_platform import (
    ALICE,
    BOB,
    SECOND_NS,
    SHOUT,
    START_NS,
    ServicePlatform,
    component_archive,
    connect,
    shout_operations,
)

from pie_deploy.domain.operations import AddVertex, ChangeParameter, Describe
from pie_deploy.errors import (
    DeployError,
    DeploymentLiveError,
    DeploymentStateError,
    ForbiddenError,
    GraphIncompleteError,
    InvalidArgumentError,
    LeaseClosedError,
    LeaseOwnershipError,
    NotFoundError,
    PlacementError,
    RuntimeClassError,
    RuntimeFullError,
    RuntimeLockedError,
    SketchPresentError,
)

HOUR_NS = 3600 * SECOND_NS


@pytest.fixture
def ready(platform: ServicePlatform) -> ServicePlatform:
    """A runtime, a released component, and a complete backend `words`."""
    platform.runtime()
    platform.released()
    platform.backend()
    return platform


def refused(
    platform: ServicePlatform, error: type[DeployError], match: str | None = None, backend: str = "words", **more: object
) -> DeployError:
    """Deploying is refused, and leaves nothing but an entry in the audit."""
    with platform.store.reading() as reading:
        before = reading.deployments(gone=True), reading.containers()
    with pytest.raises(error, match=match) as caught:
        platform.services.deployments.deploy(ALICE, backend, **more)  # type: ignore[arg-type]
    with platform.store.reading() as reading:
        assert (reading.deployments(gone=True), reading.containers()) == before
    last = platform.services.audit.list(ALICE)[-1]
    assert (last.type, last.data["code"]) == ("deployment.rejected", caught.value.code)
    return caught.value


# Accepting


def test_an_accepted_deployment_has_a_row_and_a_reserved_container_per_vertex(ready: ServicePlatform) -> None:
    ready.services.backends.append(ALICE, "words", [AddVertex(vertex="t", transformation="tee"), connect("v", "t")])
    backend = ready.services.backends.show(ALICE, "words").backend
    deployment = ready.services.deployments.deploy(ALICE, "words", debug=True)
    assert (deployment.status, deployment.containers, deployment.debug, deployment.generation) == ("deploying", 2, True, 1)
    assert (deployment.backend_id, deployment.backend_seq, deployment.graph_hash) == (backend.id, backend.head, backend.graph_hash)
    assert (deployment.created_by, deployment.created_at_ns) == ("alice", START_NS)
    assert deployment.expires_at_ns == START_NS + 24 * HOUR_NS
    containers = ready.services.containers.list(ALICE, deployment.id)
    assert [(container.vertex, container.state, container.generation) for container in containers] == [
        ("t", "pending", 1),
        ("v", "pending", 1),
    ]
    node = ready.services.runtimes.show(ALICE, "local").nodes[0].id
    assert {container.node_id for container in containers} == {node}
    assert (containers[1].cpu, containers[1].memory_bytes) == (1.0, 1 << 30)
    assert ready.event_types()[-1] == "deployment.deploying"


def test_the_reservation_is_on_the_node(ready: ServicePlatform) -> None:
    ready.services.deployments.deploy(ALICE, "words")
    [load] = ready.services.runtimes.load(ALICE, "local")
    assert (load.cpu, load.cpu_used, load.memory_used_bytes) == (4.0, 1.0, 1 << 30)


def test_secrets_are_made_and_not_shown(ready: ServicePlatform) -> None:
    deployment = ready.services.deployments.deploy(ALICE, "words")
    with ready.store.reading() as reading:
        [recorded] = reading.containers(deployment.id)
    assert len(recorded.secret) == 32
    [shown] = ready.services.containers.list(ALICE, "words")
    assert shown == replace(recorded, secret="")
    assert ready.services.containers.show(ALICE, recorded.id) == shown


def test_a_deployment_is_found_by_its_id_and_by_its_backend(ready: ServicePlatform) -> None:
    deployment = ready.services.deployments.deploy(ALICE, "words")
    for ref in (deployment.id, deployment.backend_id, "words"):
        assert ready.services.deployments.show(ALICE, ref) == deployment
    with pytest.raises(NotFoundError):
        ready.services.deployments.show(ALICE, "letters")


def test_a_fixed_duration_pins_the_deadline(ready: ServicePlatform) -> None:
    deployment = ready.services.deployments.deploy(ALICE, "words", fixed_duration="1h30m", startup_timeout="45s")
    assert deployment.expires_at_ns == deployment.hard_deadline_ns == START_NS + 90 * 60 * SECOND_NS
    assert (deployment.fixed_duration, deployment.startup_timeout_ns) == ("1h30m", 45 * SECOND_NS)


def test_a_fork_is_deployed_alongside(ready: ServicePlatform) -> None:
    ready.services.backends.fork(ALICE, "words", "letters")
    first = ready.services.deployments.deploy(ALICE, "words")
    second = ready.services.deployments.deploy(ALICE, "letters")
    assert ready.services.deployments.list(BOB) in ([first, second], [second, first])


# Refusing (R13): every reason, no row, nothing reserved


def test_a_backend_has_one_deployment(ready: ServicePlatform) -> None:
    ready.services.deployments.deploy(ALICE, "words")
    refused(ready, DeploymentLiveError, "fork the backend")


def test_a_failed_deployment_still_blocks_and_the_answer_says_what_to_do(ready: ServicePlatform) -> None:
    ready.put(replace(ready.services.deployments.deploy(ALICE, "words"), status="failed"))
    refused(ready, DeploymentLiveError, "redeploy or undeploy")


def test_an_empty_graph_is_refused(ready: ServicePlatform) -> None:
    ready.services.backends.create(ALICE, "empty")
    refused(ready, GraphIncompleteError, "no vertices", "empty")


def test_a_sketch_is_refused(ready: ServicePlatform) -> None:
    ready.services.backends.append(ALICE, "words", [AddVertex(vertex="s", transformation="sketch")])
    refused(ready, SketchPresentError, "sketch")


def test_everything_that_is_missing_is_listed(ready: ServicePlatform) -> None:
    strict = component_archive(
        "strict",
        input_types=["String", "String"],
        config_schema={"level": {"type": "Int64"}},
        file_schema={"model": {"type": "weights"}},
    )
    ready.released(strict)
    ready.services.backends.append(ALICE, "words", [AddVertex(vertex="s", component="strict")])
    error = refused(ready, GraphIncompleteError)
    assert sorted(detail.message for detail in error.details) == [
        "file slot model of vertex s has no file",
        "input 0 of vertex s is not connected",
        "input 1 of vertex s is not connected",
        "parameter level of vertex s has no value",
    ]


def test_somebody_elses_prerelease_is_not_deployed(ready: ServicePlatform) -> None:
    ready.publish(component_archive("mine", input_types=[], output_types=[]))
    ready.services.backends.create(ALICE, "private")
    ready.services.backends.append(ALICE, "private", [AddVertex(vertex="m", component="mine")])
    with pytest.raises(ForbiddenError, match="vertex m runs a prerelease of somebody else"):
        ready.services.deployments.deploy(BOB, "private")
    assert ready.services.deployments.deploy(ALICE, "private").status == "deploying"


def test_a_full_runtime_is_refused_whole(ready: ServicePlatform) -> None:
    ready.services.backends.append(ALICE, "words", [op for name in "abcd" for op in shout_operations(vertex=name)])
    error = refused(ready, RuntimeFullError, "no room")
    assert len(error.details) == 1
    assert ready.services.runtimes.load(ALICE, "local")[0].cpu_used == 0


def test_what_is_reserved_counts(ready: ServicePlatform) -> None:
    ready.services.backends.append(ALICE, "words", [op for name in "ab" for op in shout_operations(vertex=name)])
    ready.services.backends.fork(ALICE, "words", "letters")
    ready.services.deployments.deploy(ALICE, "words")
    refused(ready, RuntimeFullError, "no room", "letters")


def test_a_runtime_of_the_wrong_class_is_refused(ready: ServicePlatform) -> None:
    ready.released(component_archive("trained", input_types=[], output_types=[], resources={"labels": ["gpu"]}))
    ready.services.backends.append(ALICE, "words", [AddVertex(vertex="g", component="trained")])
    refused(ready, RuntimeClassError, "vertex g needs the label 'gpu'")


def test_a_locked_and_an_expired_runtime_are_refused(ready: ServicePlatform) -> None:
    ready.services.runtimes.lock(ALICE, "local")
    refused(ready, RuntimeLockedError, "locked")
    ready.services.runtimes.unlock(ALICE, "local")
    ready.runtime("short", expires="1s")
    ready.clock.advance(SECOND_NS)
    refused(ready, RuntimeLockedError, "expired", runtime="short")


@pytest.mark.parametrize("duration", ["0s", "-1h", "half an hour", "500ms", "1", ""])
def test_a_bad_fixed_duration_is_refused(ready: ServicePlatform, duration: str) -> None:
    refused(ready, InvalidArgumentError, fixed_duration=duration)


def test_a_fixed_duration_above_the_ceiling_is_refused(platform: ServicePlatform) -> None:
    platform.runtime(ceiling="1h")
    platform.released()
    platform.backend()
    refused(platform, InvalidArgumentError, "at most 1h", fixed_duration="61m")
    assert platform.services.deployments.deploy(ALICE, "words", fixed_duration="60m").hard_deadline_ns == START_NS + HOUR_NS


@pytest.mark.parametrize("timeout", ["0s", "25h", "soon"])
def test_a_bad_startup_timeout_is_refused(ready: ServicePlatform, timeout: str) -> None:
    refused(ready, InvalidArgumentError, startup_timeout=timeout)


def test_all_reasons_come_at_once(ready: ServicePlatform) -> None:
    ready.services.deployments.deploy(ALICE, "words")
    ready.put(replace(ready.services.deployments.show(ALICE, "words"), status="failed"))
    ready.services.backends.append(ALICE, "words", [AddVertex(vertex="s", transformation="sketch")])
    ready.services.runtimes.lock(ALICE, "local")
    error = refused(ready, SketchPresentError, runtime="local", startup_timeout="0s", fixed_duration="x")
    codes = [detail.code for detail in error.details]
    assert codes == ["sketch_present", "invalid_argument", "deployment_live", "invalid_argument", "runtime_locked"]


# Choosing a runtime


def test_the_only_runtime_of_the_right_class_is_taken(ready: ServicePlatform) -> None:
    ready.runtime("other", labels=["gpu"])
    ready.released(component_archive("trained", input_types=[], output_types=[], resources={"labels": ["gpu"]}))
    ready.services.backends.create(ALICE, "model")
    ready.services.backends.append(ALICE, "model", [AddVertex(vertex="g", component="trained")])
    runtime = ready.services.runtimes.show(ALICE, "other")
    assert ready.services.deployments.deploy(ALICE, "model").runtime_id == runtime.id


def test_of_several_runtimes_one_has_to_be_named(ready: ServicePlatform) -> None:
    ready.runtime("other")
    refused(ready, InvalidArgumentError, "name one of local, other")
    ready.services.deployments.deploy(ALICE, "words", runtime="other")


def test_a_runtime_that_is_not_there_is_told(ready: ServicePlatform) -> None:
    refused(ready, NotFoundError, "runtime", runtime="none")


def test_without_any_runtime_there_is_no_deployment(platform: ServicePlatform) -> None:
    platform.released()
    platform.backend()
    refused(platform, PlacementError, "there is no runtime")


# Redeploying


@pytest.fixture
def running(ready: ServicePlatform) -> ServicePlatform:
    deployment = ready.services.deployments.deploy(ALICE, "words")
    ready.put(replace(deployment, status="running", started_at_ns=START_NS))
    return ready


def test_redeploying_reserves_the_next_generation_beside_the_one_that_serves(running: ServicePlatform) -> None:
    running.services.backends.append(ALICE, "words", [ChangeParameter(vertex="v", name="marks", value="3")])
    before = running.services.deployments.show(ALICE, "words")
    after = running.services.deployments.redeploy(ALICE, "words", debug=True)
    assert (after.id, after.status, after.redeploying, after.generation, after.debug) == (before.id, "running", True, 2, True)
    assert after.backend_seq == before.backend_seq + 1
    assert after.expires_at_ns == before.expires_at_ns
    assert [container.generation for container in running.services.containers.list(ALICE, "words")] == [1, 2]
    assert running.services.runtimes.load(ALICE, "local")[0].cpu_used == 1.0


def test_a_failed_deployment_is_deploying_again(running: ServicePlatform) -> None:
    running.put(replace(running.services.deployments.show(ALICE, "words"), status="failed", status_reason="crashloop"))
    after = running.services.deployments.redeploy(ALICE, "words")
    assert (after.status, after.status_reason, after.redeploying, after.generation) == ("deploying", "", False, 2)


def test_redeploying_fits_where_the_deployment_fits(running: ServicePlatform) -> None:
    """Its own reservation serves both generations, even on a runtime that is full and locked."""
    running.services.backends.append(ALICE, "words", [Describe(description="d")])
    with running.store.transaction() as transaction:
        runtime = running.services.runtimes.show(ALICE, "local")
        transaction.put_runtime(replace(runtime, nodes=(replace(runtime.nodes[0], cpu=1.0),), locked=True))
    assert running.services.deployments.redeploy(ALICE, "words").generation == 2


def test_a_redeploy_that_does_not_fit_is_refused_and_changes_nothing(running: ServicePlatform) -> None:
    failed = replace(running.services.deployments.show(ALICE, "words"), status="failed")
    running.put(failed)
    running.services.backends.append(ALICE, "words", [op for name in "abcd" for op in shout_operations(vertex=name)])
    with pytest.raises(RuntimeFullError):
        running.services.deployments.redeploy(ALICE, "words")
    assert running.services.deployments.show(ALICE, "words") == failed
    assert len(running.services.containers.list(ALICE, "words")) == 1


def test_redeploying_moves_to_another_runtime(running: ServicePlatform) -> None:
    other = running.runtime("other")
    log = running.services.backends.operations(ALICE, "words")
    moved = running.services.deployments.redeploy(ALICE, "words", runtime="other")
    assert moved.runtime_id == other.id
    assert running.services.containers.list(ALICE, "words")[1].node_id == other.nodes[0].id
    assert running.services.backends.operations(ALICE, "words") == log


def test_it_does_not_move_to_a_locked_runtime(running: ServicePlatform) -> None:
    running.runtime("other")
    running.services.runtimes.lock(ALICE, "other")
    with pytest.raises(RuntimeLockedError):
        running.services.deployments.redeploy(ALICE, "words", runtime="other")


@pytest.mark.parametrize("changes", [{"status": "deploying"}, {"status": "tearing_down"}, {"redeploying": True}])
def test_it_is_redeployed_when_it_is_running_or_failed(running: ServicePlatform, changes: dict[str, object]) -> None:
    running.put(replace(running.services.deployments.show(ALICE, "words"), **changes))
    with pytest.raises(DeploymentStateError):
        running.services.deployments.redeploy(ALICE, "words")


# Undeploying


def test_undeploying_begins_to_tear_down_and_may_be_said_again(running: ServicePlatform) -> None:
    ending = running.services.deployments.undeploy(BOB, "words")
    assert (ending.status, ending.status_reason, ending.status_message) == ("tearing_down", "undeploy", "undeployed by bob")
    events = len(running.event_types())
    assert running.services.deployments.undeploy(ALICE, ending.id) == ending
    assert len(running.event_types()) == events


def test_a_gone_deployment_is_shown_but_not_undeployed(running: ServicePlatform) -> None:
    ending = running.services.deployments.undeploy(ALICE, "words")
    gone = replace(ending, gone_at_ns=START_NS + 1)
    running.put(gone)
    assert running.services.deployments.show(ALICE, gone.id) == gone
    assert running.services.deployments.list(ALICE) == []
    assert running.services.deployments.list(ALICE, gone=True) == [gone]
    for ref in (gone.id, "words"):
        with pytest.raises(NotFoundError):
            running.services.deployments.undeploy(ALICE, ref)
    assert running.services.deployments.deploy(ALICE, "words").id != gone.id


def test_events_tell_what_happened_to_a_deployment(running: ServicePlatform) -> None:
    deployment = running.services.deployments.undeploy(ALICE, "words")
    first, second = running.services.deployments.events(ALICE, "words")
    assert [first.type, second.type] == ["deployment.deploying", "deployment.tearing_down"]
    assert running.services.deployments.events(ALICE, deployment.id, after=first.seq) == [second]


# Inside leases


def test_a_deployment_of_a_lease_belongs_to_it(ready: ServicePlatform) -> None:
    lease = ready.services.leases.create(ALICE)
    assert ready.services.deployments.deploy(ALICE, "words", lease=lease.id).lease_id == lease.id


def test_a_backend_of_a_lease_is_deployed_inside_it(ready: ServicePlatform) -> None:
    lease, other = ready.services.leases.create(ALICE), ready.services.leases.create(ALICE)
    ready.backend("candidate", lease.id)
    refused(ready, LeaseOwnershipError, lease.id, "candidate", lease=other.id)
    assert ready.services.deployments.deploy(ALICE, "candidate").lease_id == lease.id


def test_a_lease_for_a_runtime_deploys_there_only(ready: ServicePlatform) -> None:
    other = ready.runtime("other")
    lease = ready.services.leases.create(ALICE, runtime="other")
    refused(ready, LeaseOwnershipError, "is for runtime", lease=lease.id, runtime="local")
    assert ready.services.deployments.deploy(ALICE, "words", lease=lease.id).runtime_id == other.id
    ready.put(replace(ready.services.deployments.show(ALICE, "words"), status="running"))
    with pytest.raises(LeaseOwnershipError):
        ready.services.deployments.redeploy(ALICE, "words", runtime="local")


def test_a_closed_lease_deploys_nothing(ready: ServicePlatform) -> None:
    lease = ready.services.leases.create(ALICE)
    ready.services.leases.commit(ALICE, lease.id)
    refused(ready, LeaseClosedError, lease=lease.id)


def test_a_large_graph_is_deployed_whole(platform: ServicePlatform) -> None:
    platform.runtime(cpu=100.0)
    platform.released(SHOUT)
    operations = [AddVertex(vertex=f"t{number}", transformation="tee") for number in range(300)]
    edges = [connect(f"t{number}", f"t{number + 1}") for number in range(299)]
    platform.services.backends.create(ALICE, "long")
    platform.services.backends.append(ALICE, "long", [*shout_operations(), *operations, connect("v", "t0"), *edges])
    assert platform.services.deployments.deploy(ALICE, "long").containers == 301
