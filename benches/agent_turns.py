"""Time to the first token of an agent's turns: a program that keeps its KV, over the same turns re-sent to our HTTP route.

768 tokens of prefix, then 5 turns of 32 new tokens, each answered with 16; a Qwen3 of 100 million random parameters.

over_cold       the program over `/v1/completions` where no prefix is known (every request begins with a token of its own)
over_reused     the program over `/v1/completions` with the prefix reused
agent_ms, cold_ms, reused_ms    the medians themselves

All three go over loopback sockets, from the request (the program: the text of the turn) to the first text that comes back.
"""

import asyncio
import json
import os
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from benches import random_qwen3, sse
from benches.connection import Connection, Waiter
from benches.report import Figure, report
from benches.serve_launch import python_program
from benches.server import ServerAddress, pie_server

PREFIX_TOKENS = 768
TURN_TOKENS = 32
ANSWER_TOKENS = 16
TURNS = 5
ROUNDS = 4
PROGRAM = "bench-turns@0.1.0"
VOCABULARY_SIZE = 2048
"""Tokens are chosen below this: ordinary ones in any tokenizer."""


@dataclass(slots=True)
class Times:
    agent_s: list[float] = field(default_factory=list)
    reused_s: list[float] = field(default_factory=list)
    cold_s: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Agent:
    """A running program."""

    connection: Connection
    process_id: str
    events: Waiter

    async def turn(self, tokens: list[int]) -> tuple[float, list[int]]:
        """Time to the first text, and what was generated."""
        begin = time.perf_counter()
        await self.connection.signal(self.process_id, json.dumps(tokens))
        _, text = await self.events.next()
        first_s = time.perf_counter() - begin
        drawn = text
        while text != "end":
            drawn = text
            _, text = await self.events.next()
        return first_s, json.loads(drawn)


async def conversation(server: ServerAddress, connection: Connection, source: random.Random, times: Times) -> None:
    """One conversation in all three ways; the first turn, which nobody can know, does not count.

    The ways differ in their first token, or they would find each other's KV in the prefix index.
    """
    events = Waiter()
    process_id = await connection.launch(PROGRAM, json.dumps({"tokens": ANSWER_TOKENS}), events)
    agent = Agent(connection, process_id, events)
    tokens = words(source, PREFIX_TOKENS)
    reused_first = tokens[0] + 1
    new = tokens
    for number in range(TURNS + 1):
        agent_s, answer = await agent.turn(new)
        reused_s = (await complete(server, [reused_first, *tokens[1:]])).first_s
        cold_s = (await complete(server, [*words(source, 1), *tokens[1:]])).first_s
        if number:
            times.agent_s.append(agent_s)
            times.reused_s.append(reused_s)
            times.cold_s.append(cold_s)
        new = words(source, TURN_TOKENS)
        tokens = [*tokens, *answer, *new]


async def complete(server: ServerAddress, tokens: list[int]) -> sse.Streamed:
    body = {
        "model": "m100",
        "prompt": tokens,
        "max_tokens": ANSWER_TOKENS,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    return await sse.post(server.port, "/v1/completions", body)


def words(source: random.Random, count: int) -> list[int]:
    return [source.randrange(300, VOCABULARY_SIZE) for _ in range(count)]


async def figures(folder: Path) -> list[Figure]:
    times, warm_up = Times(), Times()
    with pie_server(random_qwen3.table(folder)) as server:
        connection = await Connection.open(server.ws_url)
        await connection.install(*python_program("turns"))
        await conversation(server, connection, random.Random(0), warm_up)
        for number in range(ROUNDS):
            await conversation(server, connection, random.Random(number + 1), times)
        await connection.close()
    agent, reused, cold = (statistics.median(one) for one in (times.agent_s, times.reused_s, times.cold_s))
    return [
        Figure("over_cold", agent / cold, "x", "<= 0.1"),
        Figure("over_reused", agent / reused, "x", "<= 0.7"),
        Figure("agent_ms", agent * 1e3, "ms"),
        Figure("reused_ms", reused * 1e3, "ms"),
        Figure("cold_ms", cold * 1e3, "ms"),
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pie-bench-model-") as scratch:
        report("agent_turns", asyncio.run(figures(random_qwen3.write(Path(scratch) / "m100"))))
