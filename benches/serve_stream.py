"""Token events per second through the server: 64 Python processes that send every token as a message, dummy driver.

The server, with all that runs in it (sandbox, scheduler, driver, sockets), has one core; the client has the other and checks that
every event is there and in order.
"""

import asyncio
import json
import os
import time

from benches.connection import Connection, Failed
from benches.report import Figure, report
from benches.serve_launch import MODELS, python_program
from benches.server import pie_server

PROCESSES = 64
CONNECTIONS = 8
TOKENS = 1000
ROUNDS = 5
PROGRAM = "bench-stream@0.1.0"


class Stream:
    """The events of one process: `ready`, then 0, 1, 2, …"""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.returned: asyncio.Future[None] = loop.create_future()
        self._next = 0

    def __call__(self, event: str, value: str) -> None:
        if event == "message" and value == str(self._next):
            self._next += 1
        elif event == "message" and value == "ready":
            self.ready.set_result(None)
        elif event == "return" and value == str(self._next):
            self.returned.set_result(None)
        elif not self.returned.done():
            self.returned.set_exception(Failed(f"{event} {value!r} instead of {self._next}"))


async def events_per_s(connections: list[Connection], seed: int) -> float:
    streams = [Stream() for _ in range(PROCESSES)]
    input_text = json.dumps({"prompt": [seed, 2, 3], "max_tokens": TOKENS})
    ids = [await connections[number % CONNECTIONS].launch(PROGRAM, input_text, stream) for number, stream in enumerate(streams)]
    await asyncio.gather(*(stream.ready for stream in streams))
    begin = time.perf_counter()
    for number, process_id in enumerate(ids):
        await connections[number % CONNECTIONS].signal(process_id, "go")
    await asyncio.gather(*(stream.returned for stream in streams))
    return PROCESSES * TOKENS / (time.perf_counter() - begin)


async def figures() -> list[Figure]:
    first_core, *others = sorted(os.sched_getaffinity(0))
    with pie_server(MODELS, cores=others or [first_core]) as server:
        os.sched_setaffinity(0, [first_core])
        connections = [await Connection.open(server.ws_url) for _ in range(CONNECTIONS)]
        await connections[0].install(*python_program("stream"))
        rates = [await events_per_s(connections, number + 1) for number in range(ROUNDS + 1)][1:]
        for connection in connections:
            await connection.close()
    return [Figure("events_per_s", max(rates), "events/s on one core, all in order", ">= 20000")]


if __name__ == "__main__":
    report("serve_stream", asyncio.run(figures()))
