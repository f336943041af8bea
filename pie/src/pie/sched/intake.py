"""What callers hand in, checked, and made into works."""

from __future__ import annotations  # array[int] is not to be evaluated in Python 3.11

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from pie.driver.messages import DriverLimits, Sample, Sampling, Slot
from pie.driver.validity import sampling_problem, slot_problem
from pie.errors import (
    ContextBusyError,
    ContextLimitError,
    EmptyInputError,
    InvalidArgumentError,
    OutOfPagesError,
    TokenOutOfRangeError,
)
from pie.limits import PASSES_QUEUED_MAX, TOP_LOGPROBS_MAX
from pie.sched import brle
from pie.sched.constraint import Obedience
from pie.sched.context import Context
from pie.sched.generation import Generation
from pie.sched.pass_work import PassWork
from pie.sched.work import GenerateOptions, Pass, Tokens


@dataclass(frozen=True, slots=True)
class Intake:
    """Makes works for one driver. `fresh_seed` is asked where a seed is 0."""

    limits: DriverLimits
    fresh_seed: Callable[[], int]

    def forward(self, work_id: int, context: Context, given: Pass) -> PassWork:
        """Raises `ContextReleasedError`, `ContextBusyError` (too many passes queued, or behind a generation), `EmptyInputError`,
        `TokenOutOfRangeError`, `InvalidArgumentError`, `ContextLimitError`, `OutOfPagesError`, `DriverError` (a lost context)."""
        context.demand_usable()
        start = self._start(context)
        tokens = self._tokens(given.tokens)
        self._check_length(start + len(tokens))
        positions = self._positions(given.positions, len(tokens), start)
        mask = self._mask(given, len(tokens), start)
        return PassWork(
            work_id,
            context,
            tokens,
            logit_mask=brle.logit_mask(given.logit_mask, self.limits.vocabulary_size),
            positions=positions,
            mask=mask,
            placed_at=start if len(given.positions) or len(given.attention_mask) else None,
            slots=self._slots(given.slots, len(tokens)),
            commit=given.commit,
        )

    def generate(self, work_id: int, context: Context, tokens: Tokens, options: GenerateOptions) -> Generation:
        """Raises as `forward`; `ContextBusyError` if anything runs on the context."""
        context.demand_quiet()
        inputs = self._tokens(tokens)
        logit_mask = brle.logit_mask(options.logit_mask, self.limits.vocabulary_size)
        stop_tokens = tuple([int(token) for token in options.stop_tokens if 0 <= token < self.limits.vocabulary_size])
        length = context.length + len(inputs)
        self._check_length(length + 1)
        longest = min(self.limits.context_max, self.limits.pages_total * self.limits.page_size)
        return Generation(
            work_id,
            context,
            inputs,
            logit_mask=logit_mask,
            sampling=self._sampling(options.sampling),
            stop_tokens=stop_tokens,
            tokens_max=min(options.tokens_max or longest, longest - length),
            top_logprobs=self._top_logprobs(options.top_logprobs),
            obedience=None
            if options.constraint is None
            else Obedience(options.constraint, logit_mask, stop_tokens, self.limits.vocabulary_size),
        )

    def recalled(self, tokens: Tokens) -> array[int]:
        """The tokens of a context of an earlier engine. Raises `TokenOutOfRangeError`, `ContextLimitError`, `OutOfPagesError`."""
        checked = self._tokens(tokens) if len(tokens) else array("i")
        self._check_length(len(checked))
        return checked

    # --- Parts --------------------------------------------------------------------------------------------------------

    def _start(self, context: Context) -> int:
        """How long the context will be when everything ahead is done."""
        if not context.works:
            return context.length
        if len(context.works) >= PASSES_QUEUED_MAX:
            raise ContextBusyError(f"{PASSES_QUEUED_MAX} passes are waiting on the context already")
        start = context.works[0].start
        for work in context.works:
            if not isinstance(work, PassWork):
                raise ContextBusyError("a generation is running on the context")
            start += len(work.inputs) if work.commit else 0
        return start

    def _tokens(self, tokens: Tokens) -> array[int]:
        if not len(tokens):
            raise EmptyInputError("empty input: there are no tokens to compute")
        least, most = _extremes(tokens)
        if least < 0 or most >= self.limits.vocabulary_size:
            outside = least if least < 0 else most
            raise TokenOutOfRangeError(f"token {outside} is outside the vocabulary of {self.limits.vocabulary_size}")
        return _int32(tokens)

    def _check_length(self, length: int) -> None:
        limits = self.limits
        if length > limits.context_max:
            raise ContextLimitError(f"{length} tokens are more than the longest context of {limits.context_max}")
        if length > limits.pages_total * limits.page_size:
            raise OutOfPagesError(f"{length} tokens are more than all {limits.pages_total} pages of {limits.page_size} hold")

    def _positions(self, positions: Tokens, inputs: int, start: int) -> array[int] | None:
        """None if the positions are those that the tokens have anyway."""
        if not len(positions):
            return None
        if len(positions) != inputs:
            raise InvalidArgumentError(f"there are {inputs} tokens but {len(positions)} positions")
        least, most = _extremes(positions)
        if least < 0 or most >= self.limits.context_max:
            raise InvalidArgumentError(f"positions must lie between 0 and {self.limits.context_max - 1}")
        given = _int32(positions)
        if given[0] == start and (inputs == 1 or given == array("i", range(start, start + inputs))):
            return None
        return given

    def _mask(self, given: Pass, inputs: int, start: int) -> npt.NDArray[np.uint8] | None:
        """None if the mask says what is done anyway."""
        if not len(given.attention_mask):
            return None
        if len(given.attention_mask) != inputs:
            raise InvalidArgumentError(f"there are {inputs} tokens but {len(given.attention_mask)} rows of the attention mask")
        mask = brle.attention_mask(given.attention_mask, start + inputs)
        if mask is not None and brle.looks_ahead(mask) and inputs > self.limits.batch_tokens_max // 2:
            raise InvalidArgumentError(
                f"a pass whose mask attends to later tokens cannot be divided, and {inputs} tokens are too many for one batch"
            )
        return mask

    def _slots(self, slots: Sequence[Slot], inputs: int) -> tuple[Slot, ...]:
        for slot in slots:
            if (problem := slot_problem(slot, inputs, self.limits)) is not None:
                raise InvalidArgumentError(problem)
        return tuple([Sample(slot.index, self._seeded(slot.sampling)) if type(slot) is Sample else slot for slot in slots])

    def _sampling(self, sampling: Sampling) -> Sampling:
        if (problem := sampling_problem(sampling)) is not None:
            raise InvalidArgumentError(problem)
        return self._seeded(sampling)

    def _top_logprobs(self, top: int | None) -> int | None:
        if top is None:
            return None
        if not 0 <= top <= TOP_LOGPROBS_MAX:
            raise InvalidArgumentError(f"log-probabilities of {top} tokens: 0 to {TOP_LOGPROBS_MAX} can be told")
        return min(top, self.limits.vocabulary_size)

    def _seeded(self, sampling: Sampling) -> Sampling:
        if sampling.seed or not sampling.temperature:
            return sampling
        return msgspec.structs.replace(sampling, seed=self.fresh_seed())


def _extremes(values: Tokens) -> tuple[int, int]:
    if len(values) == 1:
        value = int(values[0])
        return value, value
    if isinstance(values, np.ndarray):
        return int(values.min()), int(values.max())
    return min(values), max(values)


def _int32(values: Tokens) -> array[int]:
    return array("i", values.astype(np.int32).tobytes()) if isinstance(values, np.ndarray) else array("i", values)
