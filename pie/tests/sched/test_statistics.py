from pie.sched.statistics import BATCH_SIZES, Counters


def test_batch_sizes_are_counted_in_buckets_that_double():
    counters = Counters()
    for size in (1, 2, 3, 4, 7, 8, 127, 128, 500):
        counters.batch(size, 1)
    assert dict(zip(BATCH_SIZES, counters.batch_sizes, strict=True)) == {1: 1, 2: 2, 4: 2, 8: 1, 16: 0, 32: 0, 64: 1, 128: 2}


def test_requests_and_tokens_add_up():
    counters = Counters()
    counters.batch(2, 30, 29)
    counters.batch(1, 4)
    assert (counters.batches, counters.requests, counters.computed_tokens, counters.prefilled_tokens) == (2, 3, 34, 29)


def test_the_time_of_all_batches_and_of_the_last():
    counters = Counters()
    counters.settled(0.5)
    counters.settled(0.25)
    assert (counters.driver_s, counters.last_batch_s) == (0.75, 0.25)
