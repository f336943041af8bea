"""`pie:inferlet/generate`: a whole decode loop in the scheduler; the guest takes chunks."""

import asyncio
from collections.abc import Awaitable, Coroutine, Sequence
from dataclasses import dataclass

import numpy as np

from pie.errors import PieError
from pie.host.budget import Spending
from pie.host.chat import Segment, encode_segments
from pie.host.context import GuestContext
from pie.host.guest import Guest
from pie.host.sampler import GuestSampler, sampling
from pie.host.stop_text import StopTexts
from pie.host.tokens import Tokens, checked
from pie.model.detokenizer import Detokenizer
from pie.sandbox.interface import Err, Interface, Ok, suspends
from pie.sched.context import Context
from pie.sched.generation import Generation as ScheduledGeneration
from pie.sched.work import GenerateOptions
from pie.wasi.poll import Pollable, Signal, SignalPollable, until_ready


@dataclass(frozen=True, slots=True)
class Options:
    """The WIT record `options`."""

    sampler: GuestSampler
    tokens_max: int
    stop_tokens: Tokens
    stop_texts: list[str]
    logit_mask: Tokens
    chunk_tokens: int
    unread_max: int


@dataclass(frozen=True, slots=True)
class Chunk:
    tokens: Sequence[int]
    text: str
    finish: str | None


class Generation:
    """What the scheduler has produced for a guest and the guest has not taken yet.

    The scheduler calls `_progress` once per settled batch. Text is made when a chunk is handed out, but stop texts are looked for
    at once: when one is found the scheduler's loop is cancelled, and the context cut back to the tokens that count.
    """

    def __init__(
        self,
        context: Context,
        scheduled: ScheduledGeneration,
        detokenizer: Detokenizer,
        options: Options,
        spending: Spending | None = None,
    ) -> None:
        """`spending` is what a process with a token budget has given to this generation."""
        self.signal = Signal()
        self._spending = spending
        self._context = context
        self._scheduled = scheduled
        self._detokenizer = detokenizer
        self._stop_texts = StopTexts(options.stop_texts)
        self._chunk_tokens = max(1, options.chunk_tokens)
        self._unread_max = options.unread_max
        self._prompt_length = context.length + len(scheduled.inputs)
        self._tokens: list[int] = []
        self._text = ""
        self._drawn = 0
        self._stopped = False
        self._over = False
        scheduled.on_progress = self._progress
        self._allow()

    def ready(self) -> bool:
        """There is a chunk to take: enough tokens, or the end."""
        return self._scheduled.done or (len(self._tokens) >= self._chunk_tokens and not self._stopped)

    def finished(self) -> bool:
        return self._scheduled.done

    def take(self) -> Chunk:
        """Everything there is. Raises the error that ended the generation, after what came before it was taken."""
        error = self._error
        if self._over:
            raise error or PieError("the generation is over: its last chunk was taken")
        if error is not None and not self._tokens:
            self._over = True
            raise error
        return self._chunk(last=self._scheduled.done and error is None)

    def take_rest(self) -> Chunk:
        """All that is left of a loop that has ended. Raises the error that ended it: a part must not pass for the whole."""
        if self._error is not None:
            self._over = True
        return self.take()

    def unbounded(self) -> None:
        """Nothing needs to be read in between any more."""
        self._unread_max = 0
        self._scheduled.allow(None if self._spending is None else self._spending.allowed)

    def keep(self, length: int) -> None:
        """Cut the context back to the prompt and the first `length` tokens drawn. The loop has ended.

        Raises `LengthOutOfRangeError`.
        """
        self._context.truncate(self._prompt_length + length)

    def cancel(self) -> None:
        self._stopped = True
        self._scheduled.cancel()

    def drop(self) -> None:
        self._scheduled.on_progress = None
        self._scheduled.cancel()
        if self._spending is not None:
            self._spending.end(self._scheduled)

    @property
    def _error(self) -> PieError | None:
        """What ended the loop before its end."""
        if self._scheduled.error is not None or self._spending is None:
            return self._scheduled.error
        return self._spending.error

    def _chunk(self, *, last: bool) -> Chunk:
        tokens, self._tokens = self._tokens, []
        text, self._text = self._text, ""
        if not self._stop_texts:
            text = self._detokenizer.feed(tokens)
        if not last:
            self._allow()
            return Chunk(tokens, text, None)
        self._over = True
        if self._stopped:
            return Chunk(tokens, text, "stop")
        return Chunk(tokens, text + self._last_text(), self._scheduled.finish)

    def _allow(self) -> None:
        """All that the guest has taken, and as much again as may lie unread; and no more than the process's budget gives."""
        limits = [self._drawn + self._unread_max] if self._unread_max else []
        if self._spending is not None:
            limits.append(self._spending.allowed)
        if limits:
            self._scheduled.allow(min(limits))

    def _progress(self) -> None:
        tokens = self._scheduled.take()
        if not self._stopped:
            if self._stop_texts:
                self._look_for_stop(tokens)
            else:
                self._tokens.extend(tokens)
                self._drawn += len(tokens)
        if self._spending is not None:
            self._spend(self._spending)
        if self._stopped and self._scheduled.done:
            self._cut_back()
        self.signal.notify()

    def _spend(self, spending: Spending) -> None:
        if self._stopped:
            spending.end(self._scheduled)
            return
        before = spending.allowed
        spending.look_at(self._scheduled)
        if spending.allowed > before:
            self._allow()

    def _look_for_stop(self, tokens: Sequence[int]) -> None:
        for token in tokens:
            self._tokens.append(token)
            self._drawn += 1
            cut = self._stop_texts.feed(self._detokenizer.feed((token,)))
            self._text += cut.text
            if cut.stopped:
                self.cancel()
                return

    def _cut_back(self) -> None:
        """The batches that were on their way drew tokens beyond the stop text."""
        length = self._prompt_length + self._drawn
        if not self._context.released and self._context.length > length:
            self._context.truncate(length)

    def _last_text(self) -> str:
        """What was held back as the beginning of a character or of a stop text that did not come."""
        rest = self._detokenizer.flush()
        if not self._stop_texts:
            return rest
        cut = self._stop_texts.feed(rest)
        return cut.text if cut.stopped else cut.text + self._stop_texts.flush()


