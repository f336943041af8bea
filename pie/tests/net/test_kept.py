"""Results are kept within bounds, and nobody's are pushed out by another's."""

from hypothesis import given
from hypothesis import strategies as st

from pie.net.kept import Kept, KeptLimits, KeptResult

SECOND_NS = 10**9


def kept(*, count: int = 10, size: int = 100, age_s: int = 60) -> Kept:
    return Kept(KeptLimits(count, size, age_s * SECOND_NS))


def result(name: str, username: str = "ada", size: int = 1, at_s: int = 0) -> KeptResult:
    return KeptResult(name, username, size, at_s * SECOND_NS)


def test_the_oldest_of_a_user_goes_when_there_are_too_many() -> None:
    results = kept(count=2)
    assert results.add(result("a")) == []
    assert results.add(result("x", "bob")) == []
    assert results.add(result("b")) == []
    assert results.add(result("c")) == ["a"]
    assert "x" in results


def test_who_has_most_bytes_makes_room() -> None:
    results = kept(size=100)
    results.add(result("small", "bob", 10))
    results.add(result("first", "ada", 50))
    assert results.add(result("second", "ada", 50)) == ["first"]
    assert "small" in results


def test_one_result_that_is_too_large_is_not_kept_at_all() -> None:
    results = kept(size=100)
    results.add(result("small", "bob", 10))
    assert results.add(result("large", "ada", 101)) == ["large"]
    assert "small" in results


def test_nothing_is_kept_if_none_may_be() -> None:
    assert kept(count=0).add(result("a")) == ["a"]


def test_results_grow_too_old() -> None:
    results = kept(age_s=60)
    results.add(result("a", at_s=0))
    results.add(result("b", at_s=50))
    assert results.expire(60 * SECOND_NS) == []
    assert results.expire(61 * SECOND_NS) == ["a"]
    assert len(results) == 1


steps = st.lists(
    st.tuples(st.sampled_from(["ada", "bob", "eve"]), st.integers(0, 60), st.integers(0, 20), st.booleans()), max_size=60
)


@given(steps)
def test_what_is_named_is_gone_and_the_rest_is_within_bounds(steps: list[tuple[str, int, int, bool]]) -> None:
    results = kept(count=3, size=100, age_s=30)
    here: set[str] = set()
    now_s = 0
    for number, (username, size, pause_s, leaves) in enumerate(steps):
        now_s += pause_s
        here.add(str(number))
        gone = results.add(result(str(number), username, size, now_s))
        assert len(set(gone)) == len(gone)
        here.difference_update(gone)
        if leaves and here:
            results.discard(one := min(here))
            here.discard(one)
        results.check()
        assert here == {name for name in here if name in results}
        assert len(here) == len(results)
