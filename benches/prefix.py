"""A second request with the same 1,000-token prefix, over the first: tokens computed, and time to the first token. Through
scheduler and worker, without the sandbox: pie-tiny, or a small random model where pie-tiny is absent."""

import asyncio
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pie
from benches.report import Figure, report
from pie.driver.messages import WorkerConfig
from pie.driver.torch import TorchDriver
from pie.sched.generation import Generation
from pie.sched.scheduler import Scheduler
from pie.sched.work import GenerateOptions

PREFIX_TOKENS = 1000
QUESTION_TOKENS = 16
ROUNDS = 15
WARM_UP_ROUNDS = 2


@dataclass(frozen=True, slots=True)
class Asked:
    computed_tokens: int
    first_token_s: float


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        scheduler = Scheduler(TorchDriver(WorkerConfig(str(model_folder(Path(folder))))))
        await scheduler.start()
        try:
            pairs = [await ask_twice(scheduler, number) for number in range(WARM_UP_ROUNDS + ROUNDS)][WARM_UP_ROUNDS:]
        finally:
            await scheduler.close()
    tokens = [second.computed_tokens / first.computed_tokens for first, second in pairs]
    times = [second.first_token_s / first.first_token_s for first, second in pairs]
    report(
        "prefix",
        [
            Figure("tokens_ratio", statistics.median(tokens), "tokens computed, second over first", "< 0.05"),
            Figure("ttft_ratio", statistics.median(times), "time to first token, second over first", "< 0.25"),
        ],
    )


def model_folder(scratch: Path) -> Path:
    bundled = Path(pie.__file__).parent / "data" / "pie-tiny"
    return bundled if (bundled / "config.json").exists() else random_model(scratch)


def random_model(folder: Path) -> Path:
    """A Qwen3 of 3 million random parameters."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=4096,
        hidden_size=192,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=6,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=2048,
    )
    Qwen3ForCausalLM(config).save_pretrained(folder)
    return folder


async def ask_twice(scheduler: Scheduler, round_number: int) -> tuple[Asked, Asked]:
    """Two processes, one prefix that nobody has used before, two questions."""
    chance = random.Random(round_number)
    prefix = [chance.randrange(scheduler.limits.vocabulary_size) for _ in range(PREFIX_TOKENS)]
    asked = []
    for process in ("first", "second"):
        question = [chance.randrange(scheduler.limits.vocabulary_size) for _ in range(QUESTION_TOKENS)]
        asked.append(await ask(scheduler, f"{process}-{round_number}", prefix + question))
    return asked[0], asked[1]


async def ask(scheduler: Scheduler, process: str, prompt: list[int]) -> Asked:
    context = scheduler.create_context(process)
    computed = scheduler.statistics().computed_tokens
    begun = time.perf_counter()
    generation = scheduler.generate(context, prompt, GenerateOptions(tokens_max=1))
    await end(generation)
    elapsed_s = time.perf_counter() - begun
    context.release()
    return Asked(scheduler.statistics().computed_tokens - computed, elapsed_s)


async def end(generation: Generation) -> None:
    ended = asyncio.Event()
    generation.on_progress = ended.set
    await ended.wait()
    if generation.error is not None:
        raise generation.error


if __name__ == "__main__":
    asyncio.run(main())
