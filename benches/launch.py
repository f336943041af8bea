"""What a launch costs, warm: the program is compiled, the engine runs. No model: the dummy driver.

first_call_ms   text-completion (Python): from `launch` to its first call of a pie:inferlet function
small_ms        a component of 200 bytes: from `launch` to its return
rss_mb          resident memory per live Python process, 200 of them waiting. The kernel counts pages that all of them share
                (the component's memory image) once per process, in windows of 64 KiB around each page that was touched
private_mb      the same without what they share: what one more process costs the machine
"""

import asyncio
import gc
import inspect
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import wasmtime

from benches.report import Figure, report
from benches.serving import bench_program, example, ready, serving
from pie.config.config import DriverConfig
from pie.engine.engine import Engine
from pie.host import interfaces as host_interfaces
from pie.programs.resolved import ResolvedProgram
from pie.sandbox.interface import Interface, suspends
from pie_wire.manifest import Manifest, Package

ROUNDS = 50
LIVE_PROCESSES = 200
DUMMY = DriverConfig(type="dummy")


class FirstCall:
    """Notes when a guest first calls a function of ours."""

    def __init__(self) -> None:
        self.at = 0.0

    def watching(self, interfaces: list[Interface]) -> list[Interface]:
        return [
            replace(one, functions={name: self._noting(function) for name, function in one.functions.items()})
            if one.name.startswith("pie:")
            else one
            for one in interfaces
        ]

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any) -> Any:
            if not self.at:
                self.at = time.perf_counter()
            return function(*arguments)

        return suspends(noting) if inspect.iscoroutinefunction(function) or hasattr(function, "pie_suspends") else noting


async def first_call_ms() -> float:
    first = FirstCall()
    async with serving(DUMMY, guest_interfaces=first.watching(host_interfaces.interfaces())) as engine:
        program = await example(engine, "text-completion")
        taken: list[float] = []
        for _ in range(ROUNDS):
            first.at = 0.0
            begin = time.perf_counter()
            await engine.launch(program, '{"max_tokens": 1}').outcome()
            taken.append(first.at - begin)
        return statistics.median(taken) * 1e3


async def small_ms(engine: Engine) -> float:
    wasm = bytes(wasmtime.wat2wasm(Path(__file__).with_name("tiny.wat").read_text()))
    program = await engine.install(ResolvedProgram(wasm, Manifest(Package("tiny", "0.1.0"))))
    taken: list[float] = []
    for _ in range(ROUNDS * 4):
        begin = time.perf_counter()
        outcome = await engine.launch(program, '{"a": 1}').outcome()
        taken.append(time.perf_counter() - begin)
        assert outcome.value == '{"a": 1}'
    return statistics.median(taken) * 1e3


async def live_mb(engine: Engine) -> tuple[float, float]:
    """Resident and private memory per live process."""
    program = await bench_program(engine, "parked")
    await ready(engine, program, [{}] * 4)
    gc.collect()
    before = memory_kib()
    await ready(engine, program, [{}] * LIVE_PROCESSES)
    after = memory_kib()
    grown = {key: (after[key] - before[key]) * 1024 / LIVE_PROCESSES / 1e6 for key in after}
    return grown["Rss"], grown["Private_Clean"] + grown["Private_Dirty"]


def memory_kib() -> dict[str, int]:
    """Of this OS process, worker not included."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()[1:]
    return {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in lines)}


async def figures() -> list[Figure]:
    first = await first_call_ms()
    async with serving(DUMMY) as engine:
        small = await small_ms(engine)
        resident, private = await live_mb(engine)
    return [
        Figure("first_call_ms", first, "ms", "<= 4"),
        Figure("small_ms", small, "ms", "<= 0.8"),
        Figure("rss_mb", resident, "MB per process", "<= 6"),
        Figure("private_mb", private, "MB per process"),
    ]


if __name__ == "__main__":
    report("launch", asyncio.run(figures()))
