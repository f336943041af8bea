"""What the engine takes, what it refuses, and what can change while it runs."""

import asyncio
from array import array
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from engine_fakes.dummy_engine import Body, dummy_config, program
from pie.clock import ManualClock
from pie.config.config import LimitsConfig
from pie.config.home import Home
from pie.engine.context_store import ContextStore
from pie.engine.engine import Engine, running
from pie.errors import DrainingError, PieError, QuotaError, TooManyProcessesError
from pie.host import context as contexts
from pie.host.forward import draw
from pie.host.generate import Chunk, Generation, Options, next_chunk, start
from pie.host.guest import Guest
from pie.host.sampler import GuestSampler
from pie.sched.context import SavedContext
from pie.sched.work import Pass

NONE = np.zeros(0, np.uint32)
GREEDY = GuestSampler(temperature=0.0, top_k=0, top_p=1.0, min_p=0.0, seed=0)


async def waits(_: Guest) -> str:
    await asyncio.sleep(3600)
    return "never"


async def returns(guest: Guest) -> str:
    return guest.process.username


async def test_a_draining_engine_takes_nothing_new_and_lets_run_what_runs(engine: Engine) -> None:
    running = engine.launch(program(returns), "{}")
    engine.drain(enabled=True)
    assert engine.draining
    with pytest.raises(DrainingError):
        engine.launch(program(returns), "{}")
    assert (await running.outcome()).value == "local"
    engine.drain(enabled=False)
    assert (await engine.launch(program(returns), "{}").outcome()).value == "local"


async def test_a_user_has_so_many_processes_until_one_ends(engine: Engine) -> None:
    first, _ = [engine.launch(program(waits), "{}", "ada") for _ in range(2)]
    with pytest.raises(TooManyProcessesError):
        engine.launch(program(waits), "{}", "ada")
    assert engine.launch(program(waits), "{}", "bob")
    first.terminate()
    await first.outcome()
    assert engine.launch(program(waits), "{}", "ada")


async def test_who_used_up_the_tokens_of_a_minute_waits(engine: Engine) -> None:
    engine.quotas.charge("ada", 700)
    with pytest.raises(QuotaError):
        engine.launch(program(returns), "{}", "ada")
    assert engine.launch(program(returns), "{}", "bob")


async def test_limits_change_while_the_engine_runs(engine: Engine, tmp_path: Path) -> None:
    changed = engine.reconfigure(dummy_config(tmp_path, LimitsConfig(processes_per_user=3, tokens_per_minute=600)))
    assert changed == ["limits.processes_per_user"]
    assert [engine.launch(program(waits), "{}", "ada") for _ in range(3)]


async def test_another_registry_means_another_library_and_both_end_with_the_engine(engine: Engine, tmp_path: Path) -> None:
    before, config = engine.library, dummy_config(tmp_path)
    server = replace(config.server, registry="http://127.0.0.1:9")
    assert engine.reconfigure(replace(config, server=server)) == ["server.registry"]
    assert engine.library is not before
    assert engine.reconfigure(replace(config, server=server)) == []


async def test_a_file_for_a_process_waits_until_it_is_received(engine: Engine) -> None:
    async def receives(guest: Guest) -> str:
        file = await guest.files.receive()
        assert file is not None
        return f"{file.name}: {file.data!r}"

    launched = engine.launch(program(receives), "{}")
    assert launched.put_file(b"content", "a.txt")
    assert (await launched.outcome()).value == "a.txt: b'content'"


def saves(name: str) -> Body:
    async def body(guest: Guest) -> str:
        scheduler = guest.model("dummy").scheduler
        context = scheduler.create_context(guest.process.id, guest.process.username)
        await scheduler.forward(context, Pass([1, 2, 3]))
        context.save(name)
        return "saved"

    return body


def opens(name: str) -> Body:
    async def body(guest: Guest) -> str:
        scheduler = guest.model("dummy").scheduler
        context = scheduler.open_context(guest.process.id, guest.process.username, name)
        await scheduler.forward(context, Pass([4]))
        return str(context.length)

    return body


async def value(engine: Engine, body: Body, username: str = "ada") -> str:
    return (await engine.launch(program(body), "{}", username).outcome()).value


@asynccontextmanager
async def engine_in(folder: Path) -> AsyncIterator[Engine]:
    """One after the other in the same home."""
    async with running(dummy_config(folder), Home(folder / "home")) as engine:
        yield engine


async def test_saved_contexts_survive_the_engine_until_they_are_deleted(tmp_path: Path) -> None:
    async with engine_in(tmp_path) as engine:
        await value(engine, saves("notes"))
        assert await engine.save_contexts() == []
    async with engine_in(tmp_path) as engine:
        assert await value(engine, opens("notes")) == "4"
        engine.model().scheduler.delete_context("ada", "notes")
        await engine.save_contexts()
    async with engine_in(tmp_path) as engine:
        assert "no saved context" in await value(engine, opens("notes"))


