"""Whatever a program does, the one concerned gets a clear error, and nobody else notices."""

import asyncio
import json
from pathlib import Path

import pytest
from e2e.conftest import PROGRAMS, dummy_config, installed, model_without_weights

from pie.config.home import Home
from pie.engine.engine import Engine, running
from pie.engine.launched import LaunchedProcess
from pie.engine.program import InstalledProgram
from pie.processes.events import ProcessEvent

pytestmark = pytest.mark.slow


@pytest.fixture
async def misbehave(dummy_engine: Engine, home: Home) -> InstalledProgram:
    return await installed(dummy_engine, home, PROGRAMS / "misbehave")


def launch(engine: Engine, program: InstalledProgram, do: str) -> LaunchedProcess:
    return engine.launch(program, json.dumps({"do": do}))


async def outcome(engine: Engine, program: InstalledProgram, do: str) -> ProcessEvent:
    return await launch(engine, program, do).outcome()


@pytest.mark.parametrize(
    ("do", "words"),
    [
        ("fail", "the guest's own words"),
        ("recurse", ""),
        ("allocate", "emory"),
        ("leave", "exit code"),
        ("unknown_model", "no-such-model"),
        ("empty_forward", ""),
        ("token_out_of_range", "1000000"),
        ("prompt_too_long", "context"),
        ("read_files", "No such file"),
        ("leak_contexts", "handles"),
        ("leak_forks", "handles"),
        ("leak_models", "handles"),
        ("leak_receivers", "handles"),
        ("leak_pollables", "handles"),
        ("leak_timers", "handles"),
        ("leak_passes", "passes are waiting on the context already"),
        ("save_without_end", "saved contexts; delete one first"),
        ("poll_too_much", "poll was called with 10000 pollables"),
        ("allocate_at_once", "int"),
        ("print_a_lot", "too much data"),
        ("encode_a_lot", "are taken at a time"),
    ],
)
async def test_a_misdeed_ends_the_process_with_its_own_words(
    dummy_engine: Engine, misbehave: InstalledProgram, do: str, words: str
) -> None:
    event = await outcome(dummy_engine, misbehave, do)
    assert event.kind == "error"
    assert words in event.value
    assert (await outcome(dummy_engine, misbehave, "behave")).value == "well"
    assert dummy_engine.statistics().schedulers["dummy"].kv.owned == 0


@pytest.mark.parametrize(("do", "kind"), [("return_a_lot", "return"), ("send_a_lot", "message")])
async def test_a_large_text_arrives_whole(dummy_engine: Engine, misbehave: InstalledProgram, do: str, kind: str) -> None:
    [event] = [event async for event in launch(dummy_engine, misbehave, do).events() if event.kind == kind]
    assert event.value == "é" * (32 << 20)


@pytest.mark.parametrize("turns", [0, 1, 3])
async def test_a_process_may_be_terminated_before_it_has_begun(
    dummy_engine: Engine, misbehave: InstalledProgram, turns: int
) -> None:
    launched = launch(dummy_engine, misbehave, "spin")
    for _ in range(turns):
        await asyncio.sleep(0)
    launched.terminate()
    assert (await launched.outcome()).value == "the process was terminated"
    assert not dummy_engine.processes()
    assert (await outcome(dummy_engine, misbehave, "behave")).value == "well"


@pytest.mark.parametrize("do", ["spin", "sleep_long", "receive_for_ever", "print_without_end", "send_without_end", "generate_long"])
async def test_a_process_can_be_terminated_whatever_it_does(dummy_engine: Engine, misbehave: InstalledProgram, do: str) -> None:
    launched = launch(dummy_engine, misbehave, do)
    await asyncio.sleep(0.2)
    launched.terminate()
    event = await launched.outcome()
    assert (event.kind, launched.process.state) in [("error", "terminated"), ("return", "returned")]
    assert not dummy_engine.processes()


async def test_a_spinning_guest_does_not_stop_the_others(dummy_engine: Engine, misbehave: InstalledProgram) -> None:
    spinning = [launch(dummy_engine, misbehave, "spin") for _ in range(2)]
    event = await outcome(dummy_engine, misbehave, "tell_time")
    assert float(event.value) < 1000
    for launched in spinning:
        launched.terminate()
        await launched.outcome()


async def test_a_guest_that_prints_without_end_costs_bounded_memory(dummy_engine: Engine, misbehave: InstalledProgram) -> None:
    launched = launch(dummy_engine, misbehave, "print_without_end")
    await asyncio.sleep(0.5)
    statistics = launched.process.events.statistics()
    assert statistics.events <= 4096
    assert statistics.characters < 32 << 20
    launched.terminate()
    await launched.outcome()


async def test_a_terminated_process_frees_its_contexts(dummy_engine: Engine, misbehave: InstalledProgram) -> None:
    launched = launch(dummy_engine, misbehave, "hold_a_context")
    async for event in launched.events():
        if event.kind == "message":
            assert dummy_engine.statistics().schedulers["dummy"].kv.owned > 0
            launched.terminate()
    assert dummy_engine.statistics().schedulers["dummy"].kv.owned == 0


async def test_closing_the_engine_ends_every_process(home: Home, tmp_path: Path) -> None:
    config = dummy_config(model_without_weights(tmp_path))
    async with running(config, home) as engine:
        program = await installed(engine, home, PROGRAMS / "misbehave")
        launched = [launch(engine, program, do) for do in ("spin", "sleep_long", "receive_for_ever")]
        await asyncio.sleep(0.1)
    assert [(await one.outcome()).kind for one in launched] == ["error"] * 3
