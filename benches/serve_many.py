"""1,000 live processes from 50 connections, for ten minutes (`--seconds` for less), dummy driver.

Every process generates, sends numbered messages, waits for texts, returns its name; a new one follows at once.

lost          messages, texts or results that did not come, or not in order
live          processes alive at the same time, the least that was seen
rss_growth    resident memory of the server, last quarter over second quarter of the time (the first warms up); medians
launches      in all
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from dataclasses import dataclass, field

from benches.connection import Connection, Failed, Waiter
from benches.report import Figure, report
from benches.serve_launch import MODELS, python_program
from benches.server import ServerAddress, pie_server, rss_kib
from pie_wire.messages import ListProcesses

CONNECTIONS = 50
PROCESSES = 1000
SECONDS = 600
SAMPLE_EVERY_S = 2.0
PROGRAM = "bench-steady@0.1.0"


@dataclass(slots=True)
class Tally:
    launches: int = 0
    lost: int = 0
    rss: list[int] = field(default_factory=list)
    live: list[int] = field(default_factory=list)


class Load:
    def __init__(self, seconds: float) -> None:
        self.tally = Tally()
        self._names = itertools.count()
        self._ends_at = time.monotonic() + seconds

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends_at

    async def keep_one_alive(self, connection: Connection) -> None:
        while not self.over:
            number = next(self._names)
            self.tally.launches += 1
            try:
                await follow(connection, f"process {number}", rounds=3 + number % 5, first_token=number % 3000)
            except Failed as failure:
                self.tally.lost += 1
                print(failure, file=sys.stderr)

    async def watch(self, server: ServerAddress, observer: Connection) -> None:
        while not self.over:
            await asyncio.sleep(SAMPLE_EVERY_S)
            self.tally.rss.append(rss_kib(server.pid))
            self.tally.live.append(len(json.loads(await observer.ask(ListProcesses))))


async def follow(connection: Connection, name: str, *, rounds: int, first_token: int) -> None:
    """One process from launch to return. Raises `Failed` if anything is missing."""
    events = Waiter()
    input_text = json.dumps({"name": name, "rounds": rounds, "tokens": 24, "prompt": [first_token, 1, 2, 3]})
    process_id = await connection.launch(PROGRAM, input_text, events)
    for number in range(rounds):
        expect(await events.next(), ("message", f"{name} {number}"))
        await asyncio.sleep(0.5)
        await connection.signal(process_id, str(number))
    expect(await events.next(), ("return", name))


def expect(got: tuple[str, str], wanted: tuple[str, str]) -> None:
    if got != wanted:
        raise Failed(f"got {got} instead of {wanted}")


def growth(rss: list[int]) -> float:
    quarter = max(1, len(rss) // 4)
    return statistics.median(rss[-quarter:]) / statistics.median(rss[quarter : 2 * quarter])


async def figures(seconds: float) -> list[Figure]:
    with pie_server(MODELS) as server:
        observer = await Connection.open(server.ws_url)
        await observer.install(*python_program("steady"))
        connections = [await Connection.open(server.ws_url) for _ in range(CONNECTIONS)]
        load = Load(seconds)
        async with asyncio.TaskGroup() as group:
            group.create_task(load.watch(server, observer))
            for number in range(PROCESSES):
                group.create_task(load.keep_one_alive(connections[number % CONNECTIONS]))
        for connection in (observer, *connections):
            await connection.close()
    tally = load.tally
    settled = tally.live[len(tally.live) // 8 : -1] or tally.live
    return [
        Figure("lost", tally.lost, "processes", "<= 0"),
        Figure("live", min(settled), "processes"),
        Figure("rss_growth", growth(tally.rss), "x", "<= 1.02"),
        Figure("rss_mb", tally.rss[-1] / 1024, "MB"),
        Figure("launches", tally.launches, "processes"),
    ]


def seconds_asked() -> float:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    return float(parser.parse_known_args()[0].seconds)


if __name__ == "__main__":
    report("serve_many", asyncio.run(figures(seconds_asked())))
