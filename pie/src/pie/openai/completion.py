"""Answers to a prompt, drawn by the scheduler, as pieces of text.

`Completions` computes the prompt once, forks its context for every answer but the first, and gives everything back at the end.
A `Completion` is one answer. The scheduler tells it of new tokens once per settled batch; its reader takes all that has come as one
piece, so a slow reader gets fewer and longer pieces, and the drawing pauses when it is too far behind.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import numpy.typing as npt

from pie.driver.messages import Sampling
from pie.host.served import ServedModel
from pie.host.stop_text import StopTexts
from pie.limits import OPENAI_UNREAD_TOKENS_MAX
from pie.model.detokenizer import Detokenizer
from pie.openai.api_error import invalid
from pie.sched.constraint import Constraint
from pie.sched.context import Context
from pie.sched.generation import Generation
from pie.sched.logprobs import TokenLogprobs
from pie.sched.work import GenerateOptions

Finish = Literal["stop", "length"]


@dataclass(frozen=True, slots=True)
class CompletionOptions:
    """How one answer is drawn."""

    sampling: Sampling
    tokens_max: int = 0
    """0: up to the longest context."""
    stop_texts: Sequence[str] = ()
    logit_mask: Sequence[int] = ()
    """Run lengths."""
    top_logprobs: int | None = None
    """None: no logprobs."""
    constraint: Constraint | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A token and how likely it and others were."""

    token: int
    logprobs: TokenLogprobs


@dataclass(frozen=True, slots=True)
class Piece:
    text: str
    drawn: Sequence[Drawn]
    """The tokens, if logprobs were asked for."""
    finish: Finish | None
    """Why the answer is over; None: there is more."""


class Completion:
    """One answer. One reader at a time."""

    def __init__(self, model: ServedModel, context: Context, scheduled: Generation, options: CompletionOptions) -> None:
        """`context` is released with the last piece."""
        self.model = model
        self.has_logprobs = options.top_logprobs is not None
        self.tokens_count = 0
        """Tokens drawn so far, those of a stop text included."""
        self._context = context
        self._scheduled = scheduled
        self._detokenizer = Detokenizer(model.loaded.tokenizer, continuing=True)
        self._stop_texts = StopTexts(options.stop_texts)
        self._tokens: list[int] = []
        self._drawn: list[Drawn] = []
        self._text = ""
        self._finish: Finish | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._allowed = OPENAI_UNREAD_TOKENS_MAX
        scheduled.on_progress = self._progress
        scheduled.allow(self._allowed)

    @property
    def reused_tokens(self) -> int:
        """Tokens of its input whose KV was known already."""
        return self._scheduled.reused or 0

    async def next(self) -> Piece:
        """All that has come since the last piece; waits for something. Raises the `PieError` that ended the answer."""
        while not (self._tokens or self._text or self._drawn or self._finish or self._scheduled.done):
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if self._scheduled.error is not None:
            raise self._scheduled.error
        return self._take()

    def read_freely(self) -> None:
        """The reader takes it as a whole: it need not wait for pieces to be taken."""
        self._allowed = 1 << 31
        self._scheduled.allow(None)

    def stop(self) -> None:
        """No more: what has come is all there is."""
        self._finish = "stop"
        self._scheduled.on_progress = None
        self._scheduled.cancel()

    def _take(self) -> Piece:
        text, self._text = self._text, ""
        drawn, self._drawn = self._drawn, []
        if self._tokens:
            tokens, self._tokens = self._tokens, []
            text += self._detokenizer.feed(tokens)
        if self._finish is None and not self._scheduled.done:
            self._allow()
            return Piece(text, drawn, None)
        self._context.release()
        if self._finish is not None:
            return Piece(text, drawn, self._finish)
        return Piece(text + self._last_text(), drawn, self._scheduled.finish or "stop")

    def _allow(self) -> None:
        if self._allowed - self.tokens_count < OPENAI_UNREAD_TOKENS_MAX // 2:
            self._allowed = self.tokens_count + OPENAI_UNREAD_TOKENS_MAX
            self._scheduled.allow(self._allowed)

    def _progress(self) -> None:
        tokens = self._scheduled.take()
        logprobs = self._scheduled.take_logprobs() if self.has_logprobs else ()
        count = self._until_stop(tokens) if self._stop_texts else len(tokens)
        if not self._stop_texts:
            self._tokens.extend(tokens)
        self.tokens_count += count
        if self.has_logprobs:
            self._drawn += [Drawn(token, known) for token, known in zip(tokens[:count], logprobs, strict=False)]
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _until_stop(self, tokens: Sequence[int]) -> int:
        """Adds the text of the tokens up to a stop text; returns how many that took."""
        for number, token in enumerate(tokens, start=1):
            cut = self._stop_texts.feed(self._detokenizer.feed((token,)))
            self._text += cut.text
            if cut.stopped:
                self.stop()
                return number
        return len(tokens)

    def _last_text(self) -> str:
        """What was held back as the beginning of a character or of a stop text that did not come."""
        rest = self._detokenizer.flush()
        if not self._stop_texts:
            return rest
        cut = self._stop_texts.feed(rest)
        return cut.text if cut.stopped else cut.text + self._stop_texts.flush()


