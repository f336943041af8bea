import numpy as np
import pytest

from pie.driver.messages import Entropy, EntropyReading, Output, Sample, Sampling
from pie.errors import DriverError
from sched_fakes.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()


def handed_out(rig: Rig, count: int, **given):
    """A pass of 10 tokens on a context of 4, its first `count` tokens handed out."""
    context = rig.context()
    rig.forward(context, [9, 9, 9, 9])
    rig.run()
    work = rig.forward(context, list(range(10)), **given)
    work.readmit()
    request, handed = work.hand_out(count, b"")
    return work, request, handed


def test_a_chunk_takes_its_tokens_and_its_slots(rig):
    slots = (Entropy(8), Sample(1, Sampling()), Entropy(3))
    work, request, handed = handed_out(rig, 5, slots=slots)
    assert np.frombuffer(request.tokens, np.int32).tolist() == [0, 1, 2, 3, 4] and request.cached == 4
    assert request.slots == slots[1:] and handed.slots == [1, 2]
    request, handed = work.hand_out(5, b"")
    assert request.slots == (Entropy(3),) and handed.slots == [0]


def test_a_chunk_takes_its_positions(rig):
    _work, request, _ = handed_out(rig, 5, positions=[20 + number for number in range(10)])
    assert np.frombuffer(request.positions, np.int32).tolist() == [20, 21, 22, 23, 24]


def test_a_chunk_takes_its_rows_as_far_as_it_goes(rig):
    _work, request, _ = handed_out(rig, 5, attention_mask=[[1, 3 + number] for number in range(10)])
    rows = np.frombuffer(request.attention_mask, np.uint8).reshape(5, 9)
    assert rows[:, 0].tolist() == [0] * 5 and rows[4].tolist() == [0, 1, 1, 1, 1, 1, 1, 1, 0]


def test_known_tokens_are_adopted_only_before_the_first_slot(rig):
    context = rig.context()
    assert rig.forward(context, list(range(10)), [Entropy(6), Entropy(9)]).adoptable() == 6
    assert rig.forward(rig.context(), list(range(10)), []).adoptable() == 9


def test_after_a_custom_pass_the_context_is_no_longer_ordinary(rig):
    context = rig.context()
    rig.forward(context, [1, 2], positions=[3, 4])
    rig.run()
    assert context.lineage.custom_from == 0


def test_a_custom_pass_that_is_not_committed_leaves_the_context_ordinary(rig):
    context = rig.context()
    rig.forward(context, [1, 2], positions=[3, 4], commit=False)
    rig.run()
    assert context.lineage.recomputable


@pytest.mark.parametrize(
    "output",
    [Output(), Output(b"\1\0\0\0"), Output(b"\1\0\0\0" * 2), Output(b"\1\0\0\0", (EntropyReading(0.0),) * 2)],
)
def test_an_answer_with_other_readings_is_refused(rig, output):
    work, _, handed = handed_out(rig, 10, slots=(Entropy(8), Sample(1, Sampling())))
    with pytest.raises(DriverError):
        work.receive(handed, output)
