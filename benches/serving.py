"""An engine for benches, and many processes started at one signal."""

import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benches.bare_loop import Workload, prompts
from pie.config.config import Config, DriverConfig, ModelConfig
from pie.config.home import from_environment
from pie.engine.engine import Engine, running
from pie.engine.launched import LaunchedProcess
from pie.engine.program import InstalledProgram
from pie.programs.resolve import from_source, resolve
from pie.sandbox.interface import Interface

PROGRAMS = Path(__file__).with_name("programs")
KV_CACHE_MB = 256


@asynccontextmanager
async def serving(
    driver: DriverConfig | None = None,
    model: str = "pie-tiny",
    guest_interfaces: Sequence[Interface] | None = None,
) -> AsyncIterator[Engine]:
    """An engine with one model. Programs are built and compiled in Pie's own folder, as everywhere."""
    config = Config(models=(ModelConfig(model, model, driver or DriverConfig()),))
    async with running(config, from_environment(), guest_interfaces=guest_interfaces) as engine:
        yield engine


async def bench_program(engine: Engine, name: str) -> InstalledProgram:
    return await engine.install(from_source(PROGRAMS / name, from_environment().built, _quiet))


async def example(engine: Engine, name: str) -> InstalledProgram:
    return await engine.install(resolve(name, from_environment().built, _quiet))


@dataclass(frozen=True, slots=True)
class Served:
    tokens_count: int
    elapsed_s: float

    @property
    def tokens_per_s(self) -> float:
        return self.tokens_count / self.elapsed_s


async def ready(engine: Engine, program: InstalledProgram, inputs: Sequence[object]) -> list[LaunchedProcess]:
    """A process per input, each of which has said that it is ready."""
    launched = [engine.launch(program, json.dumps(one)) for one in inputs]
    for process in launched:
        async for event in process.events():
            if event.kind == "error":
                raise RuntimeError(event.value)
            if event.kind == "message":
                break
    return launched


async def serve(engine: Engine, program: InstalledProgram, workload: Workload) -> Served:
    """The workload by processes that wait for the signal; timed from the signal to the last return."""
    vocabulary_size = engine.model().scheduler.limits.vocabulary_size
    inputs = [{"prompt": one, "max_tokens": workload.output_tokens} for one in prompts(workload, vocabulary_size)]
    launched = await ready(engine, program, inputs)
    begin = time.perf_counter()
    for process in launched:
        process.signal("go")
    outcomes = [await process.outcome() for process in launched]
    elapsed_s = time.perf_counter() - begin
    for outcome in outcomes:
        if outcome.kind == "error":
            raise RuntimeError(outcome.value)
    return Served(sum(int(outcome.value) for outcome in outcomes), elapsed_s)


def _quiet(_: str) -> None:
    pass
