"""The four states and what leads from one to another."""

import itertools
from typing import get_args

import pytest
from platform_rows import START_NS, a_container, a_deployment

from pie_deploy.domain.deployment import (
    CAUSES,
    RECLAIMS,
    TRANSITIONS,
    gone,
    is_current,
    is_locking,
    redeployed,
    serving_generation,
    transition,
    undeployed,
)
from pie_deploy.domain.records import Deployment, DeploymentStatus
from pie_deploy.errors import DeploymentStateError

STATES: tuple[DeploymentStatus, ...] = get_args(DeploymentStatus)
ALLOWED = {
    ("deploying", "running"),
    ("deploying", "failed"),
    ("deploying", "tearing_down"),
    ("running", "deploying"),
    ("running", "failed"),
    ("running", "tearing_down"),
    ("failed", "deploying"),
    ("failed", "tearing_down"),
}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_the_table_has_these_steps_and_no_others(before: DeploymentStatus, after: DeploymentStatus) -> None:
    reasons = TRANSITIONS[before].get(after, frozenset())
    assert bool(reasons) == ((before, after) in ALLOWED)
    if not reasons:
        with pytest.raises(DeploymentStateError):
            transition(a_deployment(status=before), after, "", "", START_NS)
    for reason in reasons:
        assert transition(a_deployment(status=before), after, reason, "", START_NS).status == after


def test_every_state_but_the_last_can_be_torn_down_for_every_reason() -> None:
    for status in ("deploying", "running", "failed"):
        assert TRANSITIONS[status]["tearing_down"] == RECLAIMS


def test_a_failure_says_why() -> None:
    assert "" not in CAUSES
    failed = transition(a_deployment(), "failed", "crashloop", "it crashes", START_NS + 1)
    assert (failed.status_reason, failed.status_message, failed.status_since_ns) == ("crashloop", "it crashes", START_NS + 1)


def test_when_it_first_ran_is_kept() -> None:
    running = transition(a_deployment(), "running", "", "", START_NS + 1)
    again = transition(transition(running, "deploying", "", "", START_NS + 2), "running", "", "", START_NS + 3)
    assert again.started_at_ns == START_NS + 1


def test_nothing_leads_out_of_gone() -> None:
    ended = gone(transition(a_deployment(), "tearing_down", "undeploy", "", START_NS), START_NS + 5)
    assert ended.gone_at_ns == START_NS + 5
    assert gone(ended, START_NS + 9) == ended
    with pytest.raises(DeploymentStateError):
        transition(ended, "deploying", "", "", START_NS)


def test_only_what_is_torn_down_can_be_gone() -> None:
    with pytest.raises(DeploymentStateError):
        gone(a_deployment(status="failed"), START_NS)


def test_undeploying_twice_is_undeploying_once() -> None:
    ending = undeployed(a_deployment(status="running"), "undeploy", "by alice", START_NS)
    assert undeployed(ending, "expired", "its time is over", START_NS + 1) == ending


def _redeployed(deployment: Deployment) -> Deployment:
    return redeployed(deployment, backend_seq=9, graph_hash="ff", containers=2, runtime_id="r-2", debug=True, now_ns=START_NS + 1)


def test_a_running_deployment_runs_on_while_it_redeploys() -> None:
    deployment = _redeployed(a_deployment(status="running"))
    assert (deployment.status, deployment.redeploying, deployment.generation) == ("running", True, 2)
    assert (deployment.backend_seq, deployment.runtime_id, deployment.debug) == (9, "r-2", True)
    assert serving_generation(deployment) == 1


def test_a_failed_deployment_is_deploying_at_once() -> None:
    deployment = _redeployed(a_deployment(status="failed", status_reason="crashloop"))
    assert (deployment.status, deployment.status_reason, deployment.redeploying) == ("deploying", "", False)
    assert serving_generation(deployment) == 2


@pytest.mark.parametrize("status", ["deploying", "tearing_down"])
def test_what_comes_or_goes_is_not_redeployed(status: str) -> None:
    with pytest.raises(DeploymentStateError):
        _redeployed(a_deployment(status=status))


def test_one_redeploy_at_a_time() -> None:
    with pytest.raises(DeploymentStateError):
        _redeployed(_redeployed(a_deployment(status="running")))


def test_while_redeploying_two_generations_are_current() -> None:
    deployment = _redeployed(_done(_redeployed(a_deployment(status="running"))))
    current = [generation for generation in (1, 2, 3) if is_current(deployment, a_container(generation=generation))]
    assert current == [2, 3]


def _done(deployment: Deployment) -> Deployment:
    return transition(transition(deployment, "deploying", "", "", START_NS), "running", "", "", START_NS)


def test_the_graph_is_locked_unless_failed_or_gone() -> None:
    locking = [status for status in STATES if is_locking(a_deployment(status=status))]
    assert locking == ["deploying", "running", "tearing_down"]
    assert not is_locking(None)
    assert not is_locking(a_deployment(status="tearing_down", gone_at_ns=START_NS))
