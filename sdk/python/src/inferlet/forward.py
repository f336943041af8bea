"""One forward pass, built piece by piece: the token-level interface for programs with a decode loop of their own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from inferlet import _host as host
from inferlet import checked
from inferlet._loop import running_loop
from inferlet.output import Output, ProbeHandle, SampleHandle
from inferlet.probe import Probe
from inferlet.sampler import Sampler

if TYPE_CHECKING:
    from inferlet.context import Context


@dataclass(slots=True)
class _Rest:
    """What most passes do without."""

    scored: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    """Of the scored tokens."""
    logit_mask: list[int] = field(default_factory=list)
    attention_mask: list[list[int]] = field(default_factory=list)


class Forward:
    """Collects inputs and what to read off them; `execute` runs the pass. Made by `Context.forward()`; methods can be chained.

    A reading names its input by index, counted over all inputs in the order given, `input` before `input_at`; -1 is the last one.
    """

    __slots__ = ("_context", "_inputs", "_rest", "_slots")

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._inputs: list[int] = []
        self._slots: list[tuple[int, Any]] = []
        self._rest: _Rest | None = None

    def start_position(self) -> int:
        """The position of the first token given to `input`: the length of the context."""
        return self._context.seq_len

    def input(self, tokens: Iterable[int]) -> "Forward":
        """Tokens that follow the context and stay in it."""
        self._inputs += checked.numbers(tokens)
        return self

    def input_at(self, tokens: Sequence[int], positions: Sequence[int]) -> "Forward":
        """Tokens at positions of your own, for scoring: they do not stay in the context."""
        if len(tokens) != len(positions):
            raise ValueError(f"{len(tokens)} tokens but {len(positions)} positions")
        rest = self._with_rest()
        rest.scored += checked.numbers(tokens)
        rest.positions += checked.numbers(positions)
        return self

    def sample(self, indices: Sequence[int], sampler: Sampler) -> SampleHandle:
        """Draw a token after each of these inputs."""
        handle = SampleHandle(len(self._slots), len(indices))
        for index in indices:
            self._slots.append((index, sampler._probe))
        return handle

    def probe(self, index: int, probe: Probe) -> ProbeHandle:
        """Read something else off the output at this input."""
        handle = ProbeHandle(len(self._slots))
        self._slots.append((index, probe.to_host()))
        return handle

    def mask(self, brle: Sequence[int]) -> "Forward":
        """Which tokens samplers and distributions may use: run lengths, the first of forbidden tokens, then alternating."""
        self._with_rest().logit_mask = checked.numbers(brle)
        return self

    def attention_mask(self, masks: Iterable[Sequence[int]]) -> "Forward":
        """Which positions each input attends to: one row of run lengths per input, the first run not attended, then alternating."""
        self._with_rest().attention_mask = [checked.numbers(row) for row in masks]
        return self

    async def execute(self) -> Output:
        """Runs the pass. Raises `ValueError` if nothing was attached, `HostError` if the engine refuses or fails."""
        inputs, slots, rest = self._inputs, self._slots, self._rest
        if rest is None:
            if len(slots) == 1 and running_loop().alone() and draws_next(slots[0], inputs):
                return Output(self._context._draw(inputs, slots[0][1].value))
            rest = _Rest()
        if rest.scored:
            return await self._score(rest)
        if not (inputs or slots):
            raise ValueError("an empty forward pass: attach inputs (input, input_at) and what to read (sample, probe)")
        readings = await self._context._extend(inputs, host_slots(slots, len(inputs)), rest.logit_mask, rest.attention_mask)
        return Output(readings)

    async def _score(self, rest: _Rest) -> Output:
        """A pass with tokens that do not stay. If others do, they come first, and the context is cut behind them afterwards."""
        context = self._context
        context._settle()
        start = context.seq_len
        kept = len(self._inputs)
        tokens = [*self._inputs, *rest.scored]
        positions = [*range(start, start + kept), *rest.positions]
        slots = host_slots(self._slots, len(tokens))
        request = host.forward.Pass(tokens, positions, rest.attention_mask, rest.logit_mask, slots, kept > 0)
        readings = await run_pass(context._handle, request)
        if kept:
            host.call(context._handle.truncate, start + kept)
            context._length = start + kept
        return Output(readings)

    def _with_rest(self) -> _Rest:
        if self._rest is None:
            self._rest = _Rest()
        return self._rest


def host_slots(slots: Sequence[tuple[int, Any]], inputs: int) -> list[Any]:
    return [host.forward.Slot(input_index(index, inputs), probe) for index, probe in slots]


def input_index(index: int, inputs: int) -> int:
    """`index` counted from the front. What is out of range on the far side is left to the engine to refuse."""
    if index >= 0:
        return checked.number(index)
    if index < -inputs:
        raise IndexError(f"input {index} of a pass with {inputs} inputs")
    return inputs + index


def draws_next(slot: tuple[int, Any], inputs: Sequence[int]) -> bool:
    """Whether all that the slot asks for is the token that follows: what most passes ask for, and a call of its own."""
    index, probe = slot
    return type(probe) is host.forward.Probe_Sample and (index == len(inputs) - 1 or index == -1) and len(inputs) > 0


async def run_pass(handle: Any, request: Any) -> list[Any]:
    """The readings of a pass. One crossing if nothing else is going on in the program, else other tasks run meanwhile."""
    loop = running_loop()
    if loop.alone():
        return list(host.call(host.forward.run, handle, request))
    with host.call(host.forward.execute, handle, request) as future:
        with future.subscribe() as pollable:
            await loop.wait(pollable)
        return list(host.value_of(future.get()))
