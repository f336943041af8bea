import numpy as np
import pytest

from pie.driver.messages import Distribution, Logprobs, Sample, Sampling
from pie.errors import (
    ContextBusyError,
    ContextLimitError,
    ContextReleasedError,
    EmptyInputError,
    InvalidArgumentError,
    OutOfPagesError,
    TokenOutOfRangeError,
)
from pie.sched.work import Pass
from sched_fakes.history import limits
from sched_fakes.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def taken(rig: Rig, **given):
    return rig.intake.forward(1, rig.context(), Pass(**({"tokens": [1, 2, 3]} | given)))


@pytest.mark.parametrize("tokens", [[1, 2, 39], (1, 2, 39), np.array([1, 2, 39], np.uint32), np.array([1, 2, 39], np.int32)])
def test_tokens_come_in_any_list(rig, tokens):
    assert taken(rig, tokens=tokens).inputs.tolist() == [1, 2, 39]


def test_no_tokens_are_refused(rig):
    with pytest.raises(EmptyInputError):
        taken(rig, tokens=[])


@pytest.mark.parametrize("tokens", [[40], [0, -1], [2**40], np.array([2**32 - 1], np.uint32), np.array([3, 40], np.uint32)])
def test_tokens_outside_the_vocabulary_are_refused(rig, tokens):
    with pytest.raises(TokenOutOfRangeError):
        taken(rig, tokens=tokens)


def test_more_tokens_than_the_model_takes_are_refused(rig):
    with pytest.raises(ContextLimitError):
        taken(rig, tokens=[1] * 97)


def test_more_tokens_than_all_pages_hold_are_refused_at_once():
    rig = Rig(limits(pages_total=4))
    with pytest.raises(OutOfPagesError):
        taken(rig, tokens=[1] * 17)


def test_positions_that_the_tokens_have_anyway_are_none(rig):
    work = taken(rig, positions=[0, 1, 2])
    assert work.positions is None and not work.custom


def test_other_positions_are_kept(rig):
    assert taken(rig, positions=np.array([0, 1, 3], np.uint32)).positions.tolist() == [0, 1, 3]


@pytest.mark.parametrize("positions", [[0, 1], [0, 1, 96], [0, 1, -1]])
def test_wrong_positions_are_refused(rig, positions):
    with pytest.raises(InvalidArgumentError):
        taken(rig, positions=positions)


def test_a_causal_mask_is_none(rig):
    assert not taken(rig, attention_mask=[[], [0, 2], [0, 3]]).custom


def test_a_mask_needs_a_row_for_each_token(rig):
    with pytest.raises(InvalidArgumentError):
        taken(rig, attention_mask=[[0, 1]])


def test_a_long_mask_that_looks_ahead_is_refused(rig):
    with pytest.raises(InvalidArgumentError):
        taken(rig, tokens=[1] * 13, attention_mask=[[0, 13]] * 13)
    assert taken(rig, tokens=[1] * 12, attention_mask=[[0, 12]] * 12).indivisible


@pytest.mark.parametrize(
    "slot",
    [
        Sample(3, Sampling()),
        Sample(-1, Sampling()),
        Sample(0, Sampling(temperature=-1.0)),
        Sample(0, Sampling(temperature=float("nan"))),
        Sample(0, Sampling(top_p=1.5)),
        Sample(0, Sampling(min_p=-0.1)),
        Sample(0, Sampling(top_k=-1)),
        Sample(0, Sampling(temperature=1.0, seed=1 << 64)),
        Distribution(0, -1.0, 3),
        Distribution(0, 1.0, -3),
        Logprobs(0, (1, 40)),
    ],
)
def test_a_slot_that_the_driver_would_refuse_is_refused_here(rig, slot):
    with pytest.raises(InvalidArgumentError):
        taken(rig, slots=(slot,))


def test_seed_zero_asks_for_a_fresh_seed(rig):
    slots = taken(rig, slots=(Sample(0, Sampling(1.0)), Sample(1, Sampling(1.0, seed=5)), Sample(2, Sampling()))).slots
    assert [slot.sampling.seed for slot in slots] == [99, 5, 0]


def test_a_released_context_is_refused(rig):
    context = rig.context()
    rig.core.release(context, 0.0)
    with pytest.raises(ContextReleasedError):
        rig.forward(context, [1])


def test_a_pass_behind_others_is_placed_where_they_will_end(rig):
    context = rig.context()
    rig.forward(context, [1, 2])
    rig.forward(context, [3, 4], commit=False)
    assert not rig.forward(context, [5], positions=[2]).custom


def test_a_generation_on_a_busy_context_is_refused(rig):
    context = rig.context()
    rig.forward(context, [1, 2])
    with pytest.raises(ContextBusyError):
        rig.generate(context, [3])


def test_a_pass_behind_a_generation_is_refused(rig):
    context = rig.context()
    rig.generate(context, [1, 2])
    with pytest.raises(ContextBusyError):
        rig.forward(context, [3])


def test_a_generation_draws_no_more_than_the_context_holds(rig):
    assert rig.generate(rig.context(), [1] * 90, tokens_max=0).tokens_max == 6
    assert rig.generate(rig.context(), [1] * 90, tokens_max=3).tokens_max == 3


def test_a_prompt_that_leaves_no_room_for_a_token_is_refused(rig):
    with pytest.raises(ContextLimitError):
        rig.generate(rig.context(), [1] * 96)


def test_a_generation_with_a_sampling_that_the_driver_would_refuse_is_refused(rig):
    with pytest.raises(InvalidArgumentError):
        rig.generate(rig.context(), [1], sampling=Sampling(top_p=-1.0))


def test_stop_tokens_outside_the_vocabulary_are_never_drawn(rig):
    assert rig.generate(rig.context(), [1], stop_tokens=[39, 100, 2**70]).stop_tokens == (39,)


@pytest.mark.parametrize("top", [-1, 21])
def test_so_many_logprobs_cannot_be_told(top):
    rig = Rig()
    with pytest.raises(InvalidArgumentError, match="log-prob"):
        rig.generate(rig.context(), [1], top_logprobs=top)


def test_no_more_logprobs_are_told_than_there_are_tokens():
    rig = Rig(limits(vocabulary_size=7))
    assert rig.generate(rig.context(), [1], top_logprobs=20).top_logprobs == 7
