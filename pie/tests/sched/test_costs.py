from pie.sched.costs import Costs


def test_at_first_everything_fits():
    assert Costs().steps_within(0.01, 32) == 32 and Costs().tokens_within(0.01, 2048) == 2048


def test_steps_are_learned_from_batches_without_prefill():
    costs = Costs()
    costs.observe(elapsed_s=0.04, steps=8, prefilled=0)
    assert costs.steps_within(0.016, 32) == 3


def test_there_is_always_one_step_and_one_token():
    costs = Costs()
    costs.observe(elapsed_s=1.0, steps=1, prefilled=0)
    costs.observe(elapsed_s=9.0, steps=1, prefilled=2)
    assert costs.steps_within(0.016, 32) == 1 and costs.tokens_within(0.016, 2048) == 1


def test_prefill_costs_what_the_step_does_not():
    costs = Costs()
    costs.observe(elapsed_s=0.01, steps=1, prefilled=0)
    costs.observe(elapsed_s=0.06, steps=1, prefilled=100)
    assert costs.tokens_within(0.03, 2048) == 60


def test_one_slow_batch_weighs_a_quarter():
    costs = Costs()
    costs.observe(elapsed_s=0.001, steps=1, prefilled=0)
    costs.observe(elapsed_s=0.009, steps=1, prefilled=0)
    assert round(costs.step_s, 6) == 0.003
