"""Run-length masks: alternating run lengths, starting with a run of false; everything past the last run is false."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pie.errors import InvalidArgumentError

RunLengths = Sequence[int] | npt.NDArray[np.uint32]


def expanded(runs: RunLengths, size: int) -> npt.NDArray[np.uint8]:
    """`size` times 0 or 1. Runs that reach beyond `size` are cut."""
    ends = np.minimum(np.cumsum(np.asarray(runs, np.uint64)), np.uint64(size)).astype(np.int64)
    mask = np.zeros(size, np.uint8)
    for begin, end in zip(ends[::2].tolist(), ends[1::2].tolist(), strict=False):
        mask[begin:end] = 1
    return mask


def logit_mask(runs: RunLengths, vocabulary_size: int) -> bytes:
    """The bits a driver wants: bit i of byte j allows token 8j + i. No runs: no constraint, no bytes.

    Raises `InvalidArgumentError` if no token at all is allowed.
    """
    if not len(runs):
        return b""
    mask = expanded(runs, vocabulary_size)
    if not mask.any():
        raise InvalidArgumentError("the logit mask allows no token")
    return np.packbits(mask, bitorder="little").tobytes()


def attention_mask(rows: Sequence[RunLengths], width: int) -> npt.NDArray[np.uint8] | None:
    """One row per input token over `width` tokens: the context's, then the inputs. A row without runs is causal: everything up to
    the input itself. None if that is what all rows come to.

    Raises `InvalidArgumentError` if a row attends to nothing.
    """
    causal = causal_mask(len(rows), width)
    matrix = np.stack([expanded(row, width) if len(row) else causal[number] for number, row in enumerate(rows)])
    if not matrix.any(axis=1).all():
        raise InvalidArgumentError("a row of the attention mask attends to nothing")
    return None if np.array_equal(matrix, causal) else matrix


def causal_mask(inputs: int, width: int) -> npt.NDArray[np.uint8]:
    """Each of the last `inputs` of `width` tokens attends to everything up to itself."""
    return np.tri(inputs, width, width - inputs, np.uint8)


def looks_ahead(matrix: npt.NDArray[np.uint8]) -> bool:
    """Whether an input attends to one after it."""
    inputs, width = matrix.shape
    return bool((matrix > causal_mask(inputs, width)).any())
