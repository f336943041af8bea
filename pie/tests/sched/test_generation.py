import numpy as np
import pytest

from pie.driver.messages import Output
from pie.errors import DriverError
from pie.sched.logprobs import TokenLogprobs
from sched_fakes.rig import Rig


def int32(*tokens: int) -> bytes:
    return np.array(tokens, np.int32).tobytes()


@pytest.fixture
def generation():
    """A prompt of three tokens, nothing handed out yet."""
    rig = Rig()
    work = rig.generate(rig.context(), [1, 2, 3], tokens_max=10, stop_tokens=[5])
    work.readmit()
    return work


def test_the_request_that_reaches_the_end_of_the_prompt_draws(generation):
    first, _ = generation.hand_out(2, 4, b"")
    second, _ = generation.hand_out(1, 4, b"")
    assert (first.slots, first.steps, first.stop_tokens) == ((), 1, ())
    assert (second.slots[0].index, second.steps, second.stop_tokens, second.cached) == (0, 4, (5,), 2)


def test_while_tokens_are_being_drawn_the_driver_s_own_last_token_goes_on(generation):
    generation.hand_out(3, 4, b"")
    request, _ = generation.hand_out(generation.inputs_left(), 4, b"")
    assert (request.tokens, request.cached) == (b"", 6)


def test_afterwards_it_goes_on_from_the_token_drawn_last(generation):
    _, handed = generation.hand_out(3, 4, b"")
    assert generation.receive(handed, Output(int32(7, 8, 9, 6))) == 6
    request, _ = generation.hand_out(generation.inputs_left(), 4, b"")
    assert (request.tokens, request.cached) == (int32(6), 6)


def test_promises_do_not_exceed_the_maximum(generation):
    generation.hand_out(3, 8, b"")
    request, _ = generation.hand_out(1, 8, b"")
    assert request.steps == 2 and generation.exhausted and not generation.wants()


def test_a_stop_token_is_neither_delivered_nor_kept(generation):
    _, handed = generation.hand_out(3, 4, b"")
    generation.receive(handed, Output(int32(7, 5), stopped=True))
    assert generation.take().tolist() == [7] and generation.finish == "stop"
    assert generation.lineage.length == 4 and generation.lineage.tokens.tolist() == [1, 2, 3, 7]


def test_logprobs_come_beside_the_tokens_and_none_for_the_stop_token():
    rig = Rig()
    work = rig.generate(rig.context(), [1, 2, 3], stop_tokens=[5], top_logprobs=1)
    work.readmit()
    _, handed = work.hand_out(3, 4, b"")
    known = np.array([[-1.0, -0.5], [-2.0, -0.1]], np.float32).tobytes()
    work.receive(handed, Output(int32(7, 5), (), True, known, int32(9, 5)))
    assert work.take_logprobs() == [TokenLogprobs(-1.0, ((9, -0.5),))]
    assert work.take_logprobs() == []


def test_what_is_impossible_is_not_among_the_likeliest():
    rig = Rig()
    work = rig.generate(rig.context(), [1], top_logprobs=2)
    work.readmit()
    _, handed = work.hand_out(1, 1, b"")
    known = np.array([0.0, 0.0, -np.inf], np.float32).tobytes()
    work.receive(handed, Output(int32(7), (), False, known, int32(7, 8)))
    assert work.take_logprobs() == [TokenLogprobs(0.0, ((7, 0.0),))]


def test_a_driver_that_tells_too_few_logprobs_is_refused():
    rig = Rig()
    work = rig.generate(rig.context(), [1], top_logprobs=2)
    work.readmit()
    _, handed = work.hand_out(1, 1, b"")
    with pytest.raises(DriverError, match="log-prob"):
        work.receive(handed, Output(int32(7)))


def test_what_was_taken_is_not_given_again(generation):
    _, handed = generation.hand_out(3, 4, b"")
    generation.receive(handed, Output(int32(7, 8, 9, 6)))
    assert len(generation.take()) == 4 and len(generation.take()) == 0


@pytest.mark.parametrize("output", [Output(), Output(int32(7)), Output(int32(7, 8, 9, 6, 6)), Output(stopped=True)])
def test_another_number_of_tokens_is_refused(generation, output):
    _, handed = generation.hand_out(3, 4, b"")
    with pytest.raises(DriverError):
        generation.receive(handed, output)


def test_a_reader_that_allows_less_pauses_it(generation):
    generation.allow(2)
    request, handed = generation.hand_out(3, 4, b"")
    generation.receive(handed, Output(int32(7, 8)))
    assert request.steps == 2 and generation.paused and not generation.wants()
    generation.allow(None)
    assert not generation.paused and generation.wants()
