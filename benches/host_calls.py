"""What a host call costs: from a small guest into Python and back, per call, everything included.

    scalar_us      two u32 in, one out, by a function that may suspend and has its answer at once
    suspended_us   the same where the answer comes a round of the event loop later
    forward_us     a pass of 32 tokens as in wit/forward.wit in, one reading out

The guest makes 10,000 calls per run; the kinds are measured in turns, and the median run counts.
"""

import asyncio
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wasmtime

from benches.report import Figure, report
from pie.sandbox.interface import Interface, suspends
from pie.sandbox.sandbox import Sandbox

CALLS = 10_000
ROUNDS = 15
KINDS = {"scalar_us": ("s", "<= 5.6"), "suspended_us": ("ss", None), "forward_us": ("fff", "<= 25")}


class Context:
    """What the guest's handle stands for."""


@dataclass(slots=True)
class Sampler:
    temperature: float
    top_k: int
    top_p: float
    min_p: float
    seed: int


@dataclass(slots=True)
class Slot:
    index: int
    probe: tuple[str, Any]


@dataclass(slots=True)
class Pass:
    tokens: Any
    positions: Any
    attention_mask: Any
    logit_mask: Any
    slots: list[Slot]
    commit: bool


@suspends
def scalar(_: object, a: int, b: int) -> int:
    return a + b


@suspends
def suspended(_: object, a: int) -> "asyncio.Future[int]":
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    loop.call_soon(future.set_result, a + 1)
    return future


@suspends
def forward(_: object, context: Context, given: Pass) -> list[tuple[str, int]]:
    return [("token", slot.index) for slot in given.slots]


HOST = Interface(
    "pie:bench/host@0.1.0",
    functions={
        "scalar": scalar,
        "suspended": suspended,
        "forward": forward,
        "[constructor]context": lambda _: Context(),
    },
    resources={"context": Context},
    types={"pass": Pass, "slot": Slot, "sampler": Sampler},
)


async def measure() -> list[Figure]:
    wasm = bytes(wasmtime.wat2wasm(Path(__file__).with_suffix(".wat").read_text()))
    sandbox = Sandbox([HOST], cache_folder=None)
    program = await sandbox.load(wasm)
    times: dict[str, list[float]] = {name: [] for name in KINDS}
    for _ in range(ROUNDS):
        for name, (text, _) in KINDS.items():
            instance = await program.start(None)
            began = time.perf_counter()
            await instance.run(text)
            times[name].append((time.perf_counter() - began) / CALLS * 1e6)
            instance.close()
    await sandbox.close()
    return [Figure(name, statistics.median(times[name]), "µs", target) for name, (_, target) in KINDS.items()]


if __name__ == "__main__":
    report("host_calls", asyncio.run(measure()))
