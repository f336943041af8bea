"""Generations hand out what the scheduler draws, cut at stop texts, no further ahead than the guest allows."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
import pytest

from host.conftest import loaded_model, make_guest
from pie.driver.dummy import DummyDriver, Faults
from pie.errors import ContextBusyError, DriverError, InvalidArgumentError, LengthOutOfRangeError, PieError
from pie.host import context as contexts
from pie.host.context import GuestContext
from pie.host.generate import Chunk, Generation, Options, collect, keep, next_chunk, read, start
from pie.host.guest import Guest
from pie.host.long_text import TextDesk
from pie.host.sampler import GuestSampler
from pie.host.served import ServedModel
from pie.sandbox.interface import Ok
from pie.sched.scheduler import Scheduler

NONE = np.zeros(0, np.uint32)
GREEDY = GuestSampler(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, seed=0)
OPTIONS = Options(GREEDY, tokens_max=40, stop_tokens=NONE, stop_texts=[], logit_mask=NONE, chunk_tokens=0, unread_max=0)
PROMPT = [("tokens", np.arange(1, 11, dtype=np.uint32))]


@pytest.fixture
def held(guest: Guest, served: ServedModel) -> GuestContext:
    return contexts.new_context(guest, served)


async def whole(guest: Guest, held: GuestContext, options: Options = OPTIONS) -> Chunk:
    return await collect(guest, start(guest, held, PROMPT, options))


async def chunks(guest: Guest, generation: Generation) -> list[Chunk]:
    taken: list[Chunk] = []
    while not taken or taken[-1].finish is None:
        chunk = next_chunk(guest, generation)
        taken.append(chunk if isinstance(chunk, Chunk) else await chunk)
    return taken


async def test_collect_returns_everything_at_once(guest: Guest, held: GuestContext) -> None:
    chunk = await whole(guest, held)
    assert len(chunk.tokens) == 40
    assert chunk.finish == "length"
    assert held.context.length == 10 + 39


async def test_chunks_joined_are_what_collect_returns(guest: Guest, served: ServedModel) -> None:
    expected = await whole(guest, contexts.new_context(guest, served))
    taken = await chunks(guest, start(guest, contexts.new_context(guest, served), PROMPT, OPTIONS))
    assert [token for chunk in taken for token in chunk.tokens] == list(expected.tokens)
    assert "".join(chunk.text for chunk in taken) == expected.text


@pytest.mark.parametrize("take", [collect, chunks])
async def test_a_loop_that_fails_midway_never_passes_for_a_whole_answer(take: Callable[..., Awaitable[object]]) -> None:
    scheduler = Scheduler(DummyDriver(faults=Faults(fail_batches=frozenset({3}))))
    await scheduler.start()
    served = ServedModel(loaded_model(), scheduler, TextDesk(loaded_model(), loaded_model))
    guest = make_guest(served)
    generation = start(guest, contexts.new_context(guest, served), PROMPT, replace(OPTIONS, tokens_max=400))
    with pytest.raises(DriverError, match="told to fail"):
        await take(guest, generation)
    await scheduler.close()


async def test_a_chunk_holds_as_many_tokens_as_asked_for(guest: Guest, held: GuestContext) -> None:
    taken = await chunks(guest, start(guest, held, PROMPT, replace(OPTIONS, chunk_tokens=7)))
    assert all(len(chunk.tokens) >= 7 for chunk in taken[:-1])


async def test_a_stop_text_cuts_text_and_context(guest: Guest, served: ServedModel) -> None:
    letters = replace(OPTIONS, logit_mask=np.array([32, 64], np.uint32))
    text = (await whole(guest, contexts.new_context(guest, served), letters)).text
    stop = text[12:15]
    held = contexts.new_context(guest, served)
    chunk = await whole(guest, held, replace(letters, stop_texts=[stop]))
    assert chunk.finish == "stop"
    assert chunk.text == text[: text.index(stop)]
    assert 10 < held.context.length <= 10 + len(chunk.tokens)


async def test_read_gives_nothing_before_there_is_something(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, OPTIONS)
    assert read(guest, generation) is None
    while (chunk := read(guest, generation)) is None:
        await asyncio.sleep(0)
    assert isinstance(chunk, Ok)


async def test_the_loop_pauses_while_the_guest_reads_nothing(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, replace(OPTIONS, unread_max=4))
    await asyncio.sleep(0.05)
    assert held.context.length <= 10 + 4
    total = sum(len(chunk.tokens) for chunk in await chunks(guest, generation))
    assert total == 40


async def test_keep_cuts_the_context_to_what_was_seen(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, replace(OPTIONS, unread_max=8))
    chunk = next_chunk(guest, generation)
    if not isinstance(chunk, Chunk):
        await chunk
    await keep(guest, generation, 1)
    assert held.context.length == 10 + 1


async def test_keep_cannot_keep_more_than_there_is(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, OPTIONS)
    await collect(guest, generation)
    with pytest.raises(LengthOutOfRangeError):
        await keep(guest, generation, 41)


async def test_a_context_has_one_generation_at_a_time(guest: Guest, held: GuestContext) -> None:
    start(guest, held, PROMPT, OPTIONS)
    with pytest.raises(ContextBusyError):
        start(guest, held, PROMPT, OPTIONS)


async def test_dropping_a_generation_stops_it(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, replace(OPTIONS, tokens_max=5000))
    generation.drop()
    while held.context.busy:
        await asyncio.sleep(0)
    assert held.context.length < 10 + 5000


async def test_after_the_last_chunk_there_is_none(guest: Guest, held: GuestContext) -> None:
    generation = start(guest, held, PROMPT, OPTIONS)
    await collect(guest, generation)
    with pytest.raises(PieError, match="over"):
        await collect(guest, generation)


@pytest.mark.parametrize(
    "sampler", [{"temperature": -1.0}, {"temperature": float("nan")}, {"top_p": 1.5}, {"min_p": -0.1}, {"top_p": float("nan")}]
)
async def test_what_is_no_sampler_is_refused(guest: Guest, held: GuestContext, sampler: dict[str, float]) -> None:
    with pytest.raises(InvalidArgumentError):
        start(guest, held, PROMPT, replace(OPTIONS, sampler=replace(GREEDY, **sampler)))
