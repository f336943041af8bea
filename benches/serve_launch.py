"""Launch to return over a loopback WebSocket, warm, dummy driver. The server has one core, the client the other.

python_ms    a Python program that returns at once
small_ms     a component of 200 bytes
small_per_s  launches per second of the latter, 32 in flight
python_per_s the same of the former
"""

import asyncio
import os
import statistics
import time
from pathlib import Path

import wasmtime

from benches.connection import Connection
from benches.report import Figure, report
from benches.server import pie_server
from benches.serving import PROGRAMS
from pie.config.home import from_environment
from pie.programs.resolve import from_source

MODELS = """
[[model]]
name = "pie-tiny"
hf_repo = "pie-tiny"
[model.driver]
type = "dummy"
"""
IN_FLIGHT = 32
SMALL_MANIFEST = '[package]\nname = "bench-tiny"\nversion = "0.1.0"\n'
SMALL = "bench-tiny@0.1.0"
PYTHON = "bench-noop@0.1.0"


def python_program(name: str) -> tuple[bytes, str]:
    """Component and manifest of a program of the benches."""
    built = from_source(PROGRAMS / name, from_environment().built, lambda _: None)
    return built.wasm, (PROGRAMS / name / "Pie.toml").read_text()


async def median_ms(connection: Connection, program: str, rounds: int) -> float:
    taken: list[float] = []
    for _ in range(rounds):
        begin = time.perf_counter()
        await connection.run(program, '{"a": 1}')
        taken.append(time.perf_counter() - begin)
    return statistics.median(taken) * 1e3


async def per_s(connection: Connection, program: str, launches: int) -> float:
    """Launches per second, so many in flight all the time."""
    left = iter(range(launches))

    async def go_on() -> None:
        for _ in left:
            await connection.run(program, '{"a": 1}')

    begin = time.perf_counter()
    await asyncio.gather(*(go_on() for _ in range(IN_FLIGHT)))
    return launches / (time.perf_counter() - begin)


async def figures() -> list[Figure]:
    first_core, *others = sorted(os.sched_getaffinity(0))
    with pie_server(MODELS, cores=others or [first_core]) as server:
        os.sched_setaffinity(0, [first_core])
        connection = await Connection.open(server.ws_url)
        await connection.install(bytes(wasmtime.wat2wasm(Path(__file__).with_name("tiny.wat").read_text())), SMALL_MANIFEST)
        await connection.install(*python_program("noop"))
        for program in (SMALL, PYTHON):
            await per_s(connection, program, 2 * IN_FLIGHT)  # warm up
        python_ms = await median_ms(connection, PYTHON, 200)
        small_ms = await median_ms(connection, SMALL, 1000)
        small_per_s = max([await per_s(connection, SMALL, 4000) for _ in range(3)])
        python_per_s = max([await per_s(connection, PYTHON, 400) for _ in range(3)])
        await connection.close()
    return [
        Figure("python_ms", python_ms, "ms", "<= 4.5"),
        Figure("small_ms", small_ms, "ms", "<= 1.0"),
        Figure("small_per_s", small_per_s, "launches/s", ">= 2000"),
        Figure("python_per_s", python_per_s, "launches/s"),
    ]


if __name__ == "__main__":
    report("serve_launch", asyncio.run(figures()))
