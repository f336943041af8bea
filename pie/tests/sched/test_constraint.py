import numpy as np
import pytest

from pie.driver.messages import Sampling
from pie.errors import ConstraintError, GrammarError
from pie.sched.constraint import Obedience
from sched_fakes.constraint import Capricious
from sched_fakes.history import limits
from sched_fakes.naive import NaiveSequence
from sched_fakes.rig import Rig

SIZE = limits().vocabulary_size


class Says:
    """A constraint that says the same all the time."""

    def __init__(self, mask: bytes = b"", *, finished: bool = False) -> None:
        self._mask = mask
        self._finished = finished

    def mask(self) -> bytes:
        return self._mask

    def accept(self, token: int) -> None:
        pass

    def finished(self) -> bool:
        return self._finished


class Breaks(Says):
    """One that fails: when asked for the mask, or when told of a token."""

    def __init__(self, when: str, error: Exception) -> None:
        super().__init__()
        self._when, self._error = when, error

    def mask(self) -> bytes:
        return self._reached("mask")

    def accept(self, token: int) -> None:
        self._reached("accept")

    def _reached(self, when: str) -> bytes:
        if when == self._when:
            raise self._error
        return b""


def bits(*tokens: int) -> bytes:
    return np.packbits([token in tokens for token in range(SIZE)], bitorder="little").tobytes()


def prepared(constraint, logit_mask: bytes = b"", stop_tokens=()) -> bytes:
    obedience = Obedience(constraint, logit_mask, stop_tokens, SIZE)
    obedience.prepare()
    return obedience.mask


def test_a_token_must_be_allowed_by_the_constraint_and_the_logit_mask():
    assert prepared(Says(bits(1, 2, 3)), bits(2, 3, 4)) == bits(2, 3)


def test_a_constraint_that_allows_all_leaves_the_logit_mask():
    assert prepared(Says(), bits(2)) == bits(2)


def test_when_all_is_said_only_a_stop_token_is_allowed():
    assert prepared(Says(bits(1), finished=True), stop_tokens=(5, 7)) == bits(5, 7)


@pytest.mark.parametrize("mask", [bits(), bits(1)[:-1], bits(1) + b"\0"])
def test_a_mask_that_no_driver_would_take_is_refused(mask):
    with pytest.raises(ConstraintError):
        prepared(Says(mask))


def test_two_masks_may_contradict_each_other():
    with pytest.raises(ConstraintError, match="no token"):
        prepared(Says(bits(1)), bits(2))


def test_bits_beyond_the_vocabulary_allow_nothing():
    with pytest.raises(ConstraintError, match="no token"):
        Obedience(Says(b"\0\x10"), b"", (), 12).prepare()


@pytest.mark.parametrize("temperature", [0.0, 1.0])
@pytest.mark.parametrize("stop_tokens", [(), (3, 5)])
def test_constrained_generations_give_what_they_give_alone(temperature, stop_tokens):
    rig = Rig()
    sampling = Sampling(temperature, seed=3)
    constraints = [Capricious(seed, SIZE, 12) for seed in range(5)]
    works = [
        rig.generate(rig.context(), [7, number], 20, stop_tokens, sampling, constraint=constraint)
        for number, constraint in enumerate(constraints)
    ]
    rig.run()
    for number, (work, constraint) in enumerate(zip(works, constraints, strict=True)):
        naive = NaiveSequence(rig.limits, [])
        expected = naive.generate([7, number], sampling, 20, stop_tokens, b"", None, constraint.again())
        assert (work.take().tolist(), work.finish, work.error) == (*expected, None)


def test_one_that_is_over_without_a_stop_token_ends_as_if_by_length():
    rig = Rig()
    context = rig.context()
    work = rig.generate(context, [1, 2], 20, constraint=Capricious(1, SIZE, 4))
    rig.run()
    assert (len(work.take()), work.finish, context.length) == (4, "length", 5)


def test_one_that_is_over_stops_and_leaves_all_its_tokens_in_the_context():
    rig = Rig()
    context = rig.context()
    work = rig.generate(context, [1, 2], 20, [39], constraint=Says(finished=True))
    rig.run()
    assert (len(work.take()), work.finish, context.length) == (0, "stop", 2)


@pytest.mark.parametrize("when", ["mask", "accept"])
@pytest.mark.parametrize(("error", "kind"), [(GrammarError("no"), GrammarError), (ZeroDivisionError(), ConstraintError)])
def test_a_constraint_that_fails_ends_its_generation_and_no_other(when, error, kind):
    rig = Rig()
    broken = rig.generate(rig.context(), [1], 8, constraint=Breaks(when, error))
    whole = rig.generate(rig.context(), [2], 8)
    rig.run()
    assert type(broken.error) is kind
    assert whole.take().tolist() == NaiveSequence(rig.limits, []).generate([2], Sampling(), 8, (), b"")[0]


def test_a_lost_driver_costs_no_token():
    rig = Rig()
    constraint = Capricious(4, SIZE)
    work = rig.generate(rig.context(), [1, 2], 9, constraint=constraint)
    for mishap in (rig.land, rig.lose, rig.land):
        rig.hand_out()
        mishap()
    rig.run()
    expected = NaiveSequence(rig.limits, []).generate([1, 2], Sampling(), 9, (), b"", None, constraint.again())[0]
    assert work.take().tolist() == constraint.accepted == expected
