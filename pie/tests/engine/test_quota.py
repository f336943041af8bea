"""Users get so many processes, and tokens at a rate; one user's use is nobody else's."""

import pytest

from pie.clock import ManualClock
from pie.config.config import LimitsConfig
from pie.engine import quota
from pie.engine.quota import Quotas
from pie.errors import QuotaError, TooManyProcessesError

SECOND_NS = 1_000_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def quotas(clock: ManualClock, *, per_minute: int = 600, processes: int = 2) -> Quotas:
    return Quotas(LimitsConfig(tokens_per_minute=per_minute, processes_per_user=processes), clock)


def test_a_minutes_worth_may_be_used_at_once(clock: ManualClock) -> None:
    users = quotas(clock)
    users.charge("ada", 600)
    users.admit("ada")


def test_an_overdrawn_account_is_refused_until_it_has_filled(clock: ManualClock) -> None:
    users = quotas(clock)
    users.charge("ada", 650)
    with pytest.raises(QuotaError) as refused:
        users.admit("ada")
    assert refused.value.retry_after_s == pytest.approx(5)
    clock.advance(5 * SECOND_NS)
    users.admit("ada")


def test_nobody_saves_up_more_than_a_minute(clock: ManualClock) -> None:
    users = quotas(clock)
    users.charge("ada", 1)
    clock.advance(3600 * SECOND_NS)
    users.charge("ada", 601)
    with pytest.raises(QuotaError):
        users.admit("ada")


def test_one_users_use_is_nobody_elses(clock: ManualClock) -> None:
    users = quotas(clock)
    users.charge("ada", 10_000)
    users.admit("bob")


def test_without_a_limit_nobody_is_refused_and_nothing_remembered(clock: ManualClock) -> None:
    users = quotas(clock, per_minute=0)
    users.charge("ada", 1_000_000)
    users.admit("ada")
    assert not users._accounts


def test_a_user_has_so_many_processes_at_a_time(clock: ManualClock) -> None:
    users = quotas(clock, processes=2)
    users.enter("ada")
    users.enter("ada")
    with pytest.raises(TooManyProcessesError):
        users.enter("ada")
    users.enter("bob")
    users.leave("ada")
    users.enter("ada")


def test_new_limits_hold_from_then_on(clock: ManualClock) -> None:
    users = quotas(clock, processes=1)
    users.enter("ada")
    users.reconfigure(LimitsConfig(processes_per_user=2))
    users.enter("ada")


def test_names_are_forgotten_those_with_debts_last(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "QUOTA_USERS_MAX", 10)
    users = quotas(clock)
    users.charge("debtor", 10_000)
    for number in range(100):
        users.charge(f"visitor {number}", 1)
    assert len(users._accounts) <= 10
    with pytest.raises(QuotaError):
        users.admit("debtor")
