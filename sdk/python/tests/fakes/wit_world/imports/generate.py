import codecs
from dataclasses import dataclass
from enum import Enum
from typing import Any

from componentize_py_types import Err, Ok
from scripted_engine import CONTEXT_MAX, PASS_NS, Resource, Timed, engine, tokens_of

from wit_world.imports import context, types
from wit_world.imports._calls import enter, refuse
from wit_world.imports.poll import Pollable


@dataclass
class Options:
    sampler: types.Sampler
    tokens_max: int
    stop_tokens: list[int]
    stop_texts: list[str]
    logit_mask: list[int]
    chunk_tokens: int
    unread_max: int


class FinishReason(Enum):
    STOP = 0
    LENGTH = 1


@dataclass
class Chunk:
    tokens: list[int]
    text: str
    finish: FinishReason | None


class Generation(Resource):
    """Draws a token per `PASS_NS` of virtual time, whenever somebody looks."""

    def __init__(self, held: context.Context, options: Options) -> None:
        super().__init__()
        self.held = held
        self.options = options
        self.drawn: list[int] = []
        self.read_count = 0
        self.finish: FinishReason | None = None
        self.bytes = codecs.getincrementaldecoder("utf-8")()
        self.last_at = engine().now_ns
        self.prompt_length = len(held.tokens)
        held.busy = True

    def subscribe(self) -> Pollable:
        enter("generation.subscribe")
        return Pollable(Timed(self._ready_at))

    def read(self) -> Ok | Err | None:
        try:
            now_ns = enter("generation.read").now_ns
        except Err as fault:
            return fault
        self._advance(now_ns, bounded=True)
        return Ok(self._chunk()) if self._has_chunk() else None

    def next(self) -> Chunk:
        current = enter("generation.next")
        while not self._has_chunk():
            current.now_ns += PASS_NS
            self._advance(current.now_ns, bounded=True)
        return self._chunk()

    def collect(self) -> Chunk:
        current = enter("generation.collect")
        while self.finish is None:
            current.now_ns += PASS_NS
            self._advance(current.now_ns, bounded=False)
        return self._chunk()

    def keep(self, length: int) -> None:
        enter("generation.keep")
        kept = self.prompt_length + length
        if kept > len(self.held.tokens):
            raise refuse("length-out-of-range", f"{length} tokens")
        self.held.busy = False
        self.finish = self.finish or FinishReason.LENGTH
        del self.held.tokens[kept:]

    def _drop(self) -> None:
        super()._drop()
        self.held.busy = False

    def _advance(self, now_ns: int, *, bounded: bool) -> None:
        limit = self.options.unread_max if bounded else 0
        while self.finish is None and self.last_at + PASS_NS <= now_ns:
            if limit and len(self.drawn) - self.read_count >= limit:
                self.last_at = now_ns
                return
            self.last_at += PASS_NS
            self._draw()

    def _draw(self) -> None:
        if self.drawn:
            self.held.extend([self.drawn[-1]])
        token = engine().next_token(self.held.tokens)
        if token in self.options.stop_tokens:
            self.finish = FinishReason.STOP
            return
        self.drawn.append(token)
        if len(self.drawn) == self.options.tokens_max or len(self.held.tokens) == CONTEXT_MAX:
            self.finish = FinishReason.LENGTH

    def _has_chunk(self) -> bool:
        if self.finish is not None:
            return True
        return len(self.drawn) - self.read_count >= max(1, self.options.chunk_tokens)

    def _chunk(self) -> Chunk:
        tokens = self.drawn[self.read_count :]
        self.read_count += len(tokens)
        if self.finish is not None:
            self.held.busy = False
        return Chunk(tokens, self.bytes.decode(bytes(tokens)), self.finish)

    def _ready_at(self) -> int | None:
        if self._has_chunk():
            return self.last_at
        missing = max(1, self.options.chunk_tokens) - (len(self.drawn) - self.read_count)
        ahead = min(missing, max(1, len(engine().answer.encode()) + 1 - len(self.drawn)))
        return self.last_at + ahead * PASS_NS


def start(context: context.Context, prompt: list[Any], options: Options) -> Generation:
    enter("generate.start")
    lists = (prompt, options.stop_tokens, options.stop_texts, options.logit_mask)
    assert all(type(value) is list for value in lists), "the generated bindings take lists only"
    context.check_free()
    tokens = tokens_of(prompt, following=bool(context.tokens))
    if not tokens:
        raise refuse("empty-input", "a generation without a prompt")
    context.extend(tokens)
    return Generation(context, options)
