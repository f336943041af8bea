"""`pie:inferlet/forward`: one forward pass, token by token."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pie.driver.messages import (
    Distribution,
    DistributionReading,
    Entropy,
    EntropyReading,
    Logits,
    LogitsReading,
    Logprobs,
    LogprobsReading,
    Sample,
    Slot,
)
from pie.errors import InvalidArgumentError, PieError
from pie.host.context import GuestContext
from pie.host.guest import Guest
from pie.host.sampler import GuestSampler, sampling
from pie.host.tokens import Tokens, checked
from pie.sandbox.interface import Err, Interface, Ok, suspends
from pie.sched.work import Pass, PassOutput
from pie.wasi.poll import FuturePollable, Pollable


@dataclass(frozen=True, slots=True)
class GuestSlot:
    """The WIT record `slot`."""

    index: int
    probe: tuple[str, Any]


@dataclass(frozen=True, slots=True)
class GuestPass:
    """The WIT record `pass`."""

    tokens: Tokens
    positions: Tokens
    attention_mask: list[Tokens]
    logit_mask: Tokens
    slots: list[GuestSlot]
    commit: bool


class FutureOutput:
    """A pass on its way. Its output is given out once."""

    def __init__(self, future: asyncio.Future[PassOutput]) -> None:
        self.future = future
        self._taken = False

    def take(self) -> Ok | Err | None:
        if self._taken or not self.future.done():
            return None
        self._taken = True
        try:
            return Ok(readings(self.future.result()))
        except PieError as error:
            return Err(error)

    def drop(self) -> None:
        """The pass goes on, its output is of no interest; nobody is told about an error in it either."""
        self._taken = True
        self.future.add_done_callback(_look_away)


def _sample(index: int, sampler: GuestSampler) -> Slot:
    return Sample(index, sampling(sampler))


def _distribution(index: int, shape: tuple[float, int]) -> Slot:
    temperature, top_k = shape
    return Distribution(index, temperature, top_k)


def _logits(index: int, _: None) -> Slot:
    return Logits(index)


def _logprobs(index: int, tokens: Tokens) -> Slot:
    return Logprobs(index, tuple(tokens.tolist()))


def _entropy(index: int, _: None) -> Slot:
    return Entropy(index)


_SLOTS: dict[str, Callable[[int, Any], Slot]] = {
    "sample": _sample,
    "distribution": _distribution,
    "logits": _logits,
    "logprobs": _logprobs,
    "entropy": _entropy,
}


def _slot(slot: GuestSlot, inputs: int) -> Slot:
    if slot.index >= inputs:
        raise InvalidArgumentError(f"slot index {slot.index} is beyond the pass's {inputs} tokens")
    kind, payload = slot.probe
    return _SLOTS[kind](slot.index, payload)


def _submit(guest: Guest, held: GuestContext, given: GuestPass) -> asyncio.Future[PassOutput]:
    inputs = len(given.tokens)
    return _forward(
        guest,
        held,
        Pass(
            tokens=checked(given.tokens, held.model.scheduler.limits.vocabulary_size),
            positions=given.positions,
            attention_mask=given.attention_mask,
            logit_mask=given.logit_mask,
            slots=tuple([_slot(slot, inputs) for slot in given.slots]),
            commit=given.commit,
        ),
    )


def _forward(guest: Guest, held: GuestContext, given: Pass) -> asyncio.Future[PassOutput]:
    """Hands the pass to the scheduler, if the process's budget allows."""
    budget = guest.budget
    if not budget.limited:
        return held.model.scheduler.forward(held.context, given)
    inputs = len(given.tokens)
    budget.spend(inputs)
    try:
        future = held.model.scheduler.forward(held.context, given)
    except PieError:
        budget.give_back(inputs)
        raise
    future.add_done_callback(lambda done: budget.give_back(inputs) if done.cancelled() or done.exception() else None)
    return future


def readings(output: PassOutput) -> list[tuple[str, Any]]:
    """A pass's readings as the WIT variant `reading`."""
    return [("token", reading) if isinstance(reading, int) else _READINGS[type(reading)](reading) for reading in output.readings]


def _distribution_reading(reading: DistributionReading) -> tuple[str, Any]:
    return "distribution", (np.frombuffer(reading.tokens, np.uint32), np.frombuffer(reading.probabilities, np.float32))


def _logits_reading(reading: LogitsReading) -> tuple[str, Any]:
    return "logits", reading.logits


def _logprobs_reading(reading: LogprobsReading) -> tuple[str, Any]:
    return "logprobs", np.frombuffer(reading.logprobs, np.float32)


def _entropy_reading(reading: EntropyReading) -> tuple[str, Any]:
    return "entropy", reading.entropy


_READINGS: dict[type, Callable[[Any], tuple[str, Any]]] = {
    DistributionReading: _distribution_reading,
    LogitsReading: _logits_reading,
    LogprobsReading: _logprobs_reading,
    EntropyReading: _entropy_reading,
}


def _look_away(future: asyncio.Future[PassOutput]) -> None:
    if not future.cancelled():
        future.exception()


def execute(guest: Guest, held: GuestContext, given: GuestPass) -> FutureOutput:
    return FutureOutput(_submit(guest, held, given))


@suspends
async def run(guest: Guest, held: GuestContext, given: GuestPass) -> list[tuple[str, Any]]:
    return readings(await _submit(guest, held, given))


@suspends
async def draw(guest: Guest, held: GuestContext, tokens: Tokens, sampler: GuestSampler) -> int:
    slots = (Sample(len(tokens) - 1, sampling(sampler)),)
    output = await _forward(guest, held, Pass(tokens=tokens, slots=slots))
    (token,) = output.readings
    assert isinstance(token, int), "a sample reads as a token"
    return token


def subscribe(_: Guest, output: FutureOutput) -> Pollable:
    return FuturePollable(output.future)


def get(_: Guest, output: FutureOutput) -> Ok | Err | None:
    return output.take()


INTERFACE = Interface(
    name="pie:inferlet/forward@0.1.0",
    functions={
        "execute": execute,
        "run": run,
        "draw": draw,
        "[method]future-output.subscribe": subscribe,
        "[method]future-output.get": get,
    },
    resources={"future-output": FutureOutput, "context": GuestContext, "pollable": Pollable},
    types={"pass": GuestPass, "slot": GuestSlot, "sampler": GuestSampler},
)
