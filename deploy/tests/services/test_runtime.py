import pytest
from service_platform import ALICE, SECOND_NS, START_NS, ServicePlatform

from pie_deploy.errors import AlreadyExistsError, InvalidArgumentError, NotFoundError, RuntimeLockedError
from pie_deploy.services.views import NodeRequest

NODE = NodeRequest(cpu=2.0, memory_bytes=1 << 30)


def test_a_runtime_has_what_was_asked_for(platform: ServicePlatform) -> None:
    made = platform.services.runtimes.create(
        ALICE, "big", labels=["cpu", "gpu", "cpu"], nodes=[NODE, NODE], ceiling="48h", expires="100h", crash_window="1m"
    )
    assert (made.labels, made.ceiling_ns, made.crash_window_ns) == (("cpu", "gpu"), 48 * 3600 * SECOND_NS, 60 * SECOND_NS)
    assert made.expires_at_ns == START_NS + 100 * 3600 * SECOND_NS
    assert len({node.id for node in made.nodes}) == 2
    assert {node.runtime_id for node in made.nodes} == {made.id}
    for ref in ("big", made.id):
        assert platform.services.runtimes.show(ALICE, ref) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Big"},
        {"launcher": "/bin/sh"},
        {"labels": ["GPU!"]},
        {"labels": [f"l{number}" for number in range(65)]},
        {"nodes": []},
        {"nodes": [NodeRequest(cpu=0, memory_bytes=1)]},
        {"nodes": [NodeRequest(cpu=float("nan"), memory_bytes=1)]},
        {"nodes": [NodeRequest(cpu=1, memory_bytes=0)]},
        {"nodes": [NodeRequest(cpu=1, memory_bytes=1, gpu=-1)]},
        {"ceiling": "0s"},
        {"expires": "yesterday"},
        {"crash_budget": -1},
    ],
    ids="-".join,
)
def test_what_makes_no_sense_is_refused(platform: ServicePlatform, wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgumentError):
        platform.services.runtimes.create(ALICE, **{"name": "big", "nodes": [NODE], **wrong})  # type: ignore[arg-type]


def test_a_name_is_taken_once(platform: ServicePlatform) -> None:
    platform.runtime()
    with pytest.raises(AlreadyExistsError):
        platform.runtime()
    with pytest.raises(NotFoundError):
        platform.services.runtimes.lock(ALICE, "other")


def test_locking_is_there_and_back(platform: ServicePlatform) -> None:
    platform.runtime()
    runtimes = platform.services.runtimes
    assert runtimes.lock(ALICE, "local").locked
    assert not runtimes.unlock(ALICE, "local").locked
    assert platform.event_types() == ["runtime.created", "runtime.locked", "runtime.unlocked"]


def test_draining_tears_down_what_runs_and_takes_nothing_new(platform: ServicePlatform) -> None:
    deployment = platform.deployed()
    platform.services.runtimes.drain(ALICE, "local")
    ending = platform.services.deployments.show(ALICE, deployment.id)
    assert (ending.status, ending.status_message) == ("tearing_down", "runtime local is drained")
    platform.services.backends.fork(ALICE, "words", "letters")
    with pytest.raises(RuntimeLockedError, match="draining"):
        platform.services.deployments.deploy(ALICE, "letters")
    platform.services.runtimes.drain(ALICE, "local")
    platform.services.runtimes.undrain(ALICE, "local")
    assert platform.services.deployments.deploy(ALICE, "letters").status == "deploying"
