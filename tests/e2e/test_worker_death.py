"""The worker may die at any moment: nobody notices but by the time it takes."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from e2e import random_model
from e2e.conftest import PROGRAMS, installed, is_worker, no_unseen_errors, torch_config, worker_ids

from pie.config.home import Home
from pie.engine.engine import Engine, running
from pie.engine.launched import LaunchedProcess
from pie.engine.program import InstalledProgram
from pie.processes.events import ProcessEvent

pytestmark = pytest.mark.slow


@pytest.fixture
async def engine(home: Home, tmp_path: Path) -> AsyncIterator[Engine]:
    async with no_unseen_errors(), running(torch_config(random_model.write(tmp_path / "model")), home) as engine:
        yield engine
        engine.model().scheduler.check()


@pytest.fixture
async def contexts(engine: Engine, home: Home) -> InstalledProgram:
    return await installed(engine, home, PROGRAMS / "contexts")


def launch(engine: Engine, program: InstalledProgram, do: str) -> LaunchedProcess:
    return engine.launch(program, json.dumps({"do": do}))


async def returned(engine: Engine, program: InstalledProgram, do: str) -> str:
    event = await launch(engine, program, do).outcome()
    assert event.kind == "return", event.value
    return event.value


async def until_generating(launched: LaunchedProcess) -> None:
    async for event in launched.events():
        if event.kind == "message":
            return


async def kill_in_mid_batch() -> None:
    """Stops the worker, so that what is handed out stays unanswered, and kills it."""
    [worker] = worker_ids(os.getpid())
    os.kill(worker, signal.SIGSTOP)
    await asyncio.sleep(0.1)
    await kill()


async def kill() -> None:
    """Returns when the engine has started another worker, which need not be ready yet."""
    [worker] = worker_ids(os.getpid())
    os.kill(worker, signal.SIGKILL)
    while worker_ids(os.getpid()) in ([], [worker]):
        await asyncio.sleep(0.01)


async def test_those_in_flight_notice_nothing(engine: Engine, contexts: InstalledProgram) -> None:
    ways = ["hold_on", "hold_on_step_by_step"]
    undisturbed = {way: await returned(engine, contexts, way) for way in ways}
    running_ones = [launch(engine, contexts, way) for way in ways * 2]
    await asyncio.gather(*map(until_generating, running_ones))
    await kill_in_mid_batch()
    events: list[ProcessEvent] = await asyncio.gather(*(launched.outcome() for launched in running_ones))
    assert [event.value for event in events] == [undisturbed[way] for way in ways * 2]
    assert engine.statistics().schedulers["model"].kv.owned == 0


async def test_a_process_launched_before_the_death_is_noticed_returns(engine: Engine, contexts: InstalledProgram) -> None:
    undisturbed = await returned(engine, contexts, "hold_on")
    [worker] = worker_ids(os.getpid())
    os.kill(worker, signal.SIGKILL)
    assert await returned(engine, contexts, "hold_on") == undisturbed


async def test_saved_contexts_are_computed_again_and_give_the_same_tokens(engine: Engine, contexts: InstalledProgram) -> None:
    await returned(engine, contexts, "save")
    before = await returned(engine, contexts, "go_on")
    await kill()
    assert await returned(engine, contexts, "go_on") == before


async def test_a_worker_that_dies_while_it_starts_is_started_again(engine: Engine, contexts: InstalledProgram) -> None:
    before = await returned(engine, contexts, "save")
    await kill()
    await kill()
    engine.model().scheduler.delete_context("local", "kept")
    assert await returned(engine, contexts, "save") == before


async def test_a_killed_engine_takes_its_worker_with_it(home: Home, tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    model = random_model.write(tmp_path / "model")
    (tmp_path / "config.toml").write_text(f'[[model]]\nname = "model"\nhf_repo = "{model}"\n')
    engine = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from pie_cli.main import main; main()"),
        *("run", str(PROGRAMS / "talk"), "--config", str(tmp_path / "config.toml"), "--do", "wait"),
        env={**os.environ, "PIE_HOME": str(home.root), "TMPDIR": str(tmp_path / "temporary")},
        stderr=asyncio.subprocess.PIPE,
    )
    assert engine.stderr is not None
    while (await engine.stderr.readline()) not in (b"waiting\n", b""):
        pass
    [worker] = worker_ids(engine.pid)
    engine.kill()
    await engine.wait()
    async with asyncio.timeout(20):
        while is_worker(worker):
            await asyncio.sleep(0.05)
    assert not list((tmp_path / "temporary").iterdir())
