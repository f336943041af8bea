"""What came out of a forward pass or a step of generation."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from inferlet import _host as host


class SampleHandle(NamedTuple):
    """Where an output holds the tokens of a sampler: `arity` slots from `slot` on."""

    slot: int
    arity: int = 1


class ProbeHandle(NamedTuple):
    """Where an output holds the reading of a probe."""

    slot: int


class Output:
    """The readings of one pass. Reading through a handle of another kind gives None."""

    __slots__ = ("_readings", "auto_sampler", "tokens")

    def __init__(self, readings: Sequence[Any], tokens: list[int] | None = None, auto_sampler: SampleHandle | None = None) -> None:
        self._readings = readings
        self.tokens: list[int] = [] if tokens is None else tokens
        """The tokens that a step of generation accepted: cut at a stop token and at `max_tokens`. Empty after a bare `Forward`."""
        self.auto_sampler = auto_sampler
        """The sampler of a generator's step, unless it was cleared."""

    @property
    def raw(self) -> list[Any]:
        """The engine's readings in slot order; None in a slot that was left empty."""
        return list(self._readings)

    def token(self, handle: SampleHandle) -> int | None:
        reading = self._reading(handle.slot)
        return reading.value if type(reading) is host.forward.Reading_Token else None

    def tokens_at(self, handle: SampleHandle) -> list[int]:
        readings = self._readings[handle.slot : handle.slot + handle.arity]
        return [reading.value for reading in readings if type(reading) is host.forward.Reading_Token]

    def distribution(self, handle: ProbeHandle) -> tuple[list[int], list[float]] | None:
        """Token ids and their probabilities, descending."""
        reading = self._reading(handle.slot)
        if type(reading) is not host.forward.Reading_Distribution:
            return None
        tokens, probabilities = reading.value
        return list(tokens), list(probabilities)

    def logits(self, handle: ProbeHandle) -> bytes | None:
        """Little-endian float32, one per vocabulary entry."""
        reading = self._reading(handle.slot)
        return bytes(reading.value) if type(reading) is host.forward.Reading_Logits else None

    def logprobs(self, handle: ProbeHandle) -> list[float] | None:
        reading = self._reading(handle.slot)
        return list(reading.value) if type(reading) is host.forward.Reading_Logprobs else None

    def entropy(self, handle: ProbeHandle) -> float | None:
        reading = self._reading(handle.slot)
        return reading.value if type(reading) is host.forward.Reading_Entropy else None

    def _reading(self, slot: int) -> Any:
        return self._readings[slot] if slot < len(self._readings) else None


def token_readings(tokens: Sequence[int]) -> list[Any]:
    """Readings as a sampler would have left them."""
    return [host.forward.Reading_Token(token) for token in tokens]
