"""Trains pie-tiny: `python -m training.train --run NAME`. It resumes where the run's checkpoint stands."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from training import vocabulary
from training.batches import Batch, batch
from training.network import Qwen3, Shape

RUNS = Path(__file__).with_name("runs")
SEED = 20251121
ROWS = 8
LENGTH = 512
WARMUP_STEPS = 100
DECAY_SHARE = 0.3
LEARNING_RATE = 1.5e-3
MATRIX_LEARNING_RATE = 3e-3
GRADIENT_NORM_MAX = 1.0
CHECKPOINT_EVERY_STEPS = 100
LOG_EVERY_STEPS = 20


class Trainer:
    """Weights and optimizer states. Weights are kept in float32 and used in bfloat16."""

    def __init__(self, network: Qwen3) -> None:
        self.network = network
        self.loss_of = torch.compile(weighted_loss)
        self.steps = 0
        hidden = [p for name, p in network.named_parameters() if p.dim() == 2 and "embed" not in name]
        others = [p for name, p in network.named_parameters() if p.dim() != 2 or "embed" in name]
        matrices = torch.optim.Muon(hidden, lr=MATRIX_LEARNING_RATE, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
        rest = torch.optim.AdamW(others, lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.0)
        self.optimizers: list[torch.optim.Optimizer] = [matrices, rest]
        self.peaks = [MATRIX_LEARNING_RATE, LEARNING_RATE]

    def step(self, data: Batch, rate: float) -> float:
        """One update with `rate` times the highest learning rates; returns the loss."""
        loss = self.loss_of(self.network, data)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM_MAX)
        for optimizer, peak in zip(self.optimizers, self.peaks, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = peak * rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.steps += 1
        return loss.item()

    def save(self, path: Path) -> None:
        state = {"steps": self.steps, "network": self.network.state_dict(), "optimizers": [o.state_dict() for o in self.optimizers]}
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self.steps = state["steps"]
        self.network.load_state_dict(state["network"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)


def weighted_loss(network: Qwen3, data: Batch) -> Tensor:
    """Mean cross-entropy in nats, each token counting as much as its weight says."""
    weights = {name: parameter.to(torch.bfloat16) for name, parameter in network.named_parameters()}
    hidden = torch.func.functional_call(network, weights, (data.tokens[:, :-1],))
    logits = F.linear(hidden, weights["embed_tokens.weight"]).float().flatten(0, 1)
    losses = F.cross_entropy(logits, data.tokens[:, 1:].flatten(), reduction="none")
    counts = data.weights.flatten()
    return (losses * counts).sum() / counts.sum()


def schedule(step: int, steps: int) -> float:
    """Warm up, stay, then fall linearly to zero: a run can be prolonged or cut short without starting again."""
    decay_steps = max(1, int(steps * DECAY_SHARE))
    return min((step + 1) / WARMUP_STEPS, 1.0, (steps - step) / decay_steps)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="pie-tiny")
    parser.add_argument("--steps", type=int, default=2850)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    folder = RUNS / arguments.run
    folder.mkdir(parents=True, exist_ok=True)
    train(folder, arguments.steps)


def train(folder: Path, steps: int) -> None:
    tokenizer = tokenizer_of(folder)
    network = Qwen3(Shape(vocabulary_size=vocabulary.SIZE))
    network.initialise(torch.Generator().manual_seed(SEED))
    trainer = Trainer(network)
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        trainer.load(checkpoint)
    started = time.monotonic()
    while trainer.steps < steps:
        step = trainer.steps
        data = batch(tokenizer, seed=SEED, step=step, rows=ROWS, length=LENGTH)
        loss = trainer.step(data, schedule(step, steps))
        if trainer.steps % LOG_EVERY_STEPS == 0:
            print(f"step {trainer.steps} loss {loss:.4f} elapsed_s {time.monotonic() - started:.0f}", flush=True)
        if trainer.steps % CHECKPOINT_EVERY_STEPS == 0 or trainer.steps == steps:
            trainer.save(checkpoint)


def tokenizer_of(folder: Path) -> Tokenizer:
    """The run's tokenizer, learnt when the run begins."""
    path = folder / "tokenizer.json"
    if not path.exists():
        vocabulary.learn(SEED).save(str(path))
    return Tokenizer.from_file(str(path))


if __name__ == "__main__":
    main()
