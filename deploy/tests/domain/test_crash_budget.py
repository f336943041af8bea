"""How often a container may crash."""

from pie_deploy.domain.crash_budget import backoff_ns, crashed

SECOND_NS = 10**9
WINDOW_NS = 600 * SECOND_NS


def test_waits_double_up_to_thirty_seconds() -> None:
    assert [backoff_ns(crashes) // SECOND_NS for crashes in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_the_sixth_crash_in_the_window_spends_a_budget_of_five() -> None:
    recent: tuple[int, ...] = ()
    waits: list[int | None] = []
    for number in range(6):
        restart = crashed(recent, number * 60 * SECOND_NS, budget=5, window_ns=WINDOW_NS)
        recent = restart.recent_ns
        waits.append(None if restart.retry_at_ns is None else restart.retry_at_ns // SECOND_NS - number * 60)
    assert waits == [1, 2, 4, 8, 16, None]


def test_crashes_outside_the_window_are_forgotten() -> None:
    restart = crashed((0, SECOND_NS), WINDOW_NS, budget=5, window_ns=WINDOW_NS)
    assert restart.recent_ns == (SECOND_NS, WINDOW_NS)


def test_a_budget_of_none_allows_no_restart() -> None:
    assert crashed((), 0, budget=0, window_ns=WINDOW_NS).retry_at_ns is None


def test_however_often_it_crashes_no_more_is_remembered_than_the_budget() -> None:
    recent: tuple[int, ...] = ()
    for at_ns in range(0, 10_000 * SECOND_NS, 7 * SECOND_NS):
        restart = crashed(recent, at_ns, budget=1000, window_ns=WINDOW_NS)
        recent = restart.recent_ns
    assert len(recent) <= WINDOW_NS // (7 * SECOND_NS) + 1
