"""A decode loop run by the scheduler: a prompt goes through the model, then token after token is drawn and fed back."""

from __future__ import annotations  # array[int] is not to be evaluated in Python 3.11

from array import array
from collections.abc import Callable
from typing import Literal, Protocol, final

from pie.driver.messages import Output, Request, Sample, Sampling
from pie.errors import DriverError
from pie.sched.constraint import Obedience
from pie.sched.context import Context
from pie.sched.logprobs import FreshLogprobs, TokenLogprobs
from pie.sched.work import Handed, Work


class GenerationDesk(Protocol):
    """Where generations take what their consumers want done with them: the scheduler."""

    def cancel(self, generation: Generation) -> None: ...
    def resume(self, generation: Generation) -> None: ...


@final
class Generation(Work):
    def __init__(
        self,
        work_id: int,
        context: Context,
        inputs: array[int],
        *,
        logit_mask: bytes,
        sampling: Sampling,
        stop_tokens: tuple[int, ...],
        tokens_max: int,
        top_logprobs: int | None = None,
        obedience: Obedience | None = None,
    ) -> None:
        super().__init__(work_id, context, inputs, logit_mask)
        self.stop_tokens = stop_tokens
        self.tokens_max = tokens_max
        """How many tokens it may draw; also bounded by the context limit."""
        self.produced = 0
        """Tokens drawn so far that are no stop token."""
        self.promised = 0
        """Tokens drawn, or being drawn."""
        self.finish: Literal["stop", "length"] | None = None
        self.on_progress: Callable[[], None] | None = None
        """Called once per settled batch that brought something new: tokens, the end, or an error."""
        self.desk: GenerationDesk | None = None
        self._allowed = tokens_max
        self._drawing = 0
        self._sampling = sampling
        self._slot = (Sample(0, sampling),)
        self._fresh: array[int] = array("i")
        self.top_logprobs = top_logprobs
        self.obedience = obedience
        """If the tokens have to obey a constraint."""
        self._fresh_logprobs = None if top_logprobs is None else FreshLogprobs(top_logprobs)

    # --- For the consumer ---------------------------------------------------------------------------------------------

    def take(self) -> array[int]:
        """The tokens that came since the last call."""
        fresh, self._fresh = self._fresh, array("i")
        return fresh

    def take_logprobs(self) -> list[TokenLogprobs]:
        """One for each token that came since the last call; to be called whenever `take` is. Empty unless asked for."""
        return [] if self._fresh_logprobs is None else self._fresh_logprobs.take()

    def cancel(self) -> None:
        """Ends it. What was delivered stays in the context, but for the last token. `finish` stays None."""
        if self.desk is not None:
            self.desk.cancel(self)

    def allow(self, tokens: int | None) -> None:
        """Draw no more than `tokens` in all for the time being (None: as many as there may be). The loop pauses there until more
        are allowed."""
        self._allowed = self.tokens_max if tokens is None else min(tokens, self.tokens_max)
        if self.desk is not None:
            self.desk.resume(self)

    # --- For the scheduler --------------------------------------------------------------------------------------------

    @property
    def exhausted(self) -> bool:
        """Whether nothing will be handed out any more."""
        return self.promised >= self.tokens_max

    @property
    def draws_left(self) -> int:
        """How many tokens may still be promised for the time being; of one that obeys a constraint, one at a time."""
        left = self._allowed - self.promised
        return left if self.obedience is None else min(left, 1)

    @property
    def paused(self) -> bool:
        """Whether its reader has not allowed it to go on."""
        return self.produced >= self._allowed

    @property
    def first(self) -> bool:
        """Whether nothing has been drawn yet, nor is on its way."""
        return self.promised == 0

    def wants(self) -> bool:
        return self.promised < self._allowed and not (self._drawing and self.obedience)

    def readmit(self) -> None:
        super().readmit()
        self.promised = self.produced
        self._drawing = 0

    def close(self, *, answered: bool) -> None:
        """The work has ended. What was delivered has become part of the context as it came."""

    def inputs_left(self) -> int:
        """Known tokens to hand out before (and for) the next draw; 1 when that is only the token drawn last."""
        return 1 if self._drawing else self.end - self.handed

    def hand_out(self, count: int, steps: int, pages: bytes) -> tuple[Request, Handed]:
        """Take `count` of the tokens left; if that is all of them, draw up to `steps`."""
        draws = min(steps, self.draws_left) if count == self.inputs_left() else 0
        tokens = b"" if self._drawing else self.known(count)
        request = Request(
            self.context.sequence,
            tokens,
            b"",
            self.handed,
            pages,
            self._slots(count) if draws else (),
            max(draws, 1),
            self.stop_tokens if draws else (),
            self._mask() if draws else b"",
            b"",
            self.top_logprobs if draws else None,
        )
        computed = self.handed + count
        self.in_flight += 1
        self.handed = computed
        if draws:
            self.handed += draws - 1
            self.promised += draws
            self._drawing += 1
        return request, Handed(self, computed, draws, range(0))

    def receive(self, handed: Handed, output: Output) -> int:
        """Appends the tokens drawn; returns up to where KV is valid. Raises `DriverError` if the driver drew another number of
        tokens, or what a constraint raises."""
        if not handed.draws:
            return handed.computed
        self._drawing -= 1
        drawn = array("i", output.tokens)
        count = len(drawn)
        if not 1 <= count <= handed.draws or (count < handed.draws and not output.stopped):
            raise DriverError(f"the driver drew {count} tokens instead of {handed.draws}")
        if output.stopped:
            drawn.pop()
            self.finish = "stop"
        if self._fresh_logprobs is not None:
            self._fresh_logprobs.add(output, count, len(drawn))
        self._append(drawn)
        if self.obedience is not None and drawn and self.obedience.accept(drawn[0]):
            self.finish = "length"
        return handed.computed + count - 1

    def _mask(self) -> bytes:
        return self.logit_mask if self.obedience is None else self.obedience.mask

    def _append(self, drawn: array[int]) -> None:
        self.lineage.tokens.extend(drawn)
        self._fresh.extend(drawn)
        self.end += len(drawn)
        self.produced += len(drawn)
        if self.finish is None and self.produced >= self.tokens_max:
            self.finish = "length"
        self.lineage.length = self.end if self.finish == "stop" else self.end - 1

    def _slots(self, count: int) -> tuple[Sample, ...]:
        return self._slot if count == 1 else (Sample(count - 1, self._sampling),)
