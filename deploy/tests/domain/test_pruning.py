"""What may go: pure, with a clock."""

from hypothesis import given
from hypothesis import strategies as st

from pie_deploy.domain.pruning import Entry, prune
from pie_deploy.limits import PRUNE_AGE_MIN_NS, PRUNE_ENTRIES_MAX

HOUR_NS = 3600 * 10**9
NOW_NS = 1_000_000 * HOUR_NS
DAY_NS = 24 * HOUR_NS


def aged(name: str, age_ns: int) -> Entry:
    return Entry(name, NOW_NS - age_ns)


def test_what_nobody_has_needed_for_its_time_goes() -> None:
    pruning = prune([aged("old", DAY_NS + 1), aged("new", DAY_NS)], (), keep_ns=DAY_NS, now_ns=NOW_NS)
    assert (pruning.gone, pruning.has_more) == (("old",), False)


def test_what_somebody_needs_stays_however_old_and_is_noted() -> None:
    pruning = prune([aged("old", 9 * DAY_NS)], {"old"}, keep_ns=0, now_ns=NOW_NS)
    assert (pruning.used, pruning.gone) == (("old",), ())


def test_what_was_needed_just_now_stays_however_short_things_are_kept() -> None:
    pruning = prune([aged("just", PRUNE_AGE_MIN_NS), aged("old", PRUNE_AGE_MIN_NS + 1)], (), keep_ns=0, now_ns=NOW_NS)
    assert pruning.gone == ("old",)
    assert pruning.used_before_ns == NOW_NS - PRUNE_AGE_MIN_NS


def test_a_time_to_come_is_no_time_and_becomes_now() -> None:
    assert prune([aged("played with", -DAY_NS)], (), keep_ns=0, now_ns=NOW_NS).used == ("played with",)


def test_a_turn_takes_some_those_that_were_needed_longest_ago() -> None:
    entries = [aged(f"{age}", age * DAY_NS) for age in range(1, PRUNE_ENTRIES_MAX + 3)]
    pruning = prune(entries, (), keep_ns=0, now_ns=NOW_NS)
    assert (len(pruning.gone), pruning.gone[0], pruning.has_more) == (PRUNE_ENTRIES_MAX, f"{PRUNE_ENTRIES_MAX + 2}", True)


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(-DAY_NS, 3 * DAY_NS)),
    st.sets(st.sampled_from("abcdefgh")),
    st.integers(0, 2 * DAY_NS),
    st.integers(1, 4),
)
def test_nothing_that_is_needed_or_young_goes_and_all_else_goes_in_the_end(
    ages: dict[str, int], needed: set[str], keep_ns: int, most: int
) -> None:
    left = dict(ages)
    has_more = True
    while has_more:
        entries = [aged(name, age_ns) for name, age_ns in left.items()]
        pruning = prune(entries, needed, keep_ns=keep_ns, now_ns=NOW_NS, most=most)
        assert not needed & set(pruning.gone)
        for name in pruning.gone:
            assert left.pop(name) > max(keep_ns, PRUNE_AGE_MIN_NS)
        has_more = pruning.has_more
    assert all(name in needed or age_ns <= max(keep_ns, PRUNE_AGE_MIN_NS) for name, age_ns in left.items())
