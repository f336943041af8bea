"""Generation speed of the bare driver loop, over that of transformers' `generate`: same weights, same type, same machine.

    tiny_1 … tiny_32     pie-tiny, with 1, 8 and 32 concurrent sequences
    m100_1 … m100_32     a Qwen3 of 100 million parameters with random weights

64 prompt and 64 output tokens each, greedy, no stop tokens. Ours goes through the driver and its worker child; transformers runs a
padded batch in this process with all cores. The two take turns; each counts with its best round, as whatever else the machine does
only ever takes time away.
"""

import asyncio
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
import transformers

from benches.bare_loop import Workload, prompts, run_bare_loop
from benches.report import Figure, report
from pie.driver.messages import DriverLimits, WorkerConfig
from pie.driver.torch import TorchDriver

CONCURRENCY = (1, 8, 32)
PROMPT_TOKENS = 64
OUTPUT_TOKENS = 64
ROUNDS = 4
TARGET = ">= 1.5"
TINY = Path(__file__).parents[1] / "pie/src/pie/data/pie-tiny"


@dataclass(frozen=True, slots=True)
class Contest:
    """One model in both systems."""

    name: str
    driver: TorchDriver
    limits: DriverLimits
    theirs: transformers.PreTrainedModel

    async def figure(self, sequences_count: int) -> Figure:
        workload = Workload(sequences_count, PROMPT_TOKENS, OUTPUT_TOKENS)
        ours, theirs = 0.0, 0.0
        for _ in range(ROUNDS):
            ours = max(ours, (await run_bare_loop(self.driver, self.limits, workload)).tokens_per_s)
            theirs = max(theirs, self._transformers_tokens_per_s(workload))
        print(f"{self.name} x {sequences_count}: {ours:.0f} tokens/s, transformers {theirs:.0f}", file=sys.stderr, flush=True)
        return Figure(f"{self.name}_{sequences_count}", round(ours / theirs, 2), "x", TARGET)

    def _transformers_tokens_per_s(self, workload: Workload) -> float:
        tokens = torch.tensor(prompts(workload, self.limits.vocabulary_size))
        started = time.perf_counter()
        output = self.theirs.generate(
            tokens,
            attention_mask=torch.ones_like(tokens),
            max_new_tokens=OUTPUT_TOKENS,
            min_new_tokens=OUTPUT_TOKENS,
            do_sample=False,
            pad_token_id=0,
        )
        elapsed_s = time.perf_counter() - started
        return float((output.shape[1] - PROMPT_TOKENS) * workload.sequences_count / elapsed_s)


async def figures_of(name: str, folder: Path) -> list[Figure]:
    driver = TorchDriver(WorkerConfig(str(folder)))
    try:
        limits = await driver.start()
        theirs = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16)
        theirs.generation_config = transformers.GenerationConfig()
        contest = Contest(name, driver, limits, theirs.eval())
        return [await contest.figure(count) for count in CONCURRENCY]
    finally:
        await driver.close()


def write_random_qwen3(folder: Path) -> None:
    """93 million parameters."""
    config = transformers.Qwen3Config(
        vocab_size=32_000,
        hidden_size=768,
        intermediate_size=2304,
        num_hidden_layers=10,
        num_attention_heads=12,
        num_key_value_heads=4,
        head_dim=64,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
    )
    torch.manual_seed(0)
    transformers.Qwen3ForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


async def main() -> list[Figure]:
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    figures: list[Figure] = []
    if (TINY / "config.json").exists():
        figures += await figures_of("tiny", TINY)
    else:
        print(f"no model in {TINY}: the figures of pie-tiny are left out", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="pie-bench-") as folder:
        write_random_qwen3(Path(folder))
        return figures + await figures_of("m100", Path(folder))


if __name__ == "__main__":
    report("throughput", asyncio.run(main()))
