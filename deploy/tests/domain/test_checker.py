"""Everything that does not hold is found, and nothing else."""

from dataclasses import replace
from typing import Any

import pytest
from msgspec.structs import replace as with_fields
from platform_rows import START_NS, a_backend, a_container, a_deployment, a_lease, a_runtime

from pie_deploy.domain.checker import Inventory, problems
from pie_deploy.domain.observation import Process

RUNNING = a_deployment(status="running", started_at_ns=START_NS, containers_ready=1)
READY = a_container(state="ready", cpu=1.0)
SOUND = Inventory(
    backends=[a_backend()],
    deployments=[RUNNING],
    containers=[READY],
    runtimes=[a_runtime()],
    vertices={"d-1": frozenset({"tokenise"})},
    processes={"c-1": Process(incarnation=1, running=True)},
    serving={"b-1": frozenset({"c-1"})},
)


def _codes(inventory: Inventory, *, at_rest: bool = True) -> set[str]:
    return {problem.code for problem in problems(inventory, START_NS, at_rest=at_rest)}


def test_a_sound_platform_has_no_problems() -> None:
    assert _codes(SOUND) == set()


def _deployed(**fields: Any) -> Inventory:
    return replace(SOUND, deployments=[with_fields(RUNNING, **fields)])


def _contained(**fields: Any) -> Inventory:
    return replace(SOUND, containers=[with_fields(READY, **fields)])


BROKEN: dict[str, Inventory] = {
    "doubled_deployment": replace(SOUND, deployments=[RUNNING, with_fields(RUNNING, id="d-2", containers_ready=0)]),
    "lost_backend": replace(SOUND, backends=[]),
    "lost_runtime": _deployed(runtime_id="r-9"),
    "late_expiry": _deployed(expires_at_ns=START_NS + 9, hard_deadline_ns=START_NS + 5),
    "never_started": _deployed(started_at_ns=None),
    "bad_redeploy": _deployed(status="deploying", redeploying=True, generation=2),
    "wrong_count": _deployed(containers_ready=0),
    "silent_restart": replace(
        SOUND, containers=[with_fields(READY, state="standby")], deployments=[with_fields(RUNNING, containers_ready=0)]
    ),
    "doubled_container": replace(SOUND, containers=[READY, with_fields(READY, id="c-2")]),
    "wrong_shape": replace(SOUND, vertices={"d-1": frozenset({"tokenise", "count"})}),
    "lost_deployment": replace(SOUND, containers=[READY, a_container("c-2", "d-9")]),
    "future_container": replace(SOUND, containers=[READY, a_container("c-2", generation=2)]),
    "stuck_backoff": _contained(state="backoff"),
    "future_config": _contained(config_seq_applied=3),
    "stray_process": replace(SOUND, processes={**SOUND.processes, "c-9": Process(incarnation=1, running=True)}),
    "doubled_start": replace(SOUND, processes={"c-1": Process(incarnation=2, running=True)}),
    "overfull_node": _contained(cpu=9.0),
    "leaked": replace(SOUND, leases=[a_lease("l-2")], backends=[a_backend(lease_id="l-1")]),
    "stuck_teardown": _deployed(status="tearing_down", containers_ready=0),
    "outlived": _deployed(expires_at_ns=START_NS),
    "left_over": replace(SOUND, processes={**SOUND.processes, "c-9": Process(incarnation=1, running=False)}),
    "unwanted_process": _deployed(status="failed", containers_ready=0),
    "phantom": replace(SOUND, processes={}),
    "wrong_route": replace(SOUND, serving={"b-1": frozenset({"c-9"})}),
    "dead_route": _contained(state="standby"),
}


@pytest.mark.parametrize("code", sorted(BROKEN))
def test_what_is_broken_is_found(code: str) -> None:
    assert code in _codes(BROKEN[code])


@pytest.mark.parametrize("code", ["stuck_teardown", "outlived", "left_over", "phantom", "wrong_route", "dead_route"])
def test_what_may_be_for_a_moment_is_no_problem_in_between(code: str) -> None:
    assert code not in _codes(BROKEN[code], at_rest=False)
