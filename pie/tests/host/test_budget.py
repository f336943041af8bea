"""A process with a token budget has no more computed than that, and is told when it is used up."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from host.conftest import make_guest
from pie.errors import EmptyInputError, TokenBudgetError
from pie.host import context as contexts
from pie.host.context import GuestContext
from pie.host.forward import GuestPass, draw, execute, run
from pie.host.generate import Chunk, Generation, Options, collect, next_chunk, start
from pie.host.guest import Guest
from pie.host.sampler import GuestSampler
from pie.host.served import ServedModel

NONE = np.zeros(0, np.uint32)
GREEDY = GuestSampler(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, seed=0)
OPTIONS = Options(GREEDY, tokens_max=40, stop_tokens=NONE, stop_texts=[], logit_mask=NONE, chunk_tokens=0, unread_max=0)
PROMPT = [("tokens", np.arange(1, 11, dtype=np.uint32))]
TEN = np.arange(1, 11, dtype=np.uint32)


@pytest.fixture
def guest(served: ServedModel) -> Guest:
    """May have 50 tokens computed. Nobody counts but the tests."""
    guest = make_guest(served)
    guest.process.token_budget = 50
    return guest


@pytest.fixture
def held(guest: Guest, served: ServedModel) -> GuestContext:
    return contexts.new_context(guest, served)


def forward_pass(tokens: np.ndarray[tuple[int], np.dtype[np.uint32]] = TEN) -> GuestPass:
    return GuestPass(tokens=tokens, positions=NONE, attention_mask=[], logit_mask=NONE, slots=[], commit=True)


def begin(guest: Guest, held: GuestContext, tokens_max: int = 40) -> Generation:
    generation = start(guest, held, PROMPT, replace(OPTIONS, tokens_max=tokens_max))
    assert isinstance(generation, Generation)
    return generation


async def until_error(guest: Guest, generation: Generation) -> list[int]:
    """The tokens that came before the error."""
    tokens: list[int] = []
    while True:
        try:
            chunk = next_chunk(guest, generation)
            chunk = chunk if isinstance(chunk, Chunk) else await chunk
        except TokenBudgetError:
            return tokens
        assert chunk.finish is None
        tokens += chunk.tokens


async def test_a_pass_that_does_not_fit_is_refused(guest: Guest, held: GuestContext) -> None:
    guest.process.tokens = 41
    with pytest.raises(TokenBudgetError, match="50 tokens"):
        await run(guest, held, forward_pass())
    guest.process.tokens = 40
    await run(guest, held, forward_pass())


async def test_a_drawn_token_counts_as_a_pass_does(guest: Guest, held: GuestContext) -> None:
    guest.process.tokens = 41
    with pytest.raises(TokenBudgetError):
        await draw(guest, held, TEN, GREEDY)


async def test_passes_on_their_way_count(guest: Guest, held: GuestContext) -> None:
    waiting = [execute(guest, held, forward_pass()) for _ in range(5)]
    with pytest.raises(TokenBudgetError):
        execute(guest, held, forward_pass())
    await asyncio.gather(*(output.future for output in waiting))
    await asyncio.sleep(0)
    execute(guest, held, forward_pass()).drop()


async def test_a_pass_that_is_refused_for_other_reasons_costs_nothing(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(EmptyInputError):
        await run(guest, held, forward_pass(NONE))
    assert guest.budget.left == 50


async def test_a_generation_within_the_budget_ends_as_ever(guest: Guest, held: GuestContext) -> None:
    chunk = await collect(guest, begin(guest, held))
    assert (len(chunk.tokens), chunk.finish) == (40, "length")
    assert guest.budget.left == 50


@pytest.mark.parametrize("tokens_max", [41, 0])
async def test_a_generation_ends_with_an_error_at_the_budget_after_what_it_drew(
    guest: Guest, held: GuestContext, tokens_max: int
) -> None:
    assert len(await until_error(guest, begin(guest, held, tokens_max))) == 40


async def test_a_generation_that_was_collected_gives_the_error(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(TokenBudgetError):
        await collect(guest, begin(guest, held, 0))


async def test_a_prompt_larger_than_what_is_left_is_refused(guest: Guest, held: GuestContext) -> None:
    guest.process.tokens = 40
    with pytest.raises(TokenBudgetError):
        begin(guest, held)
    assert guest.budget.left == 10


async def test_a_generation_ends_when_others_have_used_the_budget_up(guest: Guest, held: GuestContext) -> None:
    guest.process.token_budget = 5000
    generation = begin(guest, held, 4000)
    guest.process.tokens = 5000
    assert 0 < len(await until_error(guest, generation)) < 4000


async def test_the_context_limit_is_no_matter_of_the_budget(guest: Guest, held: GuestContext) -> None:
    guest.process.token_budget = 1_000_000
    assert (await collect(guest, begin(guest, held, 0))).finish == "length"


async def test_a_generation_that_is_dropped_gives_back_what_it_promised(guest: Guest, held: GuestContext) -> None:
    begin(guest, held).drop()
    assert guest.budget.left == 50
