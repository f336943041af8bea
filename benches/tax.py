"""What the engine takes: tokens/s of a program over those of the driver's bare loop, each on a worker of its own, in turns."""

import statistics
from dataclasses import replace

from benches.bare_loop import Workload, run_bare_loop
from benches.serving import KV_CACHE_MB, bench_program, serve, serving
from pie.driver.messages import WorkerConfig
from pie.driver.torch import TorchDriver
from pie.model.sources import embedded

PROMPT_TOKENS = 64
OUTPUT_TOKENS = 512
ROUNDS = 5


async def taxes(program_name: str, concurrencies: tuple[int, ...]) -> dict[int, float]:
    """Concurrency → median ratio. Each round has prompts of its own, so nothing is known from before."""
    bare = TorchDriver(WorkerConfig(path=str(embedded()), kv_cache_bytes=KV_CACHE_MB << 20))
    limits = await bare.start()
    ratios: dict[int, list[float]] = {concurrency: [] for concurrency in concurrencies}
    try:
        async with serving() as engine:
            program = await bench_program(engine, program_name)
            for number in range(ROUNDS + 1):
                for concurrency in concurrencies:
                    workload = Workload(concurrency, PROMPT_TOKENS, OUTPUT_TOKENS, seed=1000 * number + concurrency)
                    alone = await run_bare_loop(bare, limits, workload)
                    served = await serve(engine, program, replace(workload, seed=workload.seed + 500))
                    if number:  # the first round warms up
                        ratios[concurrency].append(served.tokens_per_s / alone.tokens_per_s)
    finally:
        await bare.close()
    return {concurrency: statistics.median(found) for concurrency, found in ratios.items()}
