"""A process with a token budget has no more computed than that, and is told when it is used up."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from host.conftest import make_guest
from pie.errors import ContextBusyError, EmptyInputError, TokenBudgetError
from pie.host import context as contexts
from pie.host.context import GuestContext
from pie.host.forward import GuestPass, draw, execute, run
from pie.host.generate import Chunk, Generation, Options, collect, next_chunk, start
from pie.host.guest import Guest
from pie.host.sampler import GuestSampler
from pie.host.served import ServedModel
from pie.limits import BUDGET_AHEAD_TOKENS

NONE = np.zeros(0, np.uint32)
GREEDY = GuestSampler(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, seed=0)
OPTIONS = Options(GREEDY, tokens_max=40, stop_tokens=NONE, stop_texts=[], logit_mask=NONE, chunk_tokens=0, unread_max=0)
PROMPT = [("tokens", np.arange(1, 11, dtype=np.uint32))]
TEN = np.arange(1, 11, dtype=np.uint32)


@pytest.fixture
def guest(served: ServedModel) -> Guest:
    """May have 50 tokens computed."""
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
    guest.budget.spend(41)
    with pytest.raises(TokenBudgetError, match="50 tokens"):
        await run(guest, held, forward_pass())
    guest.budget.give_back(1)
    await run(guest, held, forward_pass())
    assert guest.budget.left == 0


async def test_a_drawn_token_counts_as_a_pass_does(guest: Guest, held: GuestContext) -> None:
    guest.budget.spend(41)
    with pytest.raises(TokenBudgetError):
        await draw(guest, held, TEN, GREEDY)


async def test_passes_on_their_way_count(guest: Guest, held: GuestContext) -> None:
    waiting = [execute(guest, held, forward_pass()) for _ in range(5)]
    with pytest.raises(TokenBudgetError):
        execute(guest, held, forward_pass())
    await asyncio.gather(*(output.future for output in waiting))


async def test_a_pass_that_is_refused_or_fails_costs_nothing(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(EmptyInputError):
        await run(guest, held, forward_pass(NONE))
    output = execute(guest, held, forward_pass())
    assert guest.budget.left == 40
    held.context.release()
    await asyncio.wait([output.future])
    await asyncio.sleep(0)
    output.drop()
    assert guest.budget.left == 50


async def test_a_generation_within_the_budget_ends_as_ever(guest: Guest, held: GuestContext) -> None:
    chunk = await collect(guest, begin(guest, held, 30))
    assert (len(chunk.tokens), chunk.finish) == (30, "length")
    assert guest.budget.left == 10


async def test_a_generation_that_just_fits_ends_as_ever(guest: Guest, held: GuestContext) -> None:
    assert (await collect(guest, begin(guest, held, 40))).finish == "length"


@pytest.mark.parametrize("tokens_max", [41, 0])
async def test_a_generation_ends_with_an_error_at_the_budget_after_what_it_drew(
    guest: Guest, held: GuestContext, tokens_max: int
) -> None:
    assert len(await until_error(guest, begin(guest, held, tokens_max))) == 40
    assert guest.budget.left == 0


async def test_a_reader_who_is_slow_changes_nothing(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, replace(OPTIONS, tokens_max=0, unread_max=7))
    assert isinstance(generation, Generation)
    assert len(await until_error(guest, generation)) == 40


async def test_a_generation_that_was_collected_gives_the_error(guest: Guest, held: GuestContext) -> None:
    with pytest.raises(TokenBudgetError):
        await collect(guest, begin(guest, held, 0))


async def test_a_prompt_larger_than_what_is_left_is_refused(guest: Guest, held: GuestContext) -> None:
    guest.budget.spend(40)
    with pytest.raises(TokenBudgetError):
        begin(guest, held)
    assert guest.budget.left == 10


async def test_a_generation_that_is_refused_for_another_reason_costs_nothing(guest: Guest, held: GuestContext) -> None:
    running = begin(guest, held, 10)
    with pytest.raises(ContextBusyError):
        begin(guest, held, 5)
    running.drop()
    assert guest.budget.left == 40


async def test_a_long_generation_takes_from_the_budget_little_by_little(guest: Guest, held: GuestContext) -> None:
    guest.process.token_budget = 3000
    generation = begin(guest, held, 2000)
    assert guest.budget.left == 3000 - 10 - BUDGET_AHEAD_TOKENS
    chunk = await collect(guest, generation)
    assert (len(chunk.tokens), chunk.finish, guest.budget.left) == (2000, "length", 3000 - 2010)


async def test_generations_at_once_never_exceed_the_budget(guest: Guest, served: ServedModel) -> None:
    guest.process.token_budget = 3000
    generations = [begin(guest, contexts.new_context(guest, served), 0) for _ in range(3)]
    drawn = await asyncio.gather(*(until_error(guest, generation) for generation in generations))
    assert 3000 - 3 * BUDGET_AHEAD_TOKENS <= 3 * 10 + sum(map(len, drawn)) <= 3000


async def test_the_context_limit_is_no_matter_of_the_budget(guest: Guest, held: GuestContext) -> None:
    guest.process.token_budget = 1_000_000
    assert (await collect(guest, begin(guest, held, 0))).finish == "length"


async def test_a_stop_text_gives_back_what_was_not_drawn(guest: Guest, served: ServedModel) -> None:
    guest.process.token_budget = 1000
    letters = replace(OPTIONS, logit_mask=np.array([32, 64], np.uint32))
    text = (await collect(guest, _started(guest, served, letters))).text
    stopped = _started(guest, served, replace(letters, tokens_max=0, stop_texts=[text[5:8]]))
    chunk = await collect(guest, stopped)
    assert chunk.finish == "stop"
    assert guest.budget.left > 1000 - 50 - 10 - 100


async def test_a_generation_that_is_dropped_gives_back_what_it_did_not_draw(guest: Guest, held: GuestContext) -> None:
    begin(guest, held).drop()
    assert guest.budget.left == 40


def _started(guest: Guest, served: ServedModel, options: Options) -> Generation:
    generation = start(guest, contexts.new_context(guest, served), PROMPT, options)
    assert isinstance(generation, Generation)
    return generation
