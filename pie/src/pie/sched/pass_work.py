"""A forward pass on its way: tokens go through the model, in chunks if they are many, and its slots are read off."""

from __future__ import annotations  # array[int] is not to be evaluated in Python 3.11

from array import array
from typing import final

import msgspec
import numpy as np
import numpy.typing as npt

from pie.driver.messages import Output, Reading, Request, Sample, Slot
from pie.errors import DriverError, InvalidArgumentError
from pie.sched.brle import looks_ahead
from pie.sched.context import Context
from pie.sched.work import Handed, Work


@final
class PassWork(Work):
    def __init__(
        self,
        work_id: int,
        context: Context,
        inputs: array[int],
        *,
        logit_mask: bytes,
        positions: array[int] | None,
        mask: npt.NDArray[np.uint8] | None,
        placed_at: int | None,
        slots: tuple[Slot, ...],
        commit: bool,
    ) -> None:
        super().__init__(work_id, context, inputs, logit_mask)
        self.positions = positions
        self.mask = mask
        """uint8[inputs, context and inputs]"""
        self.indivisible = mask is not None and looks_ahead(mask)
        self.slots = slots
        self.commit = commit
        self.readings: list[int | Reading] = [0] * len(slots)
        self.follows = False
        """Whether it is a step of a token loop (see `run_ahead`)."""
        self.unclaimed = False
        """Made ahead, and not asked for yet."""
        self._placed_at = placed_at
        """The length of the context that positions or mask were made for."""
        self._marked = False
        self._first_slot = min([slot.index for slot in slots], default=len(inputs))

    @classmethod
    def drawing(cls, work_id: int, context: Context, token: int, slots: tuple[Slot, ...]) -> PassWork:
        """A step of a token loop."""
        return cls(
            work_id,
            context,
            array("i", [token]),
            logit_mask=b"",
            positions=None,
            mask=None,
            placed_at=None,
            slots=tuple([msgspec.structs.replace(slot, index=0) for slot in slots]),
            commit=True,
        )

    @property
    def custom(self) -> bool:
        """Whether the KV depends on more than the tokens."""
        return self.positions is not None or self.mask is not None

    def begin(self) -> None:
        if self._placed_at not in (None, self.lineage.length):
            raise InvalidArgumentError(
                "a pass ahead of this one was cancelled: its positions or attention mask do not fit any more"
            )
        super().begin()

    def adoptable(self) -> int:
        return self.start if self.custom else self.start + min(self._first_slot, len(self.inputs) - 1)

    @property
    def first(self) -> bool:
        return False

    @property
    def paused(self) -> bool:
        return False

    @property
    def exhausted(self) -> bool:
        """Whether nothing will be handed out any more."""
        return self.handed >= self.end

    def wants(self) -> bool:
        return self.handed < self.end

    def inputs_left(self) -> int:
        return self.end - self.handed

    def readmit(self) -> None:
        super().readmit()
        if self.custom and self.lineage.custom_from is None:
            self.lineage.custom_from = self.start
            self._marked = True

    def close(self, *, answered: bool) -> None:
        """The work has ended."""
        if answered and self.commit:
            self.lineage.length = self.end
        elif self._marked:
            self.lineage.custom_from = None

    def chunk(self, soft: int, hard: int) -> int:
        """How many tokens to take next, `soft` if it can be divided; 0 if not even `hard` is enough."""
        rest = self.end - self.handed
        if self.custom and self.handed < self.start:
            return min(self.start - self.handed, soft)
        if self.indivisible:
            return rest if rest <= hard else 0
        return min(rest, soft)

    def hand_out(self, count: int, pages: bytes) -> tuple[Request, Handed]:
        shift = self.handed - self.start
        slots, numbers = self._slots_within(shift, shift + count)
        request = Request(
            self.context.sequence,
            self.known(count),
            self._positions_within(shift, count),
            self.handed,
            pages,
            slots,
            1,
            (),
            self.logit_mask if slots else b"",
            self._mask_within(shift, count),
        )
        self.handed += count
        self.in_flight += 1
        return request, Handed(self, self.handed, 0, numbers)

    def receive(self, handed: Handed, output: Output) -> int:
        """Files what was read off; returns up to where KV is valid. Raises `DriverError` if that is not what was asked for."""
        tokens = array("i", output.tokens)
        kinds = [type(self.slots[number]) is Sample for number in handed.slots]
        if len(tokens) != sum(kinds) or len(tokens) + len(output.readings) != len(kinds):
            raise DriverError("the driver did not return one reading for each slot")
        drawn, read = iter(tokens), iter(output.readings)
        for number, is_sample in zip(handed.slots, kinds, strict=True):
            self.readings[number] = next(drawn) if is_sample else next(read)
        return handed.computed

    def _slots_within(self, begin: int, end: int) -> tuple[tuple[Slot, ...], range | list[int]]:
        if begin == 0 and end == len(self.inputs):
            return self.slots, range(len(self.slots))
        numbers = [number for number, slot in enumerate(self.slots) if begin <= slot.index < end]
        slots = [self.slots[number] for number in numbers]
        return tuple([msgspec.structs.replace(slot, index=slot.index - begin) for slot in slots]), numbers

    def _positions_within(self, begin: int, count: int) -> bytes:
        return b"" if self.positions is None or begin < 0 else self.positions[begin : begin + count].tobytes()

    def _mask_within(self, begin: int, count: int) -> bytes:
        if self.mask is None or begin < 0:
            return b""
        return self.mask[begin : begin + count, : self.start + begin + count].tobytes()
