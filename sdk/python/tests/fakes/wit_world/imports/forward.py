import struct
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err, Ok
from scripted_engine import PASS_NS, VOCABULARY_SIZE, Engine, Resource, Timed

from wit_world.imports import context, types
from wit_world.imports._calls import enter, refuse
from wit_world.imports.poll import Pollable


@dataclass
class Probe_Sample:
    value: types.Sampler


@dataclass
class Probe_Distribution:
    value: tuple[float, int]


@dataclass
class Probe_Logits:
    pass


@dataclass
class Probe_Logprobs:
    value: list[int]


@dataclass
class Probe_Entropy:
    pass


@dataclass
class Slot:
    index: int
    probe: Any


@dataclass
class Pass:
    tokens: list[int]
    positions: list[int]
    attention_mask: list[list[int]]
    logit_mask: list[int]
    slots: list[Slot]
    commit: bool


@dataclass
class Reading_Token:
    value: int


@dataclass
class Reading_Distribution:
    value: tuple[list[int], list[float]]


@dataclass
class Reading_Logits:
    value: bytes


@dataclass
class Reading_Logprobs:
    value: list[float]


@dataclass
class Reading_Entropy:
    value: float


class FutureOutput(Resource):
    def __init__(self, at: int, result: Ok | Err) -> None:
        super().__init__()
        self.at = at
        self.result: Ok | Err | None = result

    def subscribe(self) -> Pollable:
        enter("future-output.subscribe")
        return Pollable(Timed(lambda: self.at))

    def get(self) -> Ok | Err | None:
        if enter("future-output.get").now_ns < self.at:
            return None
        result, self.result = self.result, None
        return result


def execute(context: context.Context, pass_: Pass) -> FutureOutput:
    engine = enter("forward.execute")
    context.check_free()
    try:
        result: Ok | Err = Ok(_compute(engine, context, pass_))
    except Err as fault:
        result = fault
    return FutureOutput(engine.now_ns + PASS_NS, result)


def run(context: context.Context, pass_: Pass) -> list[Any]:
    engine = enter("forward.run")
    context.check_free()
    engine.now_ns += PASS_NS
    return _compute(engine, context, pass_)


def draw(context: context.Context, tokens: list[int], sampler: types.Sampler) -> int:
    engine = enter("forward.draw")
    context.check_free()
    engine.now_ns += PASS_NS
    slots = [Slot(len(tokens) - 1, Probe_Sample(sampler))]
    return _compute(engine, context, Pass(tokens, [], [], [], slots, True))[0].value


def _compute(engine: Engine, context: context.Context, pass_: Pass) -> list[Any]:
    lists = (pass_.tokens, pass_.positions, pass_.attention_mask, pass_.logit_mask, pass_.slots)
    assert all(type(value) is list for value in lists), "the generated bindings take lists only"
    if not pass_.tokens:
        raise refuse("empty-input", "a pass without tokens")
    if any(not 0 <= slot.index < len(pass_.tokens) for slot in pass_.slots):
        raise refuse("invalid-argument", "slot index out of range")
    assert not pass_.positions or len(pass_.positions) == len(pass_.tokens)
    before = list(context.tokens)
    context.extend(list(pass_.tokens))
    readings = [_read(engine, context.tokens[: len(before) + slot.index + 1], slot.probe) for slot in pass_.slots]
    if not pass_.commit:
        context.tokens = before
    return readings


def _read(engine: Engine, tokens: list[int], probe: Any) -> Any:
    likeliest = engine.next_token(tokens)
    match probe:
        case Probe_Sample():
            return Reading_Token(likeliest)
        case Probe_Distribution(value=(_, count)):
            return Reading_Distribution(([likeliest, 0][: count or 2], [0.75, 0.25][: count or 2]))
        case Probe_Logits():
            return Reading_Logits(
                struct.pack(f"<{VOCABULARY_SIZE}f", *(float(token == likeliest) for token in range(VOCABULARY_SIZE)))
            )
        case Probe_Logprobs(value=asked):
            return Reading_Logprobs([0.0 if token == likeliest else -9.0 for token in asked])
    return Reading_Entropy(0.5)