class Completions:
    """The answers to one prompt. To be closed, whatever happens."""

    def __init__(self, model: ServedModel, owner: str, username: str, prompt: Sequence[int]) -> None:
        """`owner` is a name of its own among the scheduler's owners."""
        self.model = model
        self.prompt = prompt
        self.answers: list[Completion] = []
        self._owner = owner
        self._username = username
        self._prefill: Generation | None = None

    async def begin(self, options: Sequence[CompletionOptions]) -> Self:
        """Start one answer per entry of `options`. Raises `PieError`."""
        context = self.model.scheduler.create_context(self._owner, self._username)
        inputs = np.asarray(self.prompt, np.int32)
        if len(options) > 1:
            await self._compute(context, inputs)
            context.truncate(len(inputs) - 1)
        contexts = [context, *(context.fork() for _ in options[1:])]
        for each, how in zip(contexts, options, strict=True):
            self.answers.append(self._answer(each, inputs[each.length :], how))
        return self

    def close(self) -> None:
        """End what is running and give back all pages. Safe to call twice."""
        self.model.scheduler.release_owner(self._owner)

    @property
    def cached_tokens(self) -> int:
        """Tokens of the prompt that did not have to be computed."""
        if self._prefill is not None:
            return self._prefill.reused or 0
        return self.answers[0].reused_tokens if self.answers else 0

    @property
    def computed_tokens(self) -> int:
        """Tokens of the prompt that were computed."""
        return len(self.prompt) - self.cached_tokens if self.answers or self._prefill else 0

    @property
    def completion_tokens(self) -> int:
        return sum(answer.tokens_count for answer in self.answers)

    async def _compute(self, context: Context, inputs: npt.NDArray[np.int32]) -> None:
        """The prompt goes through the model; a generation of one token does that, and tells what was known."""
        self._prefill = self.model.scheduler.generate(context, inputs, GenerateOptions(tokens_max=1))
        done = asyncio.Event()
        self._prefill.on_progress = done.set
        await done.wait()
        if self._prefill.error is not None:
            raise self._prefill.error

    def _answer(self, context: Context, inputs: npt.NDArray[np.int32], how: CompletionOptions) -> Completion:
        scheduled = self.model.scheduler.generate(
            context,
            inputs,
            GenerateOptions(
                sampling=how.sampling,
                tokens_max=how.tokens_max,
                stop_tokens=self.model.loaded.stop_tokens,
                logit_mask=how.logit_mask,
                top_logprobs=how.top_logprobs,
                constraint=how.constraint,
            ),
        )
        return Completion(self.model, context, scheduled, how)


def check_length(model: ServedModel, prompt_tokens: int) -> None:
    """Raises `ApiError` if nothing could follow the prompt."""
    longest = model.scheduler.limits.context_max
    if not prompt_tokens:
        raise invalid("the prompt is empty: there must be at least one token")
    if prompt_tokens >= longest:
        raise invalid(
            f"This model's maximum context length is {longest} tokens. However, the prompt has {prompt_tokens} tokens. "
            "Please reduce its length.",
            code="context_length_exceeded",
        )
