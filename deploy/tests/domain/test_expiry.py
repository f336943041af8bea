"""How long a deployment lives."""

import pytest
from platform_rows import START_NS, a_deployment, a_runtime

from pie_deploy.domain.expiry import is_expired, lifetime, moved, renewal_due_ns, renewed_ns
from pie_deploy.errors import InvalidArgumentError

HOUR_NS = 3600 * 10**9
DAY_NS = 24 * HOUR_NS


def test_without_limits_it_lives_a_day_at_a_time() -> None:
    life = lifetime(a_runtime(), None, START_NS)
    assert (life.expires_at_ns, life.hard_deadline_ns) == (START_NS + DAY_NS, None)


def test_the_ceiling_and_the_runtimes_end_bound_it() -> None:
    runtime = a_runtime(ceiling_ns=5 * HOUR_NS, expires_at_ns=START_NS + 3 * HOUR_NS)
    life = lifetime(runtime, None, START_NS)
    assert life.expires_at_ns == life.hard_deadline_ns == START_NS + 3 * HOUR_NS


def test_a_fixed_duration_is_a_deadline_from_acceptance() -> None:
    life = lifetime(a_runtime(), "1h30m", START_NS)
    assert life.expires_at_ns == life.hard_deadline_ns == START_NS + 90 * 60 * 10**9


@pytest.mark.parametrize("text", ["0", "-1h", "999ms", "soon", "", "6h"])
def test_a_fixed_duration_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgumentError):
        lifetime(a_runtime(ceiling_ns=5 * HOUR_NS), text, START_NS)


def test_a_running_one_is_renewed_at_half_a_window() -> None:
    deployment = a_deployment(status="running", expires_at_ns=START_NS + DAY_NS)
    assert renewed_ns(deployment, START_NS + DAY_NS // 2 - 1) is None
    assert renewed_ns(deployment, START_NS + DAY_NS // 2) == START_NS + DAY_NS * 3 // 2


def test_it_is_renewed_up_to_the_ceiling_and_no_further() -> None:
    deadline_ns = START_NS + 30 * HOUR_NS
    deployment = a_deployment(status="running", expires_at_ns=START_NS + DAY_NS, hard_deadline_ns=deadline_ns)
    assert renewed_ns(deployment, START_NS + 20 * HOUR_NS) == deadline_ns
    at_the_end = a_deployment(status="running", expires_at_ns=deadline_ns, hard_deadline_ns=deadline_ns)
    assert renewal_due_ns(at_the_end) is None


@pytest.mark.parametrize("status", ["deploying", "failed", "tearing_down"])
def test_only_what_runs_is_renewed(status: str) -> None:
    assert renewed_ns(a_deployment(status=status, expires_at_ns=START_NS + 1), START_NS) is None


def test_a_fixed_duration_is_never_renewed() -> None:
    deployment = a_deployment(status="running", fixed_duration="1h", expires_at_ns=START_NS + 1)
    assert renewed_ns(deployment, START_NS) is None


def test_it_is_over_at_the_moment_and_not_before() -> None:
    deployment = a_deployment(expires_at_ns=START_NS)
    assert not is_expired(deployment, START_NS - 1)
    assert is_expired(deployment, START_NS)


def test_moving_keeps_the_age() -> None:
    deployment = a_deployment(status="running", expires_at_ns=START_NS + DAY_NS)
    life = moved(deployment, a_runtime(ceiling_ns=10 * HOUR_NS), START_NS + 9 * HOUR_NS)
    assert life.hard_deadline_ns == START_NS + 10 * HOUR_NS


def test_moving_keeps_a_fixed_deadline() -> None:
    deployment = a_deployment(fixed_duration="2h", expires_at_ns=START_NS + 2 * HOUR_NS, hard_deadline_ns=START_NS + 2 * HOUR_NS)
    assert moved(deployment, a_runtime(), START_NS + HOUR_NS).expires_at_ns == START_NS + 2 * HOUR_NS


def test_it_does_not_move_to_where_it_could_not_live() -> None:
    old = a_deployment(status="running", expires_at_ns=START_NS + DAY_NS)
    fixed = a_deployment(fixed_duration="2h", expires_at_ns=START_NS + 2 * HOUR_NS)
    for deployment in (old, fixed):
        with pytest.raises(InvalidArgumentError):
            moved(deployment, a_runtime(ceiling_ns=HOUR_NS), START_NS + HOUR_NS)
