"""What can be read off logits besides a token."""

import torch
from torch import Tensor

from pie.driver.messages import (
    Distribution,
    DistributionReading,
    Entropy,
    EntropyReading,
    Logits,
    LogitsReading,
    Logprobs,
    LogprobsReading,
    Reading,
    Sample,
    Slot,
)


def read_off(slot: Slot, logits: Tensor, allowed: Tensor | None) -> Reading:
    """From logits [vocabulary size] and, for a distribution, the allowed tokens as booleans."""
    logits = logits.float()
    match slot:
        case Distribution():
            return _distribution(slot, logits, allowed)
        case Logits():
            return LogitsReading(logits.cpu().numpy().tobytes())
        case Logprobs(tokens=tokens):
            chosen = torch.log_softmax(logits, -1)[torch.tensor(tokens, dtype=torch.int64, device=logits.device)]
            return LogprobsReading(chosen.cpu().numpy().tobytes())
        case Entropy():
            logprobs = torch.log_softmax(logits, -1)
            return EntropyReading(float(-(logprobs.exp() * logprobs).nansum()))
        case Sample():
            raise AssertionError("a sample is no reading")


def _distribution(slot: Distribution, logits: Tensor, allowed: Tensor | None) -> DistributionReading:
    if allowed is not None:
        logits = logits.masked_fill(~allowed, float("-inf"))
    probabilities = torch.softmax(logits / (slot.temperature or 1.0), -1)
    order = torch.sort(probabilities, descending=True, stable=True).indices[: slot.top_k or None]
    return DistributionReading(order.to(torch.int32).cpu().numpy().tobytes(), probabilities[order].cpu().numpy().tobytes())
