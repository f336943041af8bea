"""What the engine takes, what it refuses, and what can change while it runs."""

import asyncio
from pathlib import Path

import pytest

from engine_fakes.dummy_engine import dummy_config, program
from pie.config.config import LimitsConfig
from pie.engine.engine import Engine
from pie.errors import DrainingError, QuotaError, TooManyProcessesError
from pie.host.guest import Guest


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


async def test_a_file_for_a_process_waits_until_it_is_received(engine: Engine) -> None:
    async def receives(guest: Guest) -> str:
        file = await guest.files.receive()
        assert file is not None
        return f"{file.name}: {file.data!r}"

    launched = engine.launch(program(receives), "{}")
    assert launched.put_file(b"content", "a.txt")
    assert (await launched.outcome()).value == "a.txt: b'content'"
