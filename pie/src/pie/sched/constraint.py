"""Generations that may not draw what they like: before each token somebody says which may come next.

The scheduler asks for the mask when the tokens before it are known, so such a generation draws one token per batch and is never
in two batches at a time. What it has been told to accept is what its consumer gets, token by token: pages taken away, a batch that
failed, a driver that died change nothing, as tokens once drawn are kept.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from pie.errors import ConstraintError, PieError

T = TypeVar("T")


class Constraint(Protocol):
    """What one generation has to obey. Asked on the event loop, so it has to be quick; an error that it raises ends the generation,
    and nothing else."""

    def mask(self) -> bytes:
        """The tokens allowed next: bit i of byte i // 8, little end first; nothing at all: every token. Changes nothing.

        A token that stops the generation counts like any other: it is allowed where the output may end.
        """
        ...

    def accept(self, token: int) -> None:
        """The token was drawn. Not told of a stop token."""
        ...

    def finished(self) -> bool:
        """Whether nothing but a stop may follow."""
        ...


class Obedience:
    """A generation's dealings with its constraint: masks checked, put together with its logit mask, and kept until the next
    token."""

    def __init__(self, constraint: Constraint, logit_mask: bytes, stop_tokens: Sequence[int], vocabulary_size: int) -> None:
        self._constraint = constraint
        self._logit_mask = logit_mask
        self._stop_tokens = stop_tokens
        self._vocabulary_size = vocabulary_size
        self._mask: bytes | None = None

    @property
    def mask(self) -> bytes:
        """The logit mask of the next token."""
        assert self._mask is not None, "the mask was prepared"
        return self._mask

    def prepare(self) -> None:
        """Asks what may come next, if that is not known yet. Raises `ConstraintError` if that is nothing, or what the constraint
        raises."""
        if self._mask is None:
            self._mask = self._next_mask()

    def accept(self, token: int) -> bool:
        """Returns whether the generation is over: all is said, and it has no token to stop with. Raises as `prepare`."""
        self._mask = None
        self._asked(lambda: self._constraint.accept(token))
        return not self._stop_tokens and self._asked(self._constraint.finished)

    def _next_mask(self) -> bytes:
        if self._asked(self._constraint.finished):
            return self._checked(_mask_of(self._stop_tokens, self._vocabulary_size))
        mask = self._asked(self._constraint.mask)
        if not mask:
            return self._logit_mask
        if len(mask) != -(-self._vocabulary_size // 8):
            raise ConstraintError(f"the constraint's mask has {len(mask)} bytes for {self._vocabulary_size} tokens")
        return self._checked(_both(mask, self._logit_mask) if self._logit_mask else mask)

    def _checked(self, mask: bytes) -> bytes:
        beyond = -self._vocabulary_size % 8
        if not (mask[:-1].strip(b"\0") or mask[-1] & (0xFF >> beyond)):
            raise ConstraintError("the constraint allows no token")
        return mask

    def _asked(self, question: Callable[[], T]) -> T:
        try:
            return question()
        except PieError:
            raise
        except Exception as error:
            raise ConstraintError(f"the constraint failed: {error!r}") from error


def _mask_of(tokens: Sequence[int], vocabulary_size: int) -> bytes:
    bits = np.zeros(vocabulary_size, np.uint8)
    bits[list(tokens)] = 1
    return np.packbits(bits, bitorder="little").tobytes()


def _both(one: bytes, other: bytes) -> bytes:
    return (np.frombuffer(one, np.uint8) & np.frombuffer(other, np.uint8)).tobytes()
