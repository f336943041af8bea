from bakery.registry.throttle import Throttle


def test_a_burst_is_allowed_and_then_the_average() -> None:
    throttle = Throttle(per_s=2, burst=3, addresses_max=10)
    assert [throttle.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert throttle.take("a", 0.5) == 0
    assert throttle.take("a", 0.5) == 0.5


def test_addresses_do_not_count_for_each_other() -> None:
    throttle = Throttle(per_s=1, burst=1, addresses_max=10)
    assert throttle.take("a", 0.0) == 0
    assert throttle.take("b", 0.0) == 0


def test_after_a_while_the_burst_is_there_again_and_no_more() -> None:
    throttle = Throttle(per_s=1, burst=2, addresses_max=10)
    throttle.take("a", 0.0)
    assert [throttle.take("a", 1000.0) for _ in range(3)] == [0, 0, 1]


def test_looking_counts_nothing() -> None:
    throttle = Throttle(per_s=1, burst=1, addresses_max=10)
    assert [throttle.wait_s("a", 0.0) for _ in range(5)] == [0] * 5
    throttle.take("a", 0.0)
    assert throttle.wait_s("a", 0.0) == 1


def test_memory_is_bounded_and_the_address_seen_longest_ago_is_forgotten() -> None:
    throttle = Throttle(per_s=1, burst=1, addresses_max=2)
    for address in ("a", "b", "a", "c"):
        throttle.take(address, 0.0)
    assert throttle.wait_s("a", 0.0) == 1
    assert throttle.wait_s("b", 0.0) == 0