@suspends
def start(
    guest: Guest, held: GuestContext, prompt: list[Segment], options: Options
) -> Generation | Coroutine[None, None, Generation]:
    tokens = encode_segments(held.model, prompt, following=held.context.length > 0)
    if isinstance(tokens, asyncio.Future):
        return _start_later(guest, held, tokens, options)
    return _start(guest, held, tokens, options)


async def _start_later(guest: Guest, held: GuestContext, tokens: asyncio.Future[list[int]], options: Options) -> Generation:
    return _start(guest, held, await tokens, options)


def _start(guest: Guest, held: GuestContext, tokens: list[int], options: Options) -> Generation:
    if not guest.budget.limited:
        return _generation(held, tokens, options, None)
    spending = Spending(guest.budget, len(tokens), options.tokens_max)
    try:
        return _generation(held, tokens, options, spending)
    except PieError:
        spending.undo()
        raise


def _generation(held: GuestContext, tokens: list[int], options: Options, spending: Spending | None) -> Generation:
    scheduler = held.model.scheduler
    scheduled = scheduler.generate(
        held.context,
        np.asarray(tokens, np.int32),
        GenerateOptions(
            sampling=sampling(options.sampler),
            tokens_max=options.tokens_max,
            stop_tokens=tuple(checked(options.stop_tokens, scheduler.limits.vocabulary_size).tolist()),
            logit_mask=options.logit_mask,
        ),
    )
    return Generation(held.context, scheduled, Detokenizer(held.model.loaded.tokenizer, continuing=True), options, spending)


def subscribe(_: Guest, generation: Generation) -> Pollable:
    return SignalPollable(generation.signal, generation.ready)


def read(_: Guest, generation: Generation) -> Ok | Err | None:
    if not generation.ready():
        return None
    try:
        return Ok(generation.take())
    except PieError as error:
        return Err(error)


@suspends
def next_chunk(_: Guest, generation: Generation) -> Chunk | Awaitable[Chunk]:
    return generation.take() if generation.ready() else _next_chunk(generation)


async def _next_chunk(generation: Generation) -> Chunk:
    await until_ready(SignalPollable(generation.signal, generation.ready))
    return generation.take()


async def collect(_: Guest, generation: Generation) -> Chunk:
    generation.unbounded()
    await _ended(generation)
    return generation.take_rest()


async def keep(_: Guest, generation: Generation, length: int) -> None:
    generation.cancel()
    await _ended(generation)
    generation.keep(length)


async def _ended(generation: Generation) -> None:
    if not generation.finished():
        await until_ready(SignalPollable(generation.signal, generation.finished))


INTERFACE = Interface(
    name="pie:inferlet/generate@0.1.0",
    functions={
        "start": start,
        "[method]generation.subscribe": subscribe,
        "[method]generation.read": read,
        "[method]generation.next": next_chunk,
        "[method]generation.collect": collect,
        "[method]generation.keep": keep,
    },
    resources={"generation": Generation, "context": GuestContext, "pollable": Pollable},
    types={"options": Options, "sampler": GuestSampler},
)