async def test_contexts_of_another_model_are_not_found(tmp_path: Path) -> None:
    async with engine_in(tmp_path) as engine:
        await value(engine, saves("notes"))
        await engine.save_contexts()
    (tmp_path / "model" / "model.safetensors").write_bytes(b"other weights")
    async with engine_in(tmp_path) as engine:
        assert "no saved context" in await value(engine, opens("notes"))


async def test_a_context_with_kv_of_its_own_is_reported_and_not_lost_silently(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with engine_in(tmp_path) as engine:
        scheduler = engine.model().scheduler
        context = scheduler.create_context("p", "ada")
        await scheduler.forward(context, Pass([1, 2], positions=[3, 7]))
        context.save("custom")
        [failure] = await engine.save_contexts()
        assert failure.name == "custom"
        assert "masks or positions" in caplog.text


async def test_a_context_that_does_not_fit_any_more_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with engine_in(tmp_path) as engine:
        engine.model().scheduler.recall_context("ada", "long", [4095] * 5)
        await engine.save_contexts()
        [path] = (tmp_path / "home" / "contexts").rglob("*.safetensors")
        ContextStore(path.parent).store([SavedContext("ada", "long", array("i", [5000]).tobytes())])
    async with engine_in(tmp_path) as engine:
        assert not engine.model().scheduler.saved_contexts()
        assert "outside the vocabulary" in caplog.text
        await engine.save_contexts()
        assert path.exists(), "another engine may be able to use it"


async def test_users_do_not_see_each_others_contexts(engine: Engine) -> None:
    assert await value(engine, saves("notes"), "ada") == "saved"
    assert "no saved context" in await value(engine, opens("notes"), "bob")
    assert await value(engine, saves("notes"), "bob") == "saved"


def computes(*lengths: int) -> Body:
    """Passes of so many tokens, one after the other; returns the code of the error that ends them."""

    async def body(guest: Guest) -> str:
        held = contexts.new_context(guest, guest.model("dummy"))
        for length in lengths:
            tokens = np.ones(length, np.uint32)
            try:
                await draw(guest, held, tokens, GREEDY)
            except PieError as error:
                return error.code
        return "done"

    return body


async def test_tokens_are_charged_to_the_process_and_its_user(engine: Engine) -> None:
    launched = engine.launch(program(computes(100, 20)), "{}", "ada")
    assert (await launched.outcome()).value == "done"
    assert launched.process.tokens == 120
    with pytest.raises(QuotaError):
        engine.quotas.charge("ada", 600 - 120 + 1)
        engine.quotas.admit("ada")


async def test_who_overdraws_is_not_stopped_but_launches_nothing_more(engine: Engine, clock: ManualClock) -> None:
    assert await value(engine, computes(500, 500)) == "done"
    with pytest.raises(QuotaError) as refused:
        engine.launch(program(returns), "{}", "ada")
    clock.advance(int((refused.value.retry_after_s + 0.001) * 1e9))
    assert await value(engine, returns) == "ada"


async def test_a_process_ends_its_work_at_its_token_budget(engine: Engine) -> None:
    launched = engine.launch(program(computes(50, 50, 1)), "{}", token_budget=100)
    assert (await launched.outcome()).value == "token-budget"
    assert launched.process.tokens == 100


def generates(prompt: int, *, at_once: int = 1) -> Body:
    """As long as it may; returns how many tokens it got before the error, and the error's code."""

    async def one(guest: Guest) -> tuple[int, str]:
        options = Options(GREEDY, 0, NONE, [], NONE, chunk_tokens=0, unread_max=0)
        held = contexts.new_context(guest, guest.model("dummy"))
        generation = start(guest, held, [("tokens", np.ones(prompt, np.uint32))], options)
        assert isinstance(generation, Generation)
        count = 0
        try:
            while True:
                chunk = next_chunk(guest, generation)
                count += len((chunk if isinstance(chunk, Chunk) else await chunk).tokens)
        except PieError as error:
            return count, error.code

    async def body(guest: Guest) -> str:
        return repr(await asyncio.gather(*(one(guest) for _ in range(at_once))))

    return body


async def test_a_generation_keeps_the_budget_of_its_process_to_the_token(engine: Engine) -> None:
    launched = engine.launch(program(generates(prompt=30)), "{}", token_budget=100)
    assert (await launched.outcome()).value == "[(70, 'token-budget')]"
    assert launched.process.tokens == 99, "the last token drawn is not computed"


async def test_generations_at_once_never_have_more_computed_than_the_budget(engine: Engine) -> None:
    launched = engine.launch(program(generates(prompt=30, at_once=3)), "{}", token_budget=1000)
    assert (await launched.outcome()).value.count("token-budget") == 3
    assert 200 < launched.process.tokens <= 1000
