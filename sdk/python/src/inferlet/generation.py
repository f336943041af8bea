"""Generation, step by step or as a whole.

A plain generation runs in the engine: the program reads chunks of it. As soon as the program interferes (a probe, a cleared
sampler), it goes on token by token: one forward pass per step, from exactly where the program stopped reading.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from inferlet import _host as host
from inferlet import chat, checked
from inferlet.errors import HostError, LaterVersionError
from inferlet.forward import host_slots
from inferlet.later import GENERATOR_METHODS
from inferlet.limits import STREAM_AHEAD_TOKENS_MAX, UNBOUNDED_CHUNK_TOKENS
from inferlet.output import Output, ProbeHandle, SampleHandle, token_readings
from inferlet.probe import Probe
from inferlet.sampler import Sampler
from inferlet.stream import Stream

if TYPE_CHECKING:
    from inferlet.context import Context

_AUTO_SAMPLER = SampleHandle(0)
"""Slot 0 of every step is the generator's own sampler, also while it is cleared: so handles stay what they are."""


class Generator:
    """Made by `Context.generate`. Iterate over it (`async for step in generator`), or ask for everything at once."""

    __slots__ = (
        "_context",
        "_done",
        "_logit_mask",
        "_max_tokens",
        "_sampler",
        "_step_probes",
        "_stepwise",
        "_stop",
        "_stream",
        "_tokens_generated",
    )

    def __init__(
        self,
        context: "Context",
        sampler: Sampler,
        *,
        max_tokens: int | None = None,
        stop: Iterable[int] | None = None,
        logit_mask: Sequence[int] | None = None,
    ) -> None:
        self._context = context
        self._sampler = sampler
        self._max_tokens = None if max_tokens is None else checked.number(max_tokens)
        self._stop = [] if stop is None else checked.numbers(stop)
        self._logit_mask = [] if logit_mask is None else checked.numbers(logit_mask)
        self._step_probes: list[tuple[int, Any]] = []
        self._stepwise = False
        """Whether the generation goes token by token, as it does from the first interference on."""
        self._stream: Stream | None = None
        """What was last started in the engine. It runs as long as it is the context's stream too."""
        self._tokens_generated = 0
        self._done = False

    # --- settings, also between steps ---

    def max_tokens(self, n: int) -> "Generator":
        """At most `n` tokens in all."""
        self._restart()
        self._max_tokens = checked.number(n)
        return self

    def stop(self, tokens: Iterable[int]) -> "Generator":
        """End at any of these tokens instead."""
        self._restart()
        self._stop = checked.numbers(tokens)
        return self

    def add_stop(self, tokens: Iterable[int]) -> "Generator":
        """End at any of these tokens too."""
        return self.stop([*self._stop, *tokens])

    def disable_system_speculation(self) -> "Generator":
        """This version never drafts."""
        return self

    def probe_each_step(self, index: int, probe: Probe) -> ProbeHandle:
        """Read this off every step; -1 is a step's last input. The handle is good for the output of each step."""
        self._stepwise = True
        self._step_probes.append((index, probe.to_host()))
        return ProbeHandle(len(self._step_probes))

    # --- progress ---

    @property
    def tokens_generated(self) -> int:
        return self._tokens_generated

    @property
    def is_done(self) -> bool:
        return self._done or (self._max_tokens is not None and self._tokens_generated >= self._max_tokens)

    # --- step by step ---

    def __aiter__(self) -> AsyncIterator["GenStep"]:
        return self

    async def __anext__(self) -> "GenStep":
        if self.is_done:
            raise StopAsyncIteration
        return GenStep(self)

    def accept(self, tokens: Sequence[int]) -> list[int]:
        """Takes over tokens that the program chose itself, as if they had been generated. Returns those before a stop token and
        within `max_tokens`."""
        accepted = self._cut(checked.numbers(tokens))
        self._tokens_generated += len(accepted)
        self._context.append(accepted)
        return accepted

    # --- as a whole ---

    async def collect_tokens(self) -> list[int]:
        """All tokens from here to the end."""
        if not self._stepwise:
            return (await self._collect())[0]
        return [token async for step in self for token in (await step.execute()).tokens]

    async def collect_text(self) -> str:
        """The text from here to the end."""
        if not self._stepwise:
            return (await self._collect())[1]
        return "".join([piece async for piece in self.texts()])

    async def texts(self) -> AsyncIterator[str]:
        """The text piece by piece, as it comes."""
        decoder: chat.Decoder | None = None
        while not self.is_done:
            if not self._stepwise and decoder is None:
                text = (await self._next_chunk()).text
            else:
                decoder = decoder or chat.Decoder(self._context.model)
                text = decoder.delta((await GenStep(self).execute()).tokens)
            if text:
                yield text

    # --- generation in the engine ---

    async def _next_chunk(self) -> Any:
        try:
            chunk = await self._running(unread_max=STREAM_AHEAD_TOKENS_MAX).next()
        except HostError:
            self._context._abandon()
            raise
        self._fold(len(chunk.tokens), chunk)
        return chunk

    async def _collect(self) -> tuple[list[int], str]:
        if self.is_done:
            return [], ""
        try:
            tokens, text, last_chunk = await self._running(chunk_tokens=UNBOUNDED_CHUNK_TOKENS).collect()
        except HostError:
            self._context._abandon()
            raise
        self._fold(len(tokens), last_chunk)
        return list(tokens), text

    def _fold(self, tokens: int, chunk: Any) -> None:
        self._tokens_generated += tokens
        if chunk.finish is not None:
            self._done = True
            self._context._finish(out_of_tokens=chunk.finish is host.generate.FinishReason.LENGTH)

    def _running(self, *, chunk_tokens: int = 0, unread_max: int = 0) -> Stream:
        """The generation that runs in the engine; started if none does or what runs there belongs to another generator."""
        context = self._context
        if self._stream is not None and self._stream is context._stream:
            return self._stream
        context._settle()
        remaining = 0 if self._max_tokens is None else self._max_tokens - self._tokens_generated
        options = host.generate.Options(
            self._sampler._record, remaining, self._stop, [], self._logit_mask, chunk_tokens, unread_max
        )
        handle = host.call(host.generate.start, context._handle, context._pending, options)
        context._pending = []
        context._stream = self._stream = Stream(handle)
        return self._stream

    def _restart(self) -> None:
        """What runs in the engine runs on old settings."""
        self._context._settle()

    # --- generation token by token ---

    async def _pass(self, probes: Sequence[tuple[int, Any]], *, draw: bool) -> Output:
        context = self._context
        context._settle()
        tokens = context._pending_tokens()
        if not tokens and not draw and not probes:
            self._done = True
            return Output([])
        inputs = len(tokens)
        slots = host_slots(probes, inputs)
        if draw:
            slots.insert(0, host.forward.Slot(max(0, inputs - 1), self._sampler._probe))
        context._pending = []
        try:
            readings = await context._extend(tokens, slots, self._logit_mask, [])
        except HostError:
            context._pending = [host.chat.Segment_Tokens(tokens)]
            raise
        if not draw:
            return Output([None, *readings])
        drawn = self._cut([readings[0].value])
        self._tokens_generated += len(drawn)
        context.append(drawn)
        return Output(readings, drawn, _AUTO_SAMPLER)

    def _cut(self, tokens: list[int]) -> list[int]:
        """`tokens` up to a stop token or to `max_tokens`; the generation is done if anything was cut."""
        for index, token in enumerate(tokens):
            if token in self._stop:
                self._done = True
                return tokens[:index]
        if self._max_tokens is None:
            return tokens
        return tokens[: max(0, self._max_tokens - self._tokens_generated)]

    def __getattr__(self, name: str) -> Any:
        if name in GENERATOR_METHODS:
            raise LaterVersionError(f"Generator.{name}")
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


class GenStep:
    """The next step of a generation. Change it before `execute`, or just execute it."""

    __slots__ = ("_draw", "_generator", "_probes")

    def __init__(self, generator: Generator) -> None:
        self._generator = generator
        self._draw = True
        self._probes: list[tuple[int, Any]] = []

    def clear_sampler(self) -> "GenStep":
        """Draw nothing. The program chooses a token itself and hands it to `Generator.accept`."""
        self._draw = False
        self._generator._stepwise = True
        return self

    def probe(self, index: int, probe: Probe) -> ProbeHandle:
        """Read this off the step's input `index`; -1 is the last one, from which the next token is drawn."""
        generator = self._generator
        generator._stepwise = True
        self._probes.append((index, probe.to_host()))
        return ProbeHandle(len(generator._step_probes) + len(self._probes))

    async def execute(self) -> Output:
        """Runs the step. `tokens` of the output holds what it accepted: one token or several, none if the generation ended."""
        generator = self._generator
        if generator.is_done:
            return Output([])
        if generator._stepwise:
            return await generator._pass([*generator._step_probes, *self._probes], draw=self._draw)
        tokens = list((await generator._next_chunk()).tokens)
        return Output(token_readings(tokens), tokens, _AUTO_SAMPLER)
