"""A lease is kept or discarded as a whole."""

import pytest
from platform_rows import START_NS, a_lease

from pie_deploy.domain.lease import (
    DeleteBackends,
    DeleteFiles,
    DeleteVersions,
    Finish,
    HandOver,
    Holdings,
    ReclaimDeployments,
    check_open,
    check_ttl,
    close,
    closed,
    heartbeat,
    is_expired,
    next_step,
)
from pie_deploy.errors import InvalidArgumentError, LeaseClosedError

TTL_NS = 600 * 10**9
EVERYTHING = Holdings(deployments=["d-1"], backends=["b-1"], files=["f-1"], versions=["cv-1"])


def test_it_expires_when_nobody_cares_for_its_time() -> None:
    assert not is_expired(a_lease(), START_NS + TTL_NS - 1)
    assert is_expired(a_lease(), START_NS + TTL_NS)


def test_a_heartbeat_gives_it_its_time_again() -> None:
    lease = heartbeat(a_lease(), START_NS + TTL_NS - 1)
    assert not is_expired(lease, START_NS + TTL_NS)


def test_a_heartbeat_that_comes_too_late_is_refused() -> None:
    with pytest.raises(LeaseClosedError):
        heartbeat(a_lease(), START_NS + TTL_NS)


@pytest.mark.parametrize("how", ["commit", "rollback"])
def test_the_same_close_again_answers_the_same(how: str) -> None:
    closing = close(a_lease(), how, how, START_NS)  # type: ignore[arg-type]
    assert close(closing, how, how, START_NS + 9) == closing  # type: ignore[arg-type]
    ended = closed(closing, START_NS + 1)
    assert close(ended, how, how, START_NS + 9) == ended  # type: ignore[arg-type]


@pytest.mark.parametrize(("first", "second"), [("commit", "rollback"), ("rollback", "commit")])
def test_the_opposite_close_is_refused(first: str, second: str) -> None:
    closing = close(a_lease(), first, first, START_NS)  # type: ignore[arg-type]
    for lease in (closing, closed(closing, START_NS)):
        with pytest.raises(LeaseClosedError):
            close(lease, second, second, START_NS)  # type: ignore[arg-type]


def test_what_has_expired_is_rolled_back_and_not_committed() -> None:
    with pytest.raises(LeaseClosedError):
        close(a_lease(), "commit", "commit", START_NS + TTL_NS)
    assert close(a_lease(), "rollback", "ttl", START_NS + TTL_NS).state == "rolling_back"


def test_nothing_is_created_in_a_lease_that_closes() -> None:
    check_open(a_lease(), START_NS)
    with pytest.raises(LeaseClosedError):
        check_open(close(a_lease(), "commit", "commit", START_NS), START_NS)


def test_a_rollback_discards_in_order() -> None:
    lease = close(a_lease(), "rollback", "rollback", START_NS)
    assert next_step(lease, EVERYTHING) == ReclaimDeployments(("d-1",), "lease_rollback")
    assert next_step(lease, Holdings(backends=["b-1"], files=["f-1"], versions=["cv-1"])) == DeleteBackends(("b-1",))
    assert next_step(lease, Holdings(files=["f-1"], versions=["cv-1"])) == DeleteFiles(("f-1",))
    assert next_step(lease, Holdings(versions=["cv-1"])) == DeleteVersions(("cv-1",))
    assert next_step(lease, Holdings()) == Finish()


def test_a_commit_reclaims_what_runs_and_hands_the_rest_over() -> None:
    lease = close(a_lease(), "commit", "commit", START_NS)
    assert next_step(lease, EVERYTHING) == ReclaimDeployments(("d-1",), "lease_commit")
    assert next_step(lease, Holdings(backends=["b-1"])) == HandOver()
    assert next_step(lease, Holdings()) == Finish()


def test_there_is_nothing_to_do_for_what_is_open_or_closed() -> None:
    ended = closed(close(a_lease(), "commit", "commit", START_NS), START_NS)
    assert next_step(a_lease(), EVERYTHING) is None
    assert next_step(ended, Holdings()) is None
    assert (ended.state, ended.closed_at_ns) == ("committed", START_NS)


@pytest.mark.parametrize("ttl_ns", [0, -1, 8 * 24 * 3600 * 10**9])
def test_a_time_that_a_lease_cannot_have_is_refused(ttl_ns: int) -> None:
    with pytest.raises(InvalidArgumentError):
        check_ttl(ttl_ns)
