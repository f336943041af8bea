"""Streaming `/v1/chat/completions`, tokens per second with 1, 8 and 32 concurrent requests.

transformers_1 … _32   over `transformers serve --continuous-batching`: same weights, same type, same client, in turns
generate_1 … _32       over our own `generate` in a program, without HTTP: the engine in this process, the same prompts

The model is a Qwen3 of 100 million random parameters; 64 tokens are generated, greedy, after prompts of some 64 tokens. Each system
counts with its best round, as whatever else the machine does only ever takes time away.
"""

import asyncio
import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

from benches import random_qwen3, sse
from benches.report import Figure, report
from benches.server import child, free_port, pie_server
from benches.serving import bench_program, ready
from pie.config.config import Config, DriverConfig, ModelConfig
from pie.config.home import from_environment
from pie.engine.engine import Engine, running

CONCURRENCY = (1, 8, 32)
OUTPUT_TOKENS = 64
PROMPT_WORDS = 48
ROUNDS = 3
WORDS = "river stone paper cloud seven green window market letter garden silver bridge winter candle yellow island"

TokensPerS = Callable[[int], Awaitable[float]]
"""Of one round with so many concurrent requests."""

_seeds = itertools.count()


def prompt() -> str:
    """Words that nobody has asked before, so that no prefix is known."""
    source = random.Random(next(_seeds))
    return " ".join(source.choice(WORDS.split()) for _ in range(PROMPT_WORDS))


def over_http(port: int, model: str) -> TokensPerS:
    async def tokens_per_s(concurrency: int) -> float:
        bodies = [body(model, prompt()) for _ in range(concurrency)]
        begin = time.perf_counter()
        answers = await asyncio.gather(*(sse.post(port, "/v1/chat/completions", one) for one in bodies))
        return sum(answer.completion_tokens for answer in answers) / (time.perf_counter() - begin)

    return tokens_per_s


def body(model: str, text: str) -> dict[str, object]:
    return {
        "model": model,
        "messages": [{"role": "user", "content": text}],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": OUTPUT_TOKENS,
        "temperature": 0.0,
    }


async def without_http(engine: Engine) -> TokensPerS:
    program = await bench_program(engine, "collect")
    tokenizer = engine.model().loaded.tokenizer

    async def tokens_per_s(concurrency: int) -> float:
        inputs = [{"prompt": tokenizer.encode(prompt()), "max_tokens": OUTPUT_TOKENS} for _ in range(concurrency)]
        launched = await ready(engine, program, inputs)
        begin = time.perf_counter()
        for process in launched:
            process.signal("go")
        outcomes = [await process.outcome() for process in launched]
        return sum(int(outcome.value) for outcome in outcomes) / (time.perf_counter() - begin)

    return tokens_per_s


async def compare(name: str, ours: TokensPerS, other: TokensPerS, target: str) -> list[Figure]:
    figures = []
    for concurrency in CONCURRENCY:
        best = [0.0, 0.0]
        for number in range(ROUNDS + 1):
            rates = [await ours(concurrency), await other(concurrency)]
            if number:  # the first round warms up
                best = [max(pair) for pair in zip(best, rates, strict=True)]
        print(f"{name} x {concurrency}: {best[0]:.0f} tokens/s over {best[1]:.0f}", file=sys.stderr, flush=True)
        figures.append(Figure(f"{name}_{concurrency}", best[0] / best[1], "x", target))
    return figures


async def figures(folder: Path) -> list[Figure]:
    theirs = free_port()
    transformers = Path(sys.executable).with_name("transformers")
    flags = ["--continuous-batching", "--device", "cpu", "--dtype", "bfloat16", "--host", "127.0.0.1", "--port", str(theirs)]
    serve = [str(transformers), "serve", str(folder), *flags]
    with ExitStack() as servers:
        server = servers.enter_context(pie_server(random_qwen3.table(folder)))
        ours = over_http(server.port, "m100")
        with child(serve, f"http://127.0.0.1:{theirs}/health", {}, None):
            found = await compare("transformers", ours, over_http(theirs, str(folder)), ">= 1.5")
        config = Config(models=(ModelConfig("m100", str(folder), DriverConfig(activation_dtype="bfloat16")),))
        async with running(config, from_environment()) as engine:
            return found + await compare("generate", ours, await without_http(engine), ">= 0.9")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="pie-bench-model-") as scratch:
        report("openai", asyncio.run(figures(random_qwen3.write(Path(scratch) / "m100"))))
