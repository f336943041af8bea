"""Works: what the scheduler is asked to compute. A forward pass reads off what it is told to; a generation draws token after token.

Both go through a lineage in the same way. Its `tokens` are everything known; a work hands out the KV positions from `handed` on:

    lineage.tokens   [ context ………… | inputs … … … | drawn … ]
                     0              start                    end      known tokens
                              ▲ computed     ▲ handed                 settled, and handed out

A request takes tokens from `handed` on. The request that reaches `end` is the one with logits to draw from. While a drawing request
is on its way, the next one goes on from the driver's own last token (`tokens` empty), as the drawn tokens are not known here yet.
So prefill, decoding, and computing an evicted lineage again are one thing: hand out what is known and not computed, then draw.

A work becomes part of its context with its first result. One that ends before (error, cancelled) leaves the context as it was.
"""

from __future__ import annotations  # array[int] is not to be evaluated in Python 3.11

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pie.driver.messages import Reading, Sampling, Slot
from pie.errors import PieError
from pie.sched.brle import RunLengths
from pie.sched.context import Context

if TYPE_CHECKING:
    from pie.sched.constraint import Constraint
    from pie.sched.works import AnyWork

Tokens = Sequence[int] | npt.NDArray[np.uint32] | npt.NDArray[np.int32]

ARGMAX = Sampling()


@dataclass(frozen=True, slots=True)
class Pass:
    """One forward pass, as its author writes it."""

    tokens: Tokens
    positions: Tokens = ()
    """Empty: the tokens follow the context. Else one per token."""
    attention_mask: Sequence[RunLengths] = ()
    """Empty: causal. Else one row per token, over context and inputs."""
    logit_mask: RunLengths = ()
    """Tokens that samples and distributions may use; empty: all."""
    slots: tuple[Slot, ...] = ()
    commit: bool = True
    """False: the tokens do not stay in the context."""


@dataclass(frozen=True, slots=True)
class PassOutput:
    readings: list[int | Reading]
    """In the order of the pass's slots; a token for each `Sample`."""


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    sampling: Sampling = ARGMAX
    tokens_max: int = 0
    """0: up to the context limit."""
    stop_tokens: Sequence[int] = ()
    """Tokens that end the generation; they are not part of what is produced."""
    logit_mask: RunLengths = ()
    top_logprobs: int | None = None
    """Tell how likely each token drawn was, and so many likeliest ones. None: nothing, 0: of the token drawn only."""
    constraint: Constraint | None = None
    """What the tokens have to obey besides; used by this generation only."""


class Handed:
    """One work's part of a batch on its way."""

    __slots__ = ("attempt", "computed", "draws", "residency", "slots", "work")

    def __init__(self, work: AnyWork, computed: int, draws: int, slots: range | list[int]) -> None:
        self.work = work
        self.attempt = work.attempt
        self.residency = work.residency
        self.computed = computed
        """Up to where KV is valid once the batch has settled, tokens drawn in it aside."""
        self.draws = draws
        self.slots = slots
        """A pass's slots, by number, that are read off in this batch."""


class Work:
    """What passes and generations share. `id` is the order of arrival."""

    def __init__(self, work_id: int, context: Context, inputs: array[int], logit_mask: bytes) -> None:
        self.id = work_id
        self.context = context
        self.lineage = context.lineage
        self.owner = context.owner
        self.inputs = inputs
        self.logit_mask = logit_mask
        self.start = 0
        self.end = 0
        self.handed = 0
        self.in_flight = 0
        """Batches on their way that it has a part in."""
        self.residency = 0
        """How often its pages have been taken from it: KV computed before that is gone, tokens drawn before are valid."""
        self.reused: int | None = None
        """Tokens of its inputs whose KV was known already; None until it has pages."""
        self.attempt = 0
        """How often it went back to what had settled: what was on its way then is worth nothing."""
        self.losses = 0
        """How often the driver died while it had a part of it."""
        self._counted = 0
        """Up to which token it has been counted what was computed."""
        self.begun = False
        self.done = False
        self.error: PieError | None = None

    def begin(self) -> None:
        """It is the context's turn for this work."""
        self.begun = True
        self.start = self._counted = self.lineage.length
        self.lineage.tokens.extend(self.inputs)
        self.end = self.start + len(self.inputs)

    def readmit(self) -> None:
        """KV is valid up to `lineage.computed`, nothing is on its way: go on from there."""
        self.handed = self.lineage.computed
        if self.reused is None:
            self.reused = max(0, self.handed - self.start)

    def count(self, begin: int, end: int) -> int:
        """How many of the tokens from `begin` to `end` were computed for the first time. What is computed again, as pages were
        needed elsewhere or the driver died, is nobody's fault who waits for it."""
        new = max(0, end - max(begin, self._counted))
        self._counted = max(self._counted, end)
        return new

    def adoptable(self) -> int:
        """Up to which token known pages may be used instead of computing: there must be logits where they are needed."""
        return self.end - 1

    def known(self, count: int) -> bytes:
        """The next `count` tokens to hand out, int32."""
        return self.lineage.tokens[self.handed : self.handed + count].tobytes()
