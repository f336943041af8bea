"""What can be read off the model's output at a position, other than a drawn token."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from inferlet import _host as host
from inferlet import checked


@dataclass(frozen=True, slots=True)
class Logits:
    """Raw logits of the whole vocabulary: little-endian float32, as bytes."""

    def to_host(self) -> Any:
        return host.forward.Probe_Logits()


@dataclass(frozen=True, slots=True)
class Distribution:
    """The `k` most likely tokens with their probabilities at `temperature`, descending; k = 0 asks for the whole vocabulary."""

    temperature: float = 1.0
    k: int = 0

    def to_host(self) -> Any:
        return host.forward.Probe_Distribution((float(self.temperature), checked.number(self.k)))


@dataclass(frozen=True, slots=True)
class Logprob:
    """The log-probability of one token at temperature 1."""

    token: int

    def to_host(self) -> Any:
        return host.forward.Probe_Logprobs(checked.numbers([self.token]))


@dataclass(frozen=True, slots=True, init=False)
class Logprobs:
    """The log-probabilities of some tokens at temperature 1, in the order given."""

    tokens: tuple[int, ...]

    def __init__(self, tokens: Iterable[int] = ()) -> None:
        object.__setattr__(self, "tokens", tuple(tokens))

    def to_host(self) -> Any:
        return host.forward.Probe_Logprobs(checked.numbers(self.tokens))


@dataclass(frozen=True, slots=True)
class Entropy:
    """The entropy of the distribution at temperature 1, in nats."""

    def to_host(self) -> Any:
        return host.forward.Probe_Entropy()


Probe = Logits | Distribution | Logprob | Logprobs | Entropy
