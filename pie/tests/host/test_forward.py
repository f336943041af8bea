"""Forward passes as guests write them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pie.errors import ContextReleasedError, EmptyInputError, InvalidArgumentError, TokenOutOfRangeError
from pie.host import context as contexts
from pie.host.context import GuestContext
from pie.host.forward import GuestPass, GuestSlot, draw, execute, get, run, subscribe
from pie.host.guest import Guest
from pie.host.sampler import GuestSampler
from pie.host.served import ServedModel
from pie.sandbox.interface import Err, Ok
from pie.wasi.poll import until_ready

NONE = np.zeros(0, np.uint32)
GREEDY = GuestSampler(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, seed=0)
TOKENS = np.arange(1, 6, dtype=np.uint32)


def forward_pass(*probes: tuple[str, Any]) -> GuestPass:
    slots = [GuestSlot(4, probe) for probe in probes]
    return GuestPass(tokens=TOKENS, positions=NONE, attention_mask=[], logit_mask=NONE, slots=slots, commit=True)


@pytest.fixture
def held(guest: Guest, served: ServedModel) -> GuestContext:
    return contexts.new_context(guest, served)


async def test_every_kind_of_probe_is_read_in_the_order_of_the_slots(guest: Guest, held: GuestContext) -> None:
    given = forward_pass(
        ("entropy", None),
        ("sample", GREEDY),
        ("distribution", (1.0, 3)),
        ("logits", None),
        ("logprobs", np.array([1, 2], np.uint32)),
    )
    read = await run(guest, held, given)
    assert [kind for kind, _ in read] == ["entropy", "token", "distribution", "logits", "logprobs"]
    tokens, probabilities = read[2][1]
    assert len(tokens) == len(probabilities) == 3
    assert len(read[3][1]) == 4 * served_vocabulary(held)
    assert read[1][1] == tokens[0], "argmax is the most likely token"


async def test_draw_is_a_pass_with_one_sample_after_the_last_token(guest: Guest, held: GuestContext) -> None:
    fork = contexts.fork(guest, held)
    read = await run(guest, held, forward_pass(("sample", GREEDY)))
    assert await draw(guest, fork, TOKENS, GREEDY) == read[0][1]
    assert fork.context.length == held.context.length == 5


async def test_drawing_after_nothing_is_refused(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(EmptyInputError):
        await draw(guest, held, NONE, GREEDY)


async def test_a_future_output_gives_its_output_once(guest: Guest, held: GuestContext) -> None:
    output = execute(guest, held, forward_pass(("sample", GREEDY)))
    assert get(guest, output) is None
    await until_ready(subscribe(guest, output))
    assert isinstance(get(guest, output), Ok)
    assert get(guest, output) is None


async def test_committed_tokens_stay_and_scored_ones_do_not(guest: Guest, held: GuestContext) -> None:
    await run(guest, held, forward_pass(("sample", GREEDY)))
    assert held.context.length == 5
    await run(guest, held, replace(forward_pass(("entropy", None)), commit=False))
    assert held.context.length == 5


async def test_an_empty_pass_is_refused(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(EmptyInputError):
        execute(guest, held, replace(forward_pass(), tokens=NONE))


async def test_a_token_outside_the_vocabulary_is_refused(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(TokenOutOfRangeError, match="4294967295"):
        execute(guest, held, replace(forward_pass(), tokens=np.array([2**32 - 1], np.uint32)))


async def test_a_slot_beyond_the_tokens_is_refused(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(InvalidArgumentError, match="slot index 9"):
        execute(guest, held, replace(forward_pass(), slots=[GuestSlot(9, ("entropy", None))]))


async def test_a_released_context_says_so(guest: Guest, held: GuestContext) -> None:
    contexts.release(guest, held)
    with pytest.raises(ContextReleasedError):
        execute(guest, held, forward_pass())


async def test_a_context_released_while_a_pass_waits_fails_the_pass(guest: Guest, held: GuestContext) -> None:
    output = execute(guest, held, forward_pass(("sample", GREEDY)))
    held.drop()
    if not output.future.done():
        await until_ready(subscribe(guest, output))
    error = get(guest, output)
    assert isinstance(error, Err)
    assert error.value.code == "context-released"


def served_vocabulary(held: GuestContext) -> int:
    return held.model.scheduler.limits.vocabulary_size
